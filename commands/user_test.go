package commands_test

import (
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

func TestRegisterUser(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		subject := unique()
		p := stranger(subject)
		first := must(w.RegisterUser(w.Context(), w.request(p), ada())).in(w)
		want := user.State{
			ID: first.Value.User.ID, Status: user.StatusActive,
			SubjectHash: p.Identity.SubjectHash, EmailHash: p.Identity.EmailHash,
			Email: p.Identity.Email, EmailVerified: true, EmailIssuedAt: start,
			FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"), CreatedAt: start, UpdatedAt: start,
		}
		if first.Value.User != want || !first.Value.New || !id.Valid(first.Value.User.ID) || first.Revision != 0 {
			w.Errorf("got %+v at %d, want %+v", first.Value, first.Revision, want)
		}

		second := must(w.RegisterUser(w.Context(), w.request(p), commands.RegisterUser{
			FirstName: personal.New("Augusta"), LastName: personal.New("King"),
		})).in(w)
		if second.Value.New || second.Value.User != want || second.Revision != 0 {
			w.Errorf("the same subject again is %+v, want %+v", second, first)
		}

		p.Identity = identity(subject, "another-"+subject+"@example.org")
		if got := must(w.RegisterUser(w.Context(), w.request(p), ada())).in(w); got != second {
			w.Errorf("the same subject with another address is %+v, want %+v", got, first)
		}

		p.Identity = identity("another-"+subject, subject+"@example.org")
		refused(w, must(w.RegisterUser(w.Context(), w.request(p), ada())), user.ErrEmailTaken)
		p.Identity = identity("another-"+subject, "other-"+subject+"@example.org")
		if got := must(w.RegisterUser(w.Context(), w.request(p), ada())).in(w); got.Value.User.ID == first.Value.User.ID {
			w.Error("two subjects are the same user")
		}
	})
}

func TestRegisterUserRefusals(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		p := stranger(unique())
		refused(w, must(w.RegisterUser(w.Context(), w.request(p), commands.RegisterUser{})), domaintest.Invalid)
		noMail := p
		noMail.Identity.Email, noMail.Identity.EmailHash = personal.Text{}, ""
		refused(w, must(w.RegisterUser(w.Context(), w.request(noMail), ada())), user.ErrEmailMissing)
		noMail.Identity.EmailInvalid = true
		refused(w, must(w.RegisterUser(w.Context(), w.request(noMail), ada())), user.ErrEmailInvalid)
		for _, kind := range []access.Kind{"", access.KindUserKey, access.KindOrganizationKey, access.KindSystem} {
			other := p
			other.Kind = kind
			refused(w, must(w.RegisterUser(w.Context(), w.request(other), ada())), access.ErrCredentialNotAllowed)
		}
		if w.exists(reservation.Aggregate.Stream(reservation.IDOf(reservation.Subject, p.Identity.SubjectHash))) {
			w.Error("a refused registration reserved something")
		}
		withoutSeed := w.request(p)
		withoutSeed.Seed = commands.Seed{}
		if _, err := w.RegisterUser(w.Context(), withoutSeed, ada()); err == nil {
			w.Error("ids are made without randomness")
		}
	})
}

func TestRegisterAfterErasure(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		p := w.person()
		w.append(user.Aggregate.Stream(p.UserID), user.Deactivated{UserID: p.UserID, OccurredAt: start})
		refused(w, must(w.RegisterUser(w.Context(), w.request(p), ada())), user.ErrDeactivated)
		refused(w, must(w.UpdateUserProfile(w.Context(), w.request(p), firstName("Eve"))), user.ErrDeactivated)
		w.append(user.Aggregate.Stream(p.UserID), user.Erased{UserID: p.UserID, OccurredAt: start})
		refused(w, must(w.UpdateUserProfile(w.Context(), w.request(p), firstName("Eve"))), user.ErrNotFound)
		w.now = start.AddDate(0, 1, 0)
		anew := must(w.RegisterUser(w.Context(), w.request(p), ada())).in(w)
		if anew.Value.User.ID == p.UserID || anew.Value.User.Status != user.StatusActive {
			w.Errorf("an erased person comes back as %+v", anew.Value)
		}
		if twice := must(w.RegisterUser(w.Context(), w.request(p), ada())).in(w); twice.Value.User != anew.Value.User {
			w.Errorf("and again as %+v", twice.Value)
		}
	})
}

// An address that is not verified may belong to somebody else: it blocks nobody,
// tells nothing, and gives way to a verified owner.
func TestUnverifiedAddresses(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		address := unique() + "@example.org"
		squatter := claimed(stranger(unique()), address)
		first := must(w.RegisterUser(w.Context(), w.request(squatter), ada())).in(w)
		if first.Value.User.EmailVerified || w.exists(reservation.Aggregate.Stream(reservation.IDOf(reservation.Email, hashOf(address)))) {
			w.Errorf("an unverified address is reserved: %+v", first.Value.User)
		}
		owner := vouched(stranger(unique()), address, start)
		owner.UserID = must(w.RegisterUser(w.Context(), w.request(owner), ada())).in(w).Value.User.ID
		// Somebody else who does not have it verified learns nothing.
		third := must(w.RegisterUser(w.Context(), w.request(claimed(stranger(unique()), address)), ada())).in(w)
		if !third.Value.New || third.Value.User.EmailVerified {
			w.Errorf("got %+v", third.Value)
		}
		// A second verified one is refused, and keeps what they have.
		squatter.UserID = first.Value.User.ID
		rival := vouched(squatter, address, start.Add(time.Minute))
		refused(w, must(w.FollowEmail(w.Context(), w.request(rival), commands.FollowEmail{})), user.ErrEmailTaken)
		w.now = start.Add(time.Hour) // after the grace of a claim
		refused(w, must(w.FollowEmail(w.Context(), w.request(rival), commands.FollowEmail{})), user.ErrEmailTaken)
		refused(w, must(w.RegisterUser(w.Context(), w.request(vouched(stranger(unique()), address, start)), ada())), user.ErrEmailTaken)
		// Until its owner has another one.
		owner = vouched(owner, "other-"+address, w.now)
		must(w.FollowEmail(w.Context(), w.request(owner), commands.FollowEmail{})).in(w)
		got := must(w.FollowEmail(w.Context(), w.request(rival), commands.FollowEmail{})).in(w)
		if !got.Value.EmailVerified || got.Value.EmailHash != hashOf(address) {
			w.Errorf("got %+v", got.Value)
		}
	})
}

func TestFollowEmail(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		p := w.person()
		before := p.Identity.EmailHash
		address := unique() + "@example.org"
		unchanged := func(p access.Principal) {
			w.Helper()
			if got := must(w.FollowEmail(w.Context(), w.request(p), commands.FollowEmail{})).in(w); got.Value.EmailHash != before || got.Revision != 0 {
				w.Errorf("got %+v at %d", got.Value, got.Revision)
			}
		}
		unchanged(vouched(p, address, start.Add(-time.Second)))
		unchanged(vouched(p, address, start)) // not later
		unchanged(vouched(p, address, time.Time{}))
		unchanged(claimed(p, address))
		late := claimed(p, address)
		late.Identity.IssuedAt = start.Add(time.Second)
		unchanged(late)

		request := w.request(vouched(p, address, start.Add(time.Second)))
		got := must(w.FollowEmail(w.Context(), request, commands.FollowEmail{})).in(w)
		if got.Value.Email.Reveal() != address || !got.Value.EmailVerified || got.Revision != 1 {
			w.Errorf("got %+v at %d", got.Value, got.Revision)
		}
		if twice := must(w.FollowEmail(w.Context(), again(request), commands.FollowEmail{})).in(w); twice.Revision != 1 {
			w.Errorf("repeated: %+v", twice)
		}
		// The former address is free at once.
		other := vouched(stranger(unique()), "", start)
		other.Identity.EmailHash, other.Identity.Email = before, p.Identity.Email
		must(w.RegisterUser(w.Context(), w.request(other), ada())).in(w)
		// A token from before does not bring it back.
		stale := p
		stale.Identity.IssuedAt = start.Add(time.Second)
		if got := must(w.FollowEmail(w.Context(), w.request(stale), commands.FollowEmail{})).in(w); got.Value.EmailHash != hashOf(address) {
			w.Errorf("a stale token: %+v", got)
		}
		refused(w, must(w.FollowEmail(w.Context(), w.request(stranger("x")), commands.FollowEmail{})), access.ErrNotRegistered)
	})
}

func TestUpdateUserProfile(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		p := w.person()
		w.now = start.Add(1_234_567_890)
		one := must(w.UpdateUserProfile(w.Context(), w.request(p), firstName("Augusta"))).in(w)
		if one.Value.FirstName.Reveal() != "Augusta" || one.Value.LastName.Reveal() != "Lovelace" || one.Revision != 1 {
			w.Errorf("got %+v at %d", one.Value, one.Revision)
		}
		if got := one.Value.UpdatedAt.Format("15:04:05.999999999"); got != "12:00:01.234" {
			w.Errorf("updated at %s, want whole milliseconds", got)
		}
		same := must(w.UpdateUserProfile(w.Context(), w.request(p), firstName(" Augusta"))).in(w)
		if same != one {
			w.Errorf("the same value gives %+v at %d", same.Value, same.Revision)
		}
		refused(w, must(w.UpdateUserProfile(w.Context(), at(w.request(p), 0), firstName("Eve"))), commands.ErrStale)
		refused(w, must(w.UpdateUserProfile(w.Context(), at(w.request(p), 2), firstName("Eve"))), commands.ErrStale)
		refused(w, must(w.UpdateUserProfile(w.Context(), w.request(p), firstName(""))), domaintest.Invalid)
		two := must(w.UpdateUserProfile(w.Context(), at(w.request(p), 1), firstName("Ada"))).in(w)
		if two.Revision != 2 || two.Position.Compare(one.Position) <= 0 {
			w.Errorf("got revision %d at %s after %s", two.Revision, two.Position, one.Position)
		}
		refused(w, must(w.UpdateUserProfile(w.Context(), w.request(stranger("x")), firstName("Eve"))), access.ErrNotRegistered)
		key := p
		key.Kind = access.KindUserKey
		refused(w, must(w.UpdateUserProfile(w.Context(), w.request(key), firstName("Eve"))), access.ErrCredentialNotAllowed)
	})
}

func TestSwitchActiveOrganization(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, first := w.organization()
		_, other := w.organization()
		second := must(w.CreateOrganization(w.Context(), w.request(owner), named("Second "+unique()))).in(w).Value
		if second.IsActive {
			w.Error("a second organization becomes active by itself")
		}
		to := func(o id.Organization) commands.SwitchActiveOrganization {
			return commands.SwitchActiveOrganization{OrganizationID: o}
		}
		got := must(w.SwitchActiveOrganization(w.Context(), w.request(owner), to(second.Organization.ID))).in(w)
		if got.Value.User.ActiveOrganizationID != second.Organization.ID || got.Value.Organization.Slug != second.Organization.Slug {
			w.Errorf("got %+v", got.Value)
		}
		same := must(w.SwitchActiveOrganization(w.Context(), w.request(owner), to(second.Organization.ID))).in(w)
		if same.Revision != got.Revision {
			w.Error("switching to where one is makes an event")
		}
		missing, err := id.New[id.Organization](w.request(owner).IDs())
		if err != nil {
			w.Fatal(err)
		}
		for _, o := range []id.Organization{other.ID, missing, "", "org_x", "user_01h455vb4pex5vsknk084sn02q"} {
			refused(w, must(w.SwitchActiveOrganization(w.Context(), w.request(owner), to(o))), organization.ErrNotFound)
		}
		w.append(organization.Aggregate.Stream(first.ID), organization.Deleted{OrganizationID: first.ID, OccurredAt: start})
		refused(w, must(w.SwitchActiveOrganization(w.Context(), w.request(owner), to(first.ID))), organization.ErrNotFound)
	})
}

// exists tells whether an aggregate's stream does.
func (w *world) exists(stream string) bool {
	w.Helper()
	s, err := w.store.Load(w.Context(), stream,
		commands.Fold{Apply: func(any, event.Event) any { return nil }}, true)
	if err != nil {
		w.Fatal(err)
	}
	return s.Revision != event.NoStream
}

// What another process has changed meanwhile decides, not what this one
// remembers: a change back to the remembered value is a change.
func TestOtherProcesses(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	here, there := newWorld(t, store.Streams), newWorld(t, eventstoretest.StreamsOf(t, store))
	p := here.person()
	must(there.UpdateUserProfile(t.Context(), there.request(p), firstName("Augusta"))).in(t)
	back := must(here.UpdateUserProfile(t.Context(), here.request(p), firstName("Ada"))).in(t)
	if back.Revision != 2 || back.Value.FirstName.Reveal() != "Ada" {
		t.Errorf("got %+v at %d", back.Value, back.Revision)
	}
	again := must(there.UpdateUserProfile(t.Context(), at(there.request(p), 2), firstName("Augusta"))).in(t)
	refused(t, must(here.UpdateUserProfile(t.Context(), at(here.request(p), 2), firstName("Eve"))), commands.ErrStale)
	if again.Revision != 3 {
		t.Errorf("got revision %d", again.Revision)
	}
	there.append(user.Aggregate.Stream(p.UserID), user.Deactivated{UserID: p.UserID, OccurredAt: start})
	refused(t, must(here.UpdateUserProfile(t.Context(), here.request(p), firstName("Eve"))), user.ErrDeactivated)
	there.append(user.Aggregate.Stream(p.UserID), user.Restored{UserID: p.UserID, OccurredAt: start})
	must(here.UpdateUserProfile(t.Context(), here.request(p), firstName("Eve"))).in(t)
}
