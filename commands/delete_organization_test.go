package commands_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

func TestOrganizationsAreDeletedRestoredAndPurged(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		refused(w, must(w.DeleteOrganization(w.Context(), w.request(w.person()), commands.DeleteOrganization{ConfirmSlug: o.Slug})), access.ErrNoActiveOrganization)
		r := w.request(owner)
		deleted := must(w.DeleteOrganization(w.Context(), r, commands.DeleteOrganization{ConfirmSlug: o.Slug})).in(w)
		if s := deleted.Value; s.Status != organization.StatusDeleted || !s.DeletedAt.Equal(start) || !s.PurgeAt.Equal(start.Add(organization.Grace)) {
			w.Errorf("got %+v", s)
		}
		// Repeated, it gives the same answer; the slug is held.
		if twice := must(w.DeleteOrganization(w.Context(), again(r), commands.DeleteOrganization{ConfirmSlug: o.Slug})).in(w); twice.Revision != deleted.Revision {
			w.Errorf("at revision %d, then %d", deleted.Revision, twice.Revision)
		}
		rival := w.person()
		w.now = start.Add(organization.Grace)
		refused(w, must(w.CreateOrganization(w.Context(), w.request(rival), slugged(o.Slug))), organization.ErrSlugTaken)
		refused(w, must(w.RestoreOrganization(w.Context(), w.request(owner), commands.RestoreOrganization{OrganizationID: o.ID})), organization.ErrGraceExpired)
		w.now = start.Add(time.Hour)
		restored := must(w.RestoreOrganization(w.Context(), w.request(owner), commands.RestoreOrganization{OrganizationID: o.ID})).in(w)
		if restored.Value.Status != organization.StatusActive {
			w.Errorf("got %+v", restored.Value)
		}
		must(w.UpdateOrganization(w.Context(), w.request(owner), renamed("Acme again"))).in(w)

		w.delete(owner, o)
		c := commands.PurgeOrganization{OrganizationID: o.ID, ConfirmSlug: o.Slug}
		must(w.PurgeOrganization(w.Context(), w.request(owner), c)).in(w)
		refused(w, must(w.PurgeOrganization(w.Context(), w.request(owner), c)), organization.ErrNotFound)
		refused(w, must(w.RestoreOrganization(w.Context(), w.request(owner), commands.RestoreOrganization{OrganizationID: o.ID})), organization.ErrNotFound)
		// The slug is nobody's for 90 days from then on, to the millisecond.
		w.now = start.Add(time.Hour + organization.SlugQuarantine - time.Millisecond)
		refused(w, must(w.CreateOrganization(w.Context(), w.request(rival), slugged(o.Slug))), organization.ErrSlugTaken)
		w.now = w.now.Add(time.Millisecond)
		must(w.CreateOrganization(w.Context(), w.request(rival), slugged(o.Slug))).in(w)
	})
}

func TestIDsOfNoOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	for _, name := range []id.Organization{"", "org_", "nonsense", "org_01h455vb4pex5vsknk084sn02q", "user_01h455vb4pex5vsknk084sn02q"} {
		refused(w, must(w.RestoreOrganization(w.Context(), w.request(w.person()), commands.RestoreOrganization{OrganizationID: name})), organization.ErrNotFound)
		refused(w, must(w.PurgeOrganization(w.Context(), w.request(w.person()), commands.PurgeOrganization{OrganizationID: name})), organization.ErrNotFound)
	}
}

// The policy purges at the end of the grace and not before, whoever restored the
// organization meanwhile, and however often it runs.
func TestPurgeByTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	m := w.store.(*model)
	owner, o := w.organization()
	w.delete(owner, o)
	due := start.Add(organization.Grace)
	purge := func(at time.Time) organization.Status {
		req := policies.ByClock("purge-organizations", string(o.ID), due, at, o.ID, access.DisposeOrganization)
		return must(w.PurgeDueOrganization(w.Context(), req, commands.PurgeDueOrganization{OrganizationID: o.ID})).in(w).Value.Status
	}
	if got := purge(due.Add(-time.Millisecond)); got != organization.StatusDeleted {
		t.Errorf("before the end it is %s", got)
	}
	if got := purge(due); got != organization.StatusPurged {
		t.Errorf("at the end it is %s", got)
	}
	before := m.String()
	if got := purge(due.Add(time.Hour)); got != organization.StatusPurged || m.String() != before {
		t.Errorf("another run makes it %s and writes %q", got, m.typesSince(before))
	}
	without := policies.ByClock("other", "", due, due, o.ID)
	if _, err := w.PurgeDueOrganization(w.Context(), without, commands.PurgeDueOrganization{OrganizationID: o.ID}); err != nil {
		t.Errorf("one that is purged needs no grant: %v", err)
	}
}

// Of a restoration and a purge at the same moment, one comes first, and the other
// is refused: never are both acknowledged in the end state of the other.
func TestRestoreRacesPurge(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		for range 8 {
			owner, o := w.organization()
			w.delete(owner, o)
			other := newCommands(w.store)
			var restored, purged error
			var both sync.WaitGroup
			both.Go(func() {
				_, restored = w.RestoreOrganization(w.Context(), w.request(owner), commands.RestoreOrganization{OrganizationID: o.ID})
			})
			both.Go(func() {
				_, purged = other.PurgeOrganization(w.Context(), w.request(owner), commands.PurgeOrganization{OrganizationID: o.ID, ConfirmSlug: o.Slug})
			})
			both.Wait()
			switch {
			case restored == nil && errors.Is(purged, organization.ErrNotDeleted):
				must(w.UpdateOrganization(w.Context(), w.request(owner), renamed("Acme"))).in(w)
			case purged == nil && errors.Is(restored, organization.ErrNotFound):
				refused(w, must(w.UpdateOrganization(w.Context(), w.request(owner), renamed("Acme"))), organization.ErrNotFound)
			default:
				w.Errorf("restored: %v, purged: %v", restored, purged)
			}
		}
	})
}

// Whoever makes an organization acts in it, if they can act in no other: the one
// that they chose may be deleted, or theirs no longer.
func TestTheFirstUsableOrganizationBecomesActive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	owner, o := w.organization()
	if made := must(w.CreateOrganization(w.Context(), w.request(owner), named("Other"))).in(w).Value; made.IsActive {
		t.Error("the second became active beside the first")
	}
	w.delete(owner, o)
	r := w.request(owner)
	made := must(w.CreateOrganization(w.Context(), r, named("Third"))).in(w).Value
	if !made.IsActive {
		t.Error("the one after a deleted one did not become active")
	}
	if repeated := must(w.CreateOrganization(w.Context(), again(r), named("Third"))).in(w).Value; !repeated.IsActive {
		t.Error("repeated, it says otherwise")
	}
	member := w.member(o.ID, access.Admin)
	must(w.RestoreOrganization(w.Context(), w.request(owner), commands.RestoreOrganization{OrganizationID: o.ID})).in(w)
	must(w.SwitchActiveOrganization(w.Context(), w.request(member), commands.SwitchActiveOrganization{OrganizationID: o.ID})).in(w)
	w.append(organization.Aggregate.Stream(o.ID), organization.MemberRemoved{OrganizationID: o.ID, UserID: member.UserID})
	if made := must(w.CreateOrganization(w.Context(), w.request(member), named("Own"))).in(w).Value; !made.IsActive {
		t.Error("the one after a removal did not become active")
	}
}
