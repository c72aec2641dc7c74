package commands_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
)

// limited are commands with small quotas.
func limited(s commands.Streams) *commands.Commands {
	return commands.New(commands.Deps{
		Streams: s, Observer: noObserver{}, Live: true, Limits: commands.Limits{APIKeys: 3, Organizations: 2},
	})
}

func TestLivingKeysAreLimited(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Commands = limited(w.store)
		owner, o := w.organization()
		keys := []apikey.State{w.key(owner, commands.IssueAPIKey{}), w.key(owner, commands.IssueAPIKey{})}
		soon := start.Add(time.Hour)
		w.key(owner, commands.IssueAPIKey{ExpireAt: &soon})
		issue := func() answer[commands.IssuedAPIKey] {
			return must(w.IssueAPIKey(w.Context(), w.request(owner), commands.IssueAPIKey{}))
		}
		refused(w, issue(), apikey.ErrLimit)
		// Each owner has a quota of their own, in each organization.
		w.key(owner, ofOrganization)
		w.key(w.member(o.ID, access.Admin), commands.IssueAPIKey{})
		second := must(w.CreateOrganization(w.Context(), w.request(owner), named(unique()))).in(w).Value.Organization
		w.key(within(owner, second.ID, access.Owner), commands.IssueAPIKey{})

		// Revocation frees a slot at once.
		must(w.RevokeAPIKey(w.Context(), w.request(owner), commands.RevokeAPIKey{KeyID: keys[0].ID})).in(w)
		replaced := issue().in(w).Value.Key
		if replaced.Slot != keys[0].Slot {
			w.Errorf("the new key is in slot %d, the free one is %d", replaced.Slot, keys[0].Slot)
		}
		refused(w, issue(), apikey.ErrLimit)

		// Expiry frees one by the clock, at the very instant.
		w.now = soon.Add(-time.Millisecond)
		refused(w, issue(), apikey.ErrLimit)
		w.now = soon
		issue().in(w)
		refused(w, issue(), apikey.ErrLimit)
	})
}

// A successor counts beside the key that it replaces, unless that one ends at
// once: then it takes its slot, and nobody else can.
func TestRotationHoldsTheLimit(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Commands = limited(w.store)
		owner, _ := w.organization()
		old := w.key(owner, commands.IssueAPIKey{})
		w.key(owner, commands.IssueAPIKey{})
		w.key(owner, commands.IssueAPIKey{})
		refused(w, must(w.RotateAPIKey(w.Context(), w.request(owner), commands.RotateAPIKey{KeyID: old.ID})), apikey.ErrLimit)

		atOnce := commands.RotateAPIKey{KeyID: old.ID, Overlap: new(time.Duration)}
		lost := w.request(owner)
		dying := &faulty{Streams: w.store, at: 2} // after the old key was rotated
		if _, err := limited(dying).RotateAPIKey(w.Context(), lost, atOnce); err == nil {
			w.Fatal("the process did not die")
		}
		refused(w, must(w.IssueAPIKey(w.Context(), w.request(owner), commands.IssueAPIKey{})), apikey.ErrLimit)
		got := must(w.RotateAPIKey(w.Context(), again(lost), atOnce)).in(w)
		if got.Value.Key.Slot != old.Slot || got.Value.Predecessor.Status(w.now) != apikey.StatusExpired {
			w.Errorf("got %+v in the place of slot %d", got.Value, old.Slot)
		}
		refused(w, must(w.IssueAPIKey(w.Context(), w.request(owner), commands.IssueAPIKey{})), apikey.ErrLimit)
	})
}

// A slot that a dead process reserved and never used is free after the grace,
// and the process's request, repeated too late, is refused or finds another.
func TestAnUnusedSlotIsFreeAfterTheGrace(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Commands = limited(w.store)
		owner, _ := w.organization()
		w.key(owner, commands.IssueAPIKey{})
		w.key(owner, commands.IssueAPIKey{})
		lost := w.request(owner)
		if _, err := limited(&faulty{Streams: w.store, at: 2}).IssueAPIKey(w.Context(), lost, commands.IssueAPIKey{}); err == nil {
			w.Fatal("the process did not die")
		}
		w.now = start.Add(time.Minute - time.Millisecond)
		refused(w, must(w.IssueAPIKey(w.Context(), w.request(owner), commands.IssueAPIKey{})), apikey.ErrLimit)
		w.now = start.Add(time.Minute)
		must(w.IssueAPIKey(w.Context(), w.request(owner), commands.IssueAPIKey{})).in(w)
		refused(w, must(w.IssueAPIKey(w.Context(), again(lost), commands.IssueAPIKey{})), apikey.ErrLimit)
	})
}

func TestOrganizationsOfAPersonAreLimited(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Commands = limited(w.store)
		owner, first := w.organization()
		create := func(p access.Principal) answer[commands.CreatedOrganization] {
			return must(w.CreateOrganization(w.Context(), w.request(p), named(unique())))
		}
		create(owner).in(w)
		refused(w, create(owner), organization.ErrLimit)
		create(w.person()).in(w)
		// A deleted organization counts until it is purged: its slug is held as well.
		w.append(organization.Aggregate.Stream(first.ID), organization.Deleted{OrganizationID: first.ID, OccurredAt: start})
		refused(w, create(owner), organization.ErrLimit)
		w.append(organization.Aggregate.Stream(first.ID), organization.Purged{OrganizationID: first.ID, OccurredAt: start})
		third := create(owner).in(w).Value.Organization
		refused(w, create(owner), organization.ErrLimit)
		// One that was handed over counts no more.
		heir := w.member(third.ID, access.Owner)
		w.append(organization.Aggregate.Stream(third.ID), organization.MemberRemoved{OrganizationID: third.ID, UserID: owner.UserID, OccurredAt: start})
		create(owner).in(w)
		create(heir).in(w)
	})
}

// The quota holds however many ask at once, in several processes.
func TestQuotasHoldUnderRaces(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	here := newWorld(t, store.Streams)
	processes := []*commands.Commands{limited(store.Streams), limited(eventstoretest.StreamsOf(t, store))}
	for range 3 {
		owner, _ := here.organization()
		var issued, made atomic.Int64
		for _, err := range together(24, func(i int) error {
			p := processes[i%2]
			if i%4 < 2 {
				_, err := p.IssueAPIKey(t.Context(), here.request(owner), commands.IssueAPIKey{})
				if err == nil {
					issued.Add(1)
				}
				return err
			}
			_, err := p.CreateOrganization(t.Context(), here.request(owner), named(unique()))
			if err == nil {
				made.Add(1)
			}
			return err
		}) {
			if err != nil && !errors.Is(err, apikey.ErrLimit) && !errors.Is(err, organization.ErrLimit) {
				t.Error(err)
			}
		}
		// The organization of the owner was made with another limit: it is in a slot
		// beyond these, or in one of them.
		if issued.Load() != 3 || made.Load() > 2 || made.Load() < 1 {
			t.Errorf("%d keys and %d organizations came of it, want 3 and at most 2", issued.Load(), made.Load())
		}
	}
}

// The slots of a large quota are on several pages: all are given out, a freed one
// too, and no more.
func TestLargeQuota(t *testing.T) {
	t.Parallel()
	const limit = reservation.SlotsOnPage + 2
	m := newModel()
	w := newWorld(t, m)
	w.Commands = commands.New(commands.Deps{Streams: m, Observer: noObserver{}, Limits: commands.Limits{APIKeys: limit}})
	owner, _ := w.organization()
	var keys [limit]apikey.State
	for i, err := range together(limit, func(i int) error {
		issued, err := w.IssueAPIKey(testContext, w.request(owner), commands.IssueAPIKey{})
		keys[i] = issued.Value.Key
		return err
	}) {
		if err != nil {
			t.Fatalf("key %d: %v", i, err)
		}
	}
	issue := func() answer[commands.IssuedAPIKey] {
		return must(w.IssueAPIKey(testContext, w.request(owner), commands.IssueAPIKey{}))
	}
	refused(w, issue(), apikey.ErrLimit)
	for _, slot := range []int{1, reservation.SlotsOnPage, limit} {
		i := slices.IndexFunc(keys[:], func(k apikey.State) bool { return k.Slot == slot })
		must(w.RevokeAPIKey(testContext, w.request(owner), commands.RevokeAPIKey{KeyID: keys[i].ID})).in(w)
		if got := issue().in(w).Value.Key.Slot; got != slot {
			t.Errorf("the new key is in slot %d, the free one is %d", got, slot)
		}
		refused(w, issue(), apikey.ErrLimit)
	}
	m.checkUniqueness(t)
}

// A key costs two appends, and nothing is asked of the store before: what this
// process remembers is enough, and the appends prove it.
func TestAKeyCostsTwoAppends(t *testing.T) {
	t.Parallel()
	m := newModel()
	w := newWorld(t, m)
	owner, _ := w.organization()
	w.key(owner, commands.IssueAPIKey{})
	counting := &asked{faulty: faulty{Streams: m}}
	if _, err := newCommands(counting).IssueAPIKey(testContext, w.request(owner), commands.IssueAPIKey{}); err != nil {
		t.Fatal(err)
	}
	if counting.appends != 2 || counting.fresh.Load() != 0 {
		t.Errorf("%d appends and %d reads of the store", counting.appends, counting.fresh.Load())
	}
}

// asked counts the loads that ask the store.
type asked struct {
	faulty
	fresh atomic.Int64
}

func (a *asked) Load(ctx context.Context, stream string, fold commands.Fold, fresh bool) (commands.Snapshot, error) {
	if fresh {
		a.fresh.Add(1)
	}
	return a.faulty.Load(ctx, stream, fold, fresh)
}
