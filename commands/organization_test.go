package commands_test

import (
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

func TestCreateOrganization(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		p, slug := w.person(), unique()
		c := slugged(slug)
		email := personal.New("office@example.org")
		c.Profile.Email = &email
		got := must(w.CreateOrganization(w.Context(), w.request(p), c)).in(w)
		o := got.Value.Organization
		want := organization.State{
			ID: o.ID, Status: organization.StatusActive, Slug: slug,
			Profile:   organization.Profile{Name: "Acme", Email: email},
			Members:   organization.Apply(organization.State{}, organization.MemberJoined{UserID: p.UserID, Role: access.Owner, OccurredAt: start}).Members,
			CreatedBy: p.UserID, Slot: o.Slot, CreatedAt: start, UpdatedAt: start,
		}
		if o.Slot < 1 || o.Slot > commands.DefaultMaxOrganizations {
			w.Errorf("the organization is in slot %d", o.Slot)
		}
		if diff := domaintest.Diff(want, o); diff != "" || !got.Value.IsActive || got.Revision != 1 {
			w.Errorf("active %t at %d (-want +got):\n%s", got.Value.IsActive, got.Revision, diff)
		}

		refused(w, must(w.CreateOrganization(w.Context(), w.request(p), slugged(slug))), organization.ErrSlugTaken)
		refused(w, must(w.CreateOrganization(w.Context(), w.request(p), slugged("-"))), domaintest.Invalid)
		refused(w, must(w.CreateOrganization(w.Context(), w.request(p), slugged("admin"))), domaintest.Invalid)
		refused(w, must(w.CreateOrganization(w.Context(), w.request(p), named(" "))), domaintest.Invalid)
		refused(w, must(w.CreateOrganization(w.Context(), w.request(p), commands.CreateOrganization{})), domaintest.Invalid)

		refused(w, must(w.CreateOrganization(w.Context(), w.request(stranger("x")), c)), access.ErrNotRegistered)
		unverified := p
		unverified.Identity.EmailVerified = false
		refused(w, must(w.CreateOrganization(w.Context(), w.request(unverified), c)), user.ErrEmailNotVerified)
		key := p
		key.Kind = access.KindUserKey
		refused(w, must(w.CreateOrganization(w.Context(), w.request(key), c)), access.ErrCredentialNotAllowed)
	})
}

func TestDeactivatedPeopleCreateNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	p := w.person()
	w.append(user.Aggregate.Stream(p.UserID), user.Deactivated{UserID: p.UserID})
	refused(w, must(w.CreateOrganization(w.Context(), w.request(p), named(unique()))), user.ErrDeactivated)
	p.UserID = "user_01h455vb4pex5vsknk084sn02q"
	refused(w, must(w.CreateOrganization(w.Context(), w.request(p), named(unique()))), user.ErrNotFound)
}

func TestSlugFollowsFromTheName(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		p, name := w.person(), unique()
		var slugs []string
		for range 11 {
			o := must(w.CreateOrganization(w.Context(), w.request(p), named("  "+strings.ToUpper(name)+"! "))).in(w)
			slugs = append(slugs, o.Value.Organization.Slug)
		}
		if slugs[0] != name || slugs[1] != name+"-2" || slugs[8] != name+"-9" {
			w.Errorf("got %q", slugs)
		}
		for _, slug := range slugs[9:] {
			if len(slug) != len(name)+9 {
				w.Errorf("got %q", slugs)
			}
		}
	})
}

func TestUpdateOrganization(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		admin, viewer := w.member(o.ID, access.Admin), w.member(o.ID, access.Viewer)
		got := must(w.UpdateOrganization(w.Context(), w.request(admin), renamed("Acme BV"))).in(w)
		if got.Value.Profile.Name != "Acme BV" || got.Value.Slug != o.Slug || got.Revision != 4 {
			w.Errorf("got %+v at %d", got.Value, got.Revision)
		}
		same := must(w.UpdateOrganization(w.Context(), at(w.request(owner), 4), renamed("Acme BV"))).in(w)
		if same.Revision != 4 {
			w.Error("the same value makes an event")
		}
		refused(w, must(w.UpdateOrganization(w.Context(), at(w.request(owner), 3), renamed("Acme BV"))), commands.ErrStale)
		refused(w, must(w.UpdateOrganization(w.Context(), w.request(viewer), renamed("Eve"))), access.ErrForbidden)
		refused(w, must(w.UpdateOrganization(w.Context(), w.request(owner), renamed(""))), domaintest.Invalid)
		refused(w, must(w.UpdateOrganization(w.Context(), w.request(within(w.person(), o.ID, access.Owner)), renamed("Eve"))),
			organization.ErrNotFound)
		refused(w, must(w.UpdateOrganization(w.Context(), w.request(within(owner, "", "")), renamed("Eve"))),
			access.ErrNoActiveOrganization)
		key := owner
		key.Kind = access.KindOrganizationKey
		refused(w, must(w.UpdateOrganization(w.Context(), w.request(key), renamed("Eve"))), access.ErrCredentialNotAllowed)
		w.append(organization.Aggregate.Stream(o.ID), organization.MemberRemoved{OrganizationID: o.ID, UserID: admin.UserID})
		refused(w, must(w.UpdateOrganization(w.Context(), w.request(admin), renamed("Eve"))), organization.ErrNotFound)
	})
}

func TestSlugChange(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		rival, other := w.organization()
		slug := unique()
		refused(w, must(w.UpdateOrganization(w.Context(), w.request(owner), moved(other.Slug))), organization.ErrSlugTaken)
		got := must(w.UpdateOrganization(w.Context(), w.request(owner), moved(slug))).in(w)
		until := start.AddDate(0, 0, 90)
		if got.Value.Slug != slug || !got.Value.FormerSlugs[o.Slug].Equal(until) {
			w.Errorf("got %+v", got.Value)
		}
		take := func(when time.Time) answer[organization.State] {
			w.now = when
			return must(w.UpdateOrganization(w.Context(), w.request(rival), moved(o.Slug)))
		}
		refused(w, take(start), organization.ErrSlugTaken)
		refused(w, take(until.Add(-1)), organization.ErrSlugTaken)
		w.now = start.Add(time.Hour)
		back := must(w.UpdateOrganization(w.Context(), w.request(owner), moved(o.Slug))).in(w)
		if _, former := back.Value.FormerSlugs[o.Slug]; former || back.Value.Slug != o.Slug {
			w.Errorf("got %+v", back.Value)
		}
		refused(w, take(until.AddDate(1, 0, 0)), organization.ErrSlugTaken)
		w.now = until
		must(w.UpdateOrganization(w.Context(), w.request(owner), moved(unique()))).in(w)
		refused(w, take(until.AddDate(0, 0, 90).Add(-time.Millisecond)), organization.ErrSlugTaken)
		taken := take(until.AddDate(0, 0, 90)).in(w)
		if taken.Value.Slug != o.Slug {
			w.Errorf("got %+v", taken.Value)
		}
		refused(w, must(w.UpdateOrganization(w.Context(), w.request(owner), moved(o.Slug))), organization.ErrSlugTaken)
	})
}

// A release that comes late, after its organization has taken the slug back,
// must not give the slug away.
func TestLateReleaseGivesNothingAway(t *testing.T) {
	t.Parallel()
	m := newModel()
	w := newWorld(t, m)
	owner, o := w.organization()
	rival, _ := w.organization()
	slow := newCommands(&interrupted{Streams: m, at: 3, by: func() {
		must(w.UpdateOrganization(w.Context(), w.request(owner), moved(o.Slug))).in(w)
	}})
	must(slow.UpdateOrganization(w.Context(), w.request(owner), moved(unique()))).in(w)
	last := m.all(reservation.Aggregate.Category)["reservation-slug:"+reservation.Hash(o.Slug)]
	if _, released := last[len(last)-1].Event.(reservation.Released); !released {
		t.Fatalf("the release did not come late:\n%s", m)
	}
	w.now = start.AddDate(10, 0, 0)
	refused(w, must(w.UpdateOrganization(w.Context(), w.request(rival), moved(o.Slug))), organization.ErrSlugTaken)
}

func TestActiveOrganizationIsSetOnce(t *testing.T) {
	t.Parallel()
	m := newModel()
	w := newWorld(t, m)
	p := w.person()
	one := must(w.CreateOrganization(w.Context(), w.request(p), named(unique()))).in(w).Value
	two := must(w.CreateOrganization(w.Context(), w.request(p), named(unique()))).in(w).Value
	if !one.IsActive || two.IsActive {
		t.Errorf("active: %t, then %t", one.IsActive, two.IsActive)
	}
	stream := user.Aggregate.Stream(p.UserID)
	if got := m.all(user.Aggregate.Category)[stream]; len(got) != 2 {
		t.Errorf("got %d events", len(got))
	}
}
