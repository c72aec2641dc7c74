package statistics_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/readmodeltest"
	"github.com/perfectworks/backend/projections/statistics"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newModel(t *testing.T) (*readmodeltest.Model, statistics.Queries) {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(t, pool, statistics.Definition()), statistics.NewQueries(pool)
}

func TestReducers(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, statistics.Definition(),
		organization.Aggregate.Schemas, apikey.Aggregate.Schemas, user.Aggregate.Schemas, tokenaccount.Aggregate.Schemas, file.Aggregate.Schemas)
}

// history is two organizations that live at random, by the rules of the domain.
type history struct {
	random *rand.Rand
	now    time.Time
	serial int
	orgs   map[id.Organization]organization.State
	keys   map[id.APIKey]apikey.State
	write  func(organization id.Organization, stream string, events ...event.Event)
}

const owner = id.User("user_owner")

var byOwner = access.Principal{Kind: access.KindUser, UserID: owner}

func (h *history) name(prefix string) string {
	h.serial++
	return fmt.Sprintf("%s_%d", prefix, h.serial)
}

func (h *history) begin(o id.Organization) {
	h.change(o, func(s organization.State) ([]event.Event, error) {
		name := string(o)
		return s.Register(organization.Registration{
			ID: o, Owner: owner, Slug: "slug-of-" + name[4:], Profile: organization.ProfileChange{Name: &name},
		}, h.now)
	})
}

// change does nothing where the domain refuses.
func (h *history) change(o id.Organization, decide func(organization.State) ([]event.Event, error)) {
	events, err := decide(h.orgs[o])
	if err != nil {
		return
	}
	for _, e := range events {
		h.orgs[o] = organization.Apply(h.orgs[o], e)
	}
	h.write(o, organization.Aggregate.Stream(o), events...)
}

func pick[K ~string, V any](r *rand.Rand, m map[K]V) (K, bool) {
	names := make([]K, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	if len(names) == 0 {
		return "", false
	}
	slices.Sort(names)
	return names[r.IntN(len(names))], true
}

func (h *history) invite(address string) organization.Invite {
	return organization.Invite{
		ID: id.Invitation(h.name("inv")), Email: personal.New(address), EmailHash: address, Role: access.Member,
		TokenHash: func(id.Invitation, int) string { return "token" },
	}
}

func (h *history) step() {
	h.now = h.now.Add(time.Duration(h.random.IntN(40)) * time.Hour)
	o, _ := pick(h.random, h.orgs)
	s := h.orgs[o]
	invitation, _ := pick(h.random, maps.Collect(s.Invitations.All()))
	member, _ := pick(h.random, maps.Collect(s.Members.All()))
	switch h.random.IntN(9) {
	case 0, 1:
		address := fmt.Sprintf("p%d@example.com", h.random.IntN(6))
		h.change(o, func(s organization.State) ([]event.Event, error) {
			return s.Invite(byOwner, h.invite(address), h.now)
		})
	case 2:
		h.change(o, func(s organization.State) ([]event.Event, error) {
			again := h.invite(s.Invitations.Get(invitation).EmailHash)
			again.Resend = true
			return s.Invite(byOwner, again, h.now)
		})
	case 3:
		h.change(o, func(s organization.State) ([]event.Event, error) {
			return s.RevokeInvitation(byOwner, invitation, h.now)
		})
	case 4:
		h.change(o, func(s organization.State) ([]event.Event, error) {
			return s.Join(organization.Acceptance{
				InvitationID: invitation, EmailHash: s.Invitations.Get(invitation).EmailHash, UserID: id.User("user_" + s.Invitations.Get(invitation).EmailHash),
			}, h.now)
		})
	case 5:
		h.change(o, func(s organization.State) ([]event.Event, error) { return s.Remove(byOwner, member, h.now) })
	case 6, 7:
		h.issue(o, member)
	case 8:
		h.changeKey()
	}
}

func (h *history) issue(o id.Organization, member id.User) {
	e := apikey.Issued{
		KeyID: id.APIKey(h.name("key")), OrganizationID: o, OwnerType: apikey.OwnerOrganization, OccurredAt: h.now,
	}
	if h.random.IntN(3) > 0 {
		e.OwnerType, e.UserID, e.MemberSince = apikey.OwnerUser, member, h.orgs[o].Members.Get(member).JoinedAt
	}
	if h.random.IntN(2) > 0 {
		e.ExpireAt = h.now.Add(time.Duration(1+h.random.IntN(300)) * time.Hour)
	}
	h.writeKey(e.KeyID, o, e)
}

func (h *history) writeKey(key id.APIKey, o id.Organization, events ...event.Event) {
	for _, e := range events {
		h.keys[key] = apikey.Apply(h.keys[key], e)
	}
	h.write(o, apikey.Aggregate.Stream(key), events...)
}

func (h *history) changeKey() {
	key, ok := pick(h.random, h.keys)
	s := h.keys[key]
	if !ok || !s.RevokedAt.IsZero() {
		return
	}
	if h.random.IntN(3) == 0 { // A rotation that was under way while its owner went.
		h.writeKey(key, s.OrganizationID, apikey.Rotated{KeyID: key, SuccessorID: "key_next", ExpireAt: h.now.Add(50 * time.Hour), OccurredAt: h.now})
		return
	}
	h.writeKey(key, s.OrganizationID, apikey.Revoked{KeyID: key, OccurredAt: h.now})
}

// recount counts anew, from the aggregates as they are at a time.
func (h *history) recount(o id.Organization, at time.Time) statistics.Statistics {
	s := h.orgs[o]
	want := statistics.Statistics{Members: int64(s.Members.Len())}
	for _, i := range s.Invitations.All() {
		if i.Open(at) {
			want.PendingInvitations++
		}
	}
	for _, k := range h.keys {
		k = k.Under(apikey.Owner{MemberSince: s.Members.Get(k.UserID).JoinedAt})
		if k.OrganizationID == o && !k.Orphaned && k.Status(at) == apikey.StatusActive {
			want.APIKeys++
		}
	}
	return want
}

// At any moment the numbers are those that a count of everything gives, with no
// event since: also later, when invitations and keys have expired.
func TestTheNumbersEqualARecountAtAnyMoment(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	m, q := newModel(t)
	h := &history{
		random: rand.New(rand.NewPCG(seed, 1)), now: start,
		orgs: map[id.Organization]organization.State{}, keys: map[id.APIKey]apikey.State{},
		write: func(o id.Organization, stream string, events ...event.Event) {
			m.GivenWith(event.Metadata{OrganizationID: string(o)}, stream, events...)
		},
	}
	check := func(what string, o id.Organization, at time.Time) {
		got, err := q.Of(context.Background(), o, at)
		if diff := cmp.Diff(h.recount(o, at), got); diff != "" || err != nil {
			t.Fatalf("seed %d: %s, %s at %s (-recount +numbers): %v\n%s", seed, what, o, at, err, diff)
		}
	}
	h.begin("org_1")
	h.begin("org_2")
	for i := range 250 {
		h.step()
		for o := range h.orgs {
			check(fmt.Sprintf("after step %d", i), o, h.now)
			check(fmt.Sprintf("long after step %d", i), o, h.now.Add(time.Duration(h.random.IntN(400))*time.Hour))
		}
	}
	m.Rebuild(context.Background())
	for o := range h.orgs {
		check("rebuilt", o, h.now)
	}
	h.write("org_1", organization.Aggregate.Stream("org_1"), organization.Purged{OrganizationID: "org_1", OccurredAt: h.now})
	// Its keys are revoked after it is purged, one by one.
	nothing := func(when string) {
		t.Helper()
		if got, err := q.Of(context.Background(), "org_1", h.now); got != (statistics.Statistics{}) || err != nil {
			t.Errorf("seed %d: of a purged organization %s: %+v, %v", seed, when, got, err)
		}
	}
	nothing("at once")
	for _, key := range slices.Sorted(maps.Keys(h.keys)) {
		if s := h.keys[key]; s.OrganizationID == "org_1" && s.RevokedAt.IsZero() {
			h.writeKey(key, "org_1", apikey.Revoked{KeyID: key, OccurredAt: h.now})
		}
	}
	nothing("when its keys are revoked")
	check("beside a purged one", "org_2", h.now)
}

func hasEntry(s event.Schema) bool {
	_, has := reflect.TypeOf(s.New()).Elem().FieldByName("Entry")
	return has
}

func TestBalances(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	entry := func(available, held, debt int64) tokenaccount.Entry {
		return tokenaccount.Entry{Balance: tokenaccount.Balance{Available: available, Held: held, Frozen: 1, Consumed: 2, Debt: debt}}
	}
	for _, c := range []struct {
		event event.Event
		want  statistics.Statistics
	}{
		{
			tokenaccount.TokensGranted{OrganizationID: "org_1", Entry: entry(10, 0, 0)},
			statistics.Statistics{TokensAvailable: 10, TokensFrozen: 1, TokensConsumed: 2},
		},
		{
			tokenaccount.TokensReserved{OrganizationID: "org_1", Entry: entry(6, 4, -3)},
			statistics.Statistics{TokensAvailable: 6, TokensHeld: 4, TokensFrozen: 1, TokensConsumed: 2, TokensDebt: 3},
		},
	} {
		m.Given("tokenAccount-org_1", c.event)
		if got, err := q.Of(context.Background(), "org_1", start); got != c.want || err != nil {
			t.Errorf("after %T: %+v, %v", c.event, got, err)
		}
	}
	// Each event with an entry moves the numbers.
	for _, s := range tokenaccount.Aggregate.Schemas {
		if reduce := statistics.Definition().Reducers[s.Type]; (reduce != nil) != hasEntry(s) {
			t.Errorf("%s: followed is %t, has an entry is %t", s.Type, reduce != nil, hasEntry(s))
		}
	}
}
