package commands_test

import (
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/domain/user"
)

// welcoming is a world in which organizations are welcomed.
func welcoming(w *world) *world {
	w.Commands = commands.New(commands.Deps{
		Streams: w.store, Observer: noObserver{}, Live: true, Secrets: secrets{}, Invitations: &invitations, Eraser: &archive{},
		Welcome: commands.Welcome{Tokens: 1000, Validity: 24 * time.Hour},
	})
	return w
}

// welcome does what the policy does on the registration of an organization.
func (w *world) welcome(o id.Organization) tokenaccount.State {
	w.Helper()
	req := w.request(access.ByPolicy("grant-welcome-tokens", o, access.GrantTokens))
	return must(w.GrantWelcome(w.Context(), req, commands.GrantWelcome{OrganizationID: o})).in(w).Value
}

// found registers an organization for somebody.
func (w *world) found(owner access.Principal) id.Organization {
	w.Helper()
	return must(w.CreateOrganization(w.Context(), w.request(owner), named(unique()))).in(w).Value.Organization.ID
}

func TestWelcomeTokens(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		welcoming(w)
		ada := w.person()
		first := w.found(ada)
		for range 3 { // The policy's job can come more than once.
			grants := w.welcome(first).Grants()
			if len(grants) != 1 || grants[0].Available != 1000 || grants[0].Source != tokenaccount.SourceWelcome ||
				grants[0].Priority >= tokenaccount.SourcePurchase.Priority() || !grants[0].ExpireAt.Equal(start.Add(24*time.Hour)) {
				w.Fatalf("got %+v", grants)
			}
		}
		// They are spent before what was paid for, although that is as old.
		p := treasurer(first)
		must(w.GrantTokens(w.Context(), w.request(p), commands.GrantTokens{
			Grant: reference("bought"), Source: tokenaccount.SourcePurchase, Amount: 500,
		})).in(w)
		quote := must(w.QuoteTokens(w.Context(), w.request(p), commands.QuoteTokens{Amount: 1100})).in(w).Value.Allocations
		if len(quote) != 2 || quote[0].Grant.ID != "welcome:"+string(first) || quote[0].Amount != 1000 {
			w.Errorf("got %+v", quote)
		}
		// The same person is welcomed once, also after the first organization is gone.
		if got := w.welcome(w.found(ada)); got.Sequence != 0 {
			w.Errorf("a second organization of the same person has %+v", got.Balance)
		}
		if got := w.welcome(w.found(w.person())); got.Balance.Available != 1000 {
			w.Errorf("another person's organization has %+v", got.Balance)
		}
		refused(w, must(w.GrantWelcome(w.Context(), w.request(access.ByPolicy("other", first)), commands.GrantWelcome{OrganizationID: first})), access.ErrForbidden)
	})
}

// A new account with the address of somebody who was welcomed, and a new address of
// the same account, are the same person.
func TestAPersonIsWelcomedOnceByAddressAndByIdentity(t *testing.T) {
	t.Parallel()
	w := welcoming(newWorld(t, newModel()))
	eve := w.person()
	if got := w.welcome(w.found(eve)); got.Balance.Available != 1000 {
		t.Fatalf("got %+v", got.Balance)
	}
	w.append(user.Aggregate.Stream(eve.UserID), user.Erased{UserID: eve.UserID, OccurredAt: w.now})
	w.now = start.Add(time.Hour)
	anew := vouched(stranger(unique()), eve.Identity.Email.Reveal(), start.Add(time.Hour))
	anew.UserID = must(w.RegisterUser(w.Context(), w.request(anew), ada())).in(w).Value.User.ID
	if got := w.welcome(w.found(anew)); got.Sequence != 0 {
		t.Errorf("the same address has %+v", got.Balance)
	}
	bob := w.person()
	if got := w.welcome(w.found(bob)); got.Balance.Available != 1000 {
		t.Fatalf("got %+v", got.Balance)
	}
	elsewhere := vouched(bob, unique()+"@example.org", start.Add(time.Hour))
	must(w.FollowEmail(w.Context(), w.request(elsewhere), commands.FollowEmail{})).in(w)
	if got := w.welcome(w.found(elsewhere)); got.Sequence != 0 {
		t.Errorf("another address of the same account has %+v", got.Balance)
	}
}

// Several organizations of one person, registered at the same time, are given one
// welcome.
func TestOrganizationsRaceForAWelcome(t *testing.T) {
	t.Parallel()
	w := welcoming(newWorld(t, newModel()))
	ada := w.person()
	var all []id.Organization
	for range 8 {
		all = append(all, w.found(ada))
	}
	var racing sync.WaitGroup
	for _, o := range all {
		racing.Go(func() { w.welcome(o) })
	}
	racing.Wait()
	granted := int64(0)
	for _, o := range all {
		s, _ := w.account(o)
		granted += s.Balance.Available
	}
	if granted != 1000 {
		t.Errorf("%d tokens were granted", granted)
	}
}

func TestWhoIsNotWelcomed(t *testing.T) {
	t.Parallel()
	w := welcoming(newWorld(t, newModel()))
	old, deleted, late := w.found(w.person()), w.person(), w.found(w.person())
	gone := must(w.CreateOrganization(w.Context(), w.request(deleted), named(unique()))).in(w).Value.Organization
	w.delete(within(deleted, gone.ID, access.Owner), gone)
	if got := w.welcome(gone.ID); got.Sequence != 0 {
		t.Errorf("a deleted organization has %+v", got.Balance)
	}
	w.now = start.Add(7*24*time.Hour - time.Millisecond)
	if got := w.welcome(late); got.Sequence == 0 {
		t.Error("an organization that is new has nothing")
	}
	w.now = start.Add(7 * 24 * time.Hour)
	if got := w.welcome(old); got.Sequence != 0 {
		t.Errorf("an organization that is not new any more has %+v", got.Balance)
	}
	without := newWorld(t, newModel())
	if got := without.welcome(without.found(without.person())); got.Sequence != 0 {
		t.Errorf("without the setting an organization has %+v", got.Balance)
	}
}

// Deletion suspends the account and releases what is held; restoration resumes it.
func TestTheAccountFollowsItsOrganization(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		p := treasurer(o.ID)
		must(w.GrantTokens(w.Context(), w.request(p), commands.GrantTokens{
			Grant: reference("g"), Source: tokenaccount.SourcePurchase, Amount: 100,
		})).in(w)
		reserve := func(name string) answer[tokenaccount.State] {
			return must(w.ReserveTokens(w.Context(), w.request(p), commands.ReserveTokens{Reference: reference(name), Amount: 1, Hold: time.Hour}))
		}
		follow := func() tokenaccount.State {
			return must(w.FollowOrganization(w.Context(), w.request(p), commands.FollowOrganization{OrganizationID: o.ID})).in(w).Value
		}
		for _, name := range []string{"a", "b", "c"} {
			reserve(name).in(w)
		}
		if s := follow(); s.Suspended || s.Balance.Held != 3 {
			w.Errorf("of an active organization: %+v", s.Balance)
		}
		w.delete(owner, o)
		if s := follow(); !s.Suspended || s.Balance.Held != 0 || s.Balance.Available != 100 {
			w.Errorf("of a deleted organization: %t %+v", s.Suspended, s.Balance)
		}
		refused(w, reserve("d"), tokenaccount.ErrSuspended)
		must(w.RestoreOrganization(w.Context(), w.request(owner), commands.RestoreOrganization{OrganizationID: o.ID})).in(w)
		// The deletion can be followed after the restoration.
		if s := follow(); s.Suspended {
			w.Error("the account of a restored organization is suspended")
		}
		follow()
		reserve("e").in(w)
	})
}
