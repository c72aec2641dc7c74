package commands_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

// archive is an index that was told, and an eraser that remembers whom it
// destroyed. It fails as often as it is told to.
type archive struct {
	mu            sync.Mutex
	organizations []id.Organization
	invitations   map[id.Invitation]id.Organization
	destroyed     []string
	fails         int
}

var errArchive = errors.New("the archive does not answer")

func (a *archive) OrganizationsOf(context.Context, id.User) ([]id.Organization, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.organizations), nil
}

func (a *archive) Traces(_ context.Context, _ erasure.Kind, name erasure.ID) (commands.Traces, error) {
	t := commands.Traces{Subjects: []string{string(name)}, Invitations: a.invitations}
	for invitation := range a.invitations {
		t.Subjects = append(t.Subjects, string(invitation))
	}
	return t, nil
}

func (a *archive) Destroy(_ context.Context, t commands.Traces) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fails > 0 {
		a.fails--
		return errArchive
	}
	a.destroyed = append(a.destroyed, t.Subjects...)
	return nil
}

func (a *archive) Forget(ctx context.Context, subjects []string) error {
	return a.Destroy(ctx, commands.Traces{Subjects: subjects})
}

func (a *archive) Lives() erasure.Lives {
	return erasure.Lives{Rows: time.Hour, Backups: 30 * 24 * time.Hour, Memory: time.Minute}
}

// on returns the commands on a store, with the archive.
func (a *archive) on(s commands.Streams) *commands.Commands {
	return commands.New(commands.Deps{
		Streams: s, Observer: noObserver{}, Memberships: a, Eraser: a, Secrets: secrets{}, Invitations: &invitations,
	})
}

// household is a person who is an owner beside another one in one organization
// and a plain member of a second one.
type household struct {
	*world
	*archive
	person    access.Principal
	other     access.Principal
	shared    id.Organization
	elsewhere id.Organization
	// ownerElsewhere is the only owner of the second one.
	ownerElsewhere id.User
}

func newHousehold(w *world) *household {
	w.Helper()
	owner, shared := w.organization()
	another, elsewhere := w.organization()
	h := &household{world: w, person: owner, shared: shared.ID, elsewhere: elsewhere.ID, ownerElsewhere: another.UserID}
	h.other = w.member(shared.ID, access.Owner)
	w.append(organization.Aggregate.Stream(elsewhere.ID), organization.MemberJoined{
		OrganizationID: elsewhere.ID, UserID: owner.UserID, Role: access.Member, OccurredAt: w.now,
	})
	h.archive = &archive{organizations: []id.Organization{shared.ID, elsewhere.ID}}
	h.Commands = h.on(w.store)
	return h
}

func (h *household) confirmed() commands.DeactivateUser {
	return commands.DeactivateUser{ConfirmEmail: h.person.Identity.Email}
}

func state[S any, I id.Name](w *world, of event.Aggregate[I, S], name I) S {
	w.Helper()
	var zero S
	s, err := w.store.Load(context.WithoutCancel(w.Context()), of.Stream(name), commands.Fold{
		Zero: zero, Apply: func(s any, e event.Event) any { return of.Apply(s.(S), e) },
	}, true)
	if err != nil {
		w.Fatal(err)
	}
	return s.State.(S)
}

func (h *household) account() user.State {
	h.Helper()
	return state(h.world, user.Aggregate, h.person.UserID)
}

// asleep tells in how many of the organizations the person is suspended, and in
// how many they are a member.
func (h *household) asleep() (suspended, member int) {
	h.Helper()
	for _, name := range h.organizations {
		if m, ok := state(h.world, organization.Aggregate, name).Members.Find(h.person.UserID); ok {
			member++
			if m.Suspended {
				suspended++
			}
		}
	}
	return suspended, member
}

// consistent fails unless the memberships follow from the account.
func (h *household) consistent(when string) {
	h.Helper()
	status := h.account().Status
	suspended, member := h.asleep()
	want := map[user.Status][2]int{user.StatusActive: {0, 2}, user.StatusDeactivated: {2, 2}, user.StatusErased: {0, 0}}[status]
	if want != [2]int{suspended, member} {
		h.Errorf("%s the account is %s with %d of %d memberships suspended", when, status, suspended, member)
	}
}

func (h *household) settling() commands.Request {
	r := h.request(access.ByPolicy("settle", "", access.EraseUsers))
	r.CauseEventID, r.Retry = uuid.NewString(), true
	return r
}

func TestDeactivateAndRestore(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		h := newHousehold(w)
		for text, broken := range map[string]string{
			"": "confirmEmail REQUIRED", "else@example.org": "confirmEmail MISMATCHED",
		} {
			_, err := h.DeactivateUser(w.Context(), w.request(h.person), commands.DeactivateUser{ConfirmEmail: personal.New(text)})
			if domaintest.Broken(err) != broken {
				w.Errorf("%q: %v", text, err)
			}
		}
		h.consistent("after a refused deactivation")
		stale := at(w.request(h.person), 77)
		refused(w, must(h.DeactivateUser(w.Context(), stale, h.confirmed())), commands.ErrStale)
		h.consistent("after a stale deactivation")

		first := must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed())).in(w)
		if s := first.Value; s.Status != user.StatusDeactivated || !s.DeactivatedAt.Equal(w.now) || !s.PurgeAt.Equal(w.now.Add(user.DefaultGrace)) {
			w.Errorf("got %+v", s)
		}
		h.consistent("after a deactivation")
		w.now = w.now.Add(time.Hour)
		if again := must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed())).in(w); again.Value != first.Value {
			w.Errorf("again: %+v, not %+v", again.Value, first.Value)
		}
		refused(w, must(h.UpdateUserProfile(w.Context(), w.request(h.person), firstName("Eve"))), user.ErrDeactivated)

		w.now = first.Value.PurgeAt.Add(-time.Millisecond)
		if got := must(h.RestoreUser(w.Context(), w.request(h.person), commands.RestoreUser{})).in(w).Value; got.Status != user.StatusActive || !got.PurgeAt.IsZero() {
			w.Errorf("restored: %+v", got)
		}
		h.consistent("after a restoration")
		before := must(h.RestoreUser(w.Context(), w.request(h.person), commands.RestoreUser{})).in(w).Revision
		if got := must(h.RestoreUser(w.Context(), w.request(h.person), commands.RestoreUser{})).in(w).Revision; got != before {
			w.Error("restoring an account in use changed it")
		}

		// At the very instant at which the grace is over it is over.
		second := must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed())).in(w)
		w.now = second.Value.PurgeAt
		refused(w, must(h.RestoreUser(w.Context(), w.request(h.person), commands.RestoreUser{})), user.ErrGraceExpired)
		h.consistent("after a late restoration")
	})
}

func TestWhoEndsAnAccount(t *testing.T) {
	t.Parallel()
	h := newHousehold(newWorld(t, newModel()))
	w := h.world
	key := access.Principal{Kind: access.KindUserKey, UserID: h.person.UserID, KeyID: "key_1", Scopes: access.ScopesOf(access.KindUserKey)}
	refused(w, must(h.DeactivateUser(w.Context(), w.request(key), h.confirmed())), access.ErrCredentialNotAllowed)
	refused(w, must(h.RestoreUser(w.Context(), w.request(key), commands.RestoreUser{})), access.ErrCredentialNotAllowed)
	refused(w, must(h.RestoreUser(w.Context(), w.request(stranger("s")), commands.RestoreUser{})), access.ErrNotRegistered)
	erase := commands.EraseUser{UserID: h.person.UserID}
	refused(w, must(h.EraseUser(w.Context(), w.request(h.person), erase)), user.ErrNotDeactivated)
	must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed())).in(w)
	system := func(role access.SystemRole) access.Principal {
		return access.Principal{Kind: access.KindSystem, UserID: "user_9", SystemRoles: []access.SystemRole{role}}
	}
	for _, c := range []struct {
		by   access.Principal
		want error
	}{
		{key, access.ErrCredentialNotAllowed},
		{h.other, user.ErrNotFound},
		{system(access.SystemSupport), access.ErrForbidden},
		{system(access.SystemFinance), access.ErrForbidden},
		{access.ByPolicy("other", ""), access.ErrForbidden},
	} {
		refused(w, must(h.EraseUser(w.Context(), w.request(c.by), erase)), c.want)
		refused(w, must(h.EraseDueUser(w.Context(), w.request(c.by), commands.EraseDueUser(erase))), c.want)
		refused(w, must(h.FinishUserErasure(w.Context(), w.request(c.by), commands.FinishUserErasure(erase))), c.want)
	}
	refused(w, must(h.EraseUser(w.Context(), w.request(system(access.SystemAdmin)), commands.EraseUser{UserID: "user_x"})), user.ErrNotFound)
	must(h.EraseUser(w.Context(), w.request(system(access.SystemAdmin)), erase)).in(w)
	if h.account().Status != user.StatusErased {
		t.Error("a system admin did not erase")
	}
}

// The only owner of organizations is refused by name, and nothing is suspended.
func TestASoleOwnerStays(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		h := newHousehold(w)
		var sole []id.Organization
		for range 2 {
			o := must(h.CreateOrganization(w.Context(), w.request(h.person), named(unique()))).in(w).Value.Organization
			sole = append(sole, o.ID)
		}
		h.organizations = append(h.organizations, sole...)
		got := must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed()))
		refused(w, got, user.ErrSoleOwner)
		var names []id.Organization
		for _, d := range failure.Of(got.err).Details {
			names = append(names, id.Organization(d.Field))
			if d.Code != organization.ErrLastOwner.Code || d.Message == "" {
				w.Errorf("detail %+v", d)
			}
		}
		if !slices.Equal(names, sole) {
			w.Errorf("named %v, want %v", names, sole)
		}
		if n, _ := h.asleep(); n != 0 || h.account().Status != user.StatusActive {
			w.Errorf("%d memberships are suspended, the account is %s", n, h.account().Status)
		}
		// A deleted organization needs no owner until it is restored.
		for _, name := range sole {
			w.append(organization.Aggregate.Stream(name), organization.Deleted{OrganizationID: name, PurgeAt: w.now, OccurredAt: w.now})
		}
		must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed())).in(w)
	})
}

// An organization that loses its other owner, or is created, while the account is
// being deactivated: the deactivation is taken back.
func TestDeactivationIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(h *household){
		"the other owner leaves": func(h *household) {
			h.append(organization.Aggregate.Stream(h.shared), organization.MemberRemoved{OrganizationID: h.shared, UserID: h.other.UserID, OccurredAt: start})
		},
		"an organization is created": func(h *household) {
			o := must(h.CreateOrganization(h.Context(), h.request(h.person), named(unique()))).in(h).Value.Organization
			h.know(o.ID)
		},
	} {
		for step := 1; step <= 3; step++ { // two suspensions, the deactivation
			t.Run(fmt.Sprintf("%s/%d", name, step), func(t *testing.T) {
				t.Parallel()
				m := newModel()
				h := newHousehold(newWorld(t, m))
				did := false
				slow := h.on(&interrupted{Streams: m, at: step, by: func() {
					// The organization would refuse this once the person is suspended.
					if name == "the other owner leaves" && step > 1 {
						return
					}
					did = true
					meanwhile(h)
				}})
				_, err := slow.DeactivateUser(t.Context(), h.request(h.person), h.confirmed())
				if !did {
					return
				}
				if !errors.Is(err, user.ErrSoleOwner) {
					t.Errorf("got %v\n%s", err, m)
				}
				if n, _ := h.asleep(); n != 0 || h.account().Status != user.StatusActive {
					t.Errorf("%d memberships are suspended, the account is %s\n%s", n, h.account().Status, m)
				}
			})
		}
	}
}

// Somebody joins an organization while their account is being deactivated, at each
// step, before and after the index of memberships could know of it: once the
// policies have looked, no membership of a deactivated account is awake.
func TestJoiningWhileTheAccountEnds(t *testing.T) {
	t.Parallel()
	for step := 1; step <= 4; step++ { // two suspensions, the deactivation, afterwards
		for _, indexed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/indexed=%t", step, indexed), func(t *testing.T) {
				t.Parallel()
				m := newModel()
				h := newHousehold(newWorld(t, m))
				owner, o := h.organization()
				third := o.ID
				invited, token := h.invite(owner, addressOf(h.person), access.Billing)
				joined := false
				join := func() {
					_, err := newCommands(m).JoinOrganization(t.Context(), h.request(h.person), byToken(token))
					joined = err == nil
					if indexed {
						h.know(third)
					}
				}
				_, err := h.on(&interrupted{Streams: m, at: step, by: join}).DeactivateUser(t.Context(), h.request(h.person), h.confirmed())
				if err != nil {
					t.Fatal(err)
				}
				if step == 4 {
					join()
				}
				if !joined {
					t.Fatalf("joining by %s is refused", invited.ID)
				}
				// The policies run after the last command that could be under way, when the
				// index knows of all.
				if !indexed {
					h.know(third)
				}
				must(h.SettleStanding(t.Context(), h.settling(), commands.SettleStanding{UserID: h.person.UserID})).in(t)
				if suspended, member := h.asleep(); suspended != 3 || member != 3 || h.account().Status != user.StatusDeactivated {
					t.Errorf("the account is %s, with %d of %d memberships suspended\n%s", h.account().Status, suspended, member, m)
				}
				must(h.RestoreUser(t.Context(), h.request(h.person), commands.RestoreUser{})).in(t)
				if suspended, member := h.asleep(); suspended != 0 || member != 3 {
					t.Errorf("restored, with %d of %d memberships suspended", suspended, member)
				}
			})
		}
	}
}

// know adds an organization to the index of memberships.
func (h *household) know(name id.Organization) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.organizations = append(h.organizations, name)
}

// A process that dies between two steps leaves nothing half done: the request,
// repeated, does the rest; without that the policies settle it either way.
func TestDeathWhileAnAccountEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		appends int
		given   func(h *household)
		run     func(h *household, c *commands.Commands, r commands.Request) error
		want    user.Status
	}{
		{"deactivate", 3, func(*household) {}, func(h *household, c *commands.Commands, r commands.Request) error {
			_, err := c.DeactivateUser(testContext, r, h.confirmed())
			return err
		}, user.StatusDeactivated},
		{"restore", 3, func(h *household) {
			must(h.DeactivateUser(testContext, h.request(h.person), h.confirmed())).in(h)
		}, func(_ *household, c *commands.Commands, r commands.Request) error {
			_, err := c.RestoreUser(testContext, r, commands.RestoreUser{})
			return err
		}, user.StatusActive},
		{"erase", 7, func(h *household) {
			must(h.DeactivateUser(testContext, h.request(h.person), h.confirmed())).in(h)
		}, func(h *household, c *commands.Commands, r commands.Request) error {
			_, err := c.EraseUser(testContext, r, commands.EraseUser{UserID: h.person.UserID})
			return err
		}, user.StatusErased},
	} {
		counting := &faulty{Streams: newModel()}
		h := newHousehold(newWorld(t, counting.Streams))
		c.given(h)
		if err := c.run(h, h.on(counting), h.request(h.person)); err != nil || counting.appends != c.appends {
			t.Fatalf("%s: %d appends, %v", c.name, counting.appends, err)
		}
		for at := 1; at <= c.appends; at++ {
			for _, written := range []bool{false, true} {
				die := func(t *testing.T) (*household, commands.Request) {
					t.Helper()
					m := newModel()
					h := newHousehold(newWorld(t, m))
					c.given(h)
					request := h.request(h.person)
					if err := c.run(h, h.on(&faulty{Streams: m, at: at, written: written}), request); err == nil {
						t.Fatal("the process did not die")
					}
					return h, request
				}
				t.Run(fmt.Sprintf("%s/%d/written=%t/repeated", c.name, at, written), func(t *testing.T) {
					t.Parallel()
					h, request := die(t)
					if err := c.run(h, h.Commands, again(request)); err != nil {
						t.Fatal(err)
					}
					if got := h.account().Status; got != c.want {
						t.Errorf("the account is %s, want %s", got, c.want)
					}
					h.consistent("after the repetition")
				})
				t.Run(fmt.Sprintf("%s/%d/written=%t/settled", c.name, at, written), func(t *testing.T) {
					t.Parallel()
					h, _ := die(t)
					must(h.SettleStanding(testContext, h.settling(), commands.SettleStanding{UserID: h.person.UserID})).in(t)
					must(h.FinishUserErasure(testContext, h.settling(), commands.FinishUserErasure{UserID: h.person.UserID})).in(t)
					h.consistent("after the policies")
					if h.account().Status == user.StatusErased && !slices.Contains(h.destroyed, string(h.person.UserID)) {
						t.Error("the key was not destroyed")
					}
				})
			}
		}
	}
}

// A process that dies while it takes a refused deactivation back, at each of its
// appends, leaves memberships asleep or an account that an organization needs: the
// policies wake them and restore it.
func TestDeathWhileADeactivationIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refusedAt int // before this append, something happens that refuses the deactivation
		appends   int // all of them, with those that take it back
		meanwhile func(h *household)
	}{
		// Once the first membership is asleep, the person becomes the only owner where the
		// second one is: the account is never deactivated.
		"the second suspension is refused": {2, 2, func(h *household) {
			h.append(organization.Aggregate.Stream(h.elsewhere),
				organization.MemberRoleChanged{OrganizationID: h.elsewhere, UserID: h.person.UserID, Role: access.Owner, OccurredAt: start},
				organization.MemberRemoved{OrganizationID: h.elsewhere, UserID: h.ownerElsewhere, OccurredAt: start})
		}},
		// The account is deactivated, and restored.
		"an organization is created": {3, 6, func(h *household) {
			o := must(h.CreateOrganization(testContext, h.request(h.person), named(unique()))).in(h).Value.Organization
			h.know(o.ID)
		}},
	} {
		run := func(t *testing.T, dying *faulty) *household {
			t.Helper()
			dying.Streams = newModel()
			h := newHousehold(newWorld(t, dying.Streams))
			deactivating := h.on(&interrupted{Streams: dying, at: c.refusedAt, by: func() { c.meanwhile(h) }})
			_, err := deactivating.DeactivateUser(testContext, h.request(h.person), h.confirmed())
			if dying.at > 0 && err == nil || dying.at == 0 && !errors.Is(err, user.ErrSoleOwner) {
				t.Fatalf("got %v", err)
			}
			return h
		}
		counting := &faulty{}
		run(t, counting)
		if counting.appends != c.appends {
			t.Fatalf("%s: %d appends", name, counting.appends)
		}
		for at := 1; at <= c.appends; at++ {
			for _, written := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/written=%t", name, at, written), func(t *testing.T) {
					t.Parallel()
					h := run(t, &faulty{at: at, written: written})
					must(h.SettleStanding(testContext, h.settling(), commands.SettleStanding{UserID: h.person.UserID})).in(t)
					if at < c.refusedAt {
						h.consistent("dead before the refusal")
					} else if n, _ := h.asleep(); n != 0 || h.account().Status != user.StatusActive {
						t.Errorf("%d memberships are suspended, the account is %s", n, h.account().Status)
					}
				})
			}
		}
	}
}

func TestErase(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		h := newHousehold(w)
		invited := id.Invitation("inv_" + unique())
		w.append(organization.Aggregate.Stream(h.elsewhere), organization.MemberInvited{
			OrganizationID: h.elsewhere, InvitationID: invited, Email: personal.New("a@example.org"),
			Role: access.Member, ExpireAt: w.now.Add(time.Hour), OccurredAt: w.now,
		})
		h.invitations = map[id.Invitation]id.Organization{invited: h.elsewhere}
		must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed())).in(w)
		// The first attempt fails at the keys.
		h.fails = 1
		request := w.request(h.person)
		if got := must(h.EraseUser(w.Context(), request, commands.EraseUser{UserID: h.person.UserID})); !errors.Is(got.err, errArchive) {
			w.Fatalf("got %v", got.err)
		}
		got := must(h.EraseUser(w.Context(), request, commands.EraseUser{UserID: h.person.UserID})).in(w)
		s := got.Value
		keys := []string{string(h.person.UserID), string(invited)}
		if s.ID != erasure.ID(h.person.UserID) || s.Kind != erasure.KindUser || !slices.Equal(s.Keys, keys) || !s.CompletedAt.Equal(w.now) {
			w.Errorf("got %+v", s)
		}
		if c := s.Certificate; len(c.Destroyed) == 0 || len(c.Kept) == 0 || len(c.Remains) != 4 || !c.Remains[3].Until.Equal(w.now.Add(30*24*time.Hour)) {
			w.Errorf("certificate %+v", c)
		}
		if !slices.Equal(h.destroyed, keys) {
			w.Errorf("destroyed %v", h.destroyed)
		}
		h.consistent("after the erasure")
		if o := state(w, organization.Aggregate, h.elsewhere); o.Invitations.Get(invited).Open(w.now) {
			w.Errorf("invitations %v", o.Invitations)
		}
		if o := state(w, organization.Aggregate, h.shared); o.Owners() != 1 {
			w.Errorf("%d owners", o.Owners())
		}
		// Again it is the same certificate.
		w.now = w.now.Add(time.Hour)
		again := must(h.EraseUser(w.Context(), w.request(access.ByPolicy("p", "", access.EraseUsers)), commands.EraseUser{UserID: h.person.UserID})).in(w)
		if diff := domaintest.Diff(s, again.Value); diff != "" || len(h.destroyed) != 2 {
			w.Errorf("again:\n%s", diff)
		}
		refused(w, must(h.RestoreUser(w.Context(), w.request(h.person), commands.RestoreUser{})), user.ErrNotFound)
		// The identity and the address are free: the same person is a new one.
		fresh := h.person
		fresh.UserID = ""
		account := must(h.RegisterUser(w.Context(), w.request(fresh), ada())).in(w).Value
		if !account.New || account.User.ID == h.person.UserID {
			w.Errorf("signing up after the erasure gives %+v", account)
		}
	})
}

func TestEraseWhenDue(t *testing.T) {
	t.Parallel()
	h := newHousehold(newWorld(t, newModel()))
	w := h.world
	due := func() (erasure.State, error) {
		r, err := h.EraseDueUser(w.Context(), h.settling(), commands.EraseDueUser{UserID: h.person.UserID})
		return r.Value, err
	}
	for name, prepare := range map[string]func(){
		"in use": func() {},
		"within the grace": func() {
			s := must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed())).in(w).Value
			w.now = s.PurgeAt.Add(-time.Millisecond)
		},
	} {
		prepare()
		if s, err := due(); err != nil || s.ID != "" || h.account().Status == user.StatusErased {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	must(h.DeactivateUser(w.Context(), w.request(h.person), h.confirmed())).in(w)
	w.now = h.account().PurgeAt
	if s, err := due(); err != nil || s.CompletedAt.IsZero() || h.account().Status != user.StatusErased {
		t.Errorf("%+v, %v", s, err)
	}
	refused(w, must(h.EraseDueUser(w.Context(), w.request(h.other), commands.EraseDueUser{UserID: h.person.UserID})), user.ErrNotFound)
}

// All owners of an organization deactivate their accounts at once, in several
// processes: one stays, and nobody is left between.
func TestOwnersDeactivateAtOnce(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func() []commands.Streams{
		"model": func() []commands.Streams { m := newModel(); return []commands.Streams{m, m} },
		"store": func() []commands.Streams {
			s := eventstoretest.New(t)
			return []commands.Streams{s.Streams, s.Streams}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			processes := store()
			w := newWorld(t, processes[0])
			first, o := w.organization()
			owners := []access.Principal{first}
			for range 3 {
				owners = append(owners, w.member(o.ID, access.Owner))
			}
			a := &archive{organizations: []id.Organization{o.ID}}
			var wg sync.WaitGroup
			for i, owner := range owners {
				wg.Go(func() {
					_, err := a.on(processes[i%2]).DeactivateUser(w.Context(), w.request(owner), commands.DeactivateUser{ConfirmEmail: owner.Identity.Email})
					if err != nil && failure.Of(err) == nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			s := state(w, organization.Aggregate, o.ID)
			awake := 0
			for _, owner := range owners {
				active := state(w, user.Aggregate, owner.UserID).Status == user.StatusActive
				if active == s.Members.Get(owner.UserID).Suspended {
					t.Errorf("%s: active %t, suspended %t", owner.UserID, active, s.Members.Get(owner.UserID).Suspended)
				}
				if active {
					awake++
				}
			}
			if awake == 0 || s.Owners() != awake {
				t.Errorf("%d owners are in use, and %d in the organization", awake, s.Owners())
			}
		})
	}
}

// The address of an invitation is made unreadable long after its end, whether or not
// an attempt failed, and once.
func TestForgetInvitation(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		invited, _ := w.invite(owner, "guest@example.net", access.Member)
		a := &archive{fails: 1}
		do := a.on(w.store)
		forget := commands.ForgetInvitation{OrganizationID: o.ID, InvitationID: invited.ID}
		byClock := func() commands.Request {
			r := w.request(access.ByPolicy("forget", o.ID, access.ManageMembers))
			r.ID, r.Retry = event.ID(uuid.NewSHA1(uuid.UUID{}, []byte(invited.ID))), true
			return r
		}
		must(do.ForgetInvitation(w.Context(), byClock(), forget)).in(w)
		w.now = invited.Invitation.ExpireAt.Add(organization.InvitationKept - 1)
		must(do.ForgetInvitation(w.Context(), byClock(), forget)).in(w)
		if len(a.destroyed) != 0 || a.fails != 1 {
			w.Errorf("too early: %v", a.destroyed)
		}
		w.now = w.now.Add(1)
		if _, err := do.ForgetInvitation(w.Context(), byClock(), forget); !errors.Is(err, errArchive) {
			w.Errorf("the attempt that fails: %v", err)
		}
		if s := state(w, organization.Aggregate, o.ID); s.Invitations.Len() != 1 {
			w.Error("the invitation is forgotten though its key is not destroyed")
		}
		first := must(do.ForgetInvitation(w.Context(), byClock(), forget)).in(w)
		second := must(do.ForgetInvitation(w.Context(), byClock(), forget)).in(w)
		if first.Revision != second.Revision || first.Value.Invitations.Len() != 0 || a.destroyed[0] != string(invited.ID) {
			w.Errorf("at %d, then at %d; destroyed %v", first.Revision, second.Revision, a.destroyed)
		}
		refused(w, must(do.ForgetInvitation(w.Context(), w.request(within(owner, o.ID, access.Viewer)), forget)), access.ErrForbidden)
	})
}

// A log that was restored from before an erasure has the account in use; the key is
// destroyed. The erasure is repeated, also where the person is the last owner.
func TestRepeatErasure(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		h := newHousehold(w)
		sole := must(h.CreateOrganization(w.Context(), w.request(h.person), named(unique()))).in(w).Value.Organization
		h.know(sole.ID)
		got := must(h.RepeatUserErasure(w.Context(), h.settling(), commands.RepeatUserErasure{UserID: h.person.UserID})).in(w)
		if got.Value.CompletedAt.IsZero() || h.account().Status != user.StatusErased || !slices.Contains(h.destroyed, string(h.person.UserID)) {
			w.Errorf("%+v", got.Value)
		}
		if _, member := h.asleep(); member != 0 {
			w.Errorf("%d memberships are left", member)
		}
		again := must(h.RepeatUserErasure(w.Context(), h.settling(), commands.RepeatUserErasure{UserID: h.person.UserID})).in(w)
		if diff := domaintest.Diff(got.Value, again.Value); diff != "" {
			w.Errorf("again:\n%s", diff)
		}
		none := must(h.RepeatUserErasure(w.Context(), h.settling(), commands.RepeatUserErasure{UserID: "user_01h455vb4pex5vsknk084sn02q"}))
		if none.err != nil || none.Value.ID != "" {
			w.Errorf("of nobody: %+v, %v", none.Value, none.err)
		}
		refused(w, must(h.RepeatUserErasure(w.Context(), w.request(h.other), commands.RepeatUserErasure{UserID: h.person.UserID})), access.ErrForbidden)
		byClock := w.request(access.ByPolicy("repeat", sole.ID, access.DisposeOrganization))
		purged := must(h.RepeatOrganizationErasure(w.Context(), byClock, commands.RepeatOrganizationErasure{OrganizationID: sole.ID})).in(w)
		if purged.Value.Status != organization.StatusPurged || purged.Value.Erasure.CompletedAt.IsZero() {
			w.Errorf("%+v", purged.Value)
		}
	})
}
