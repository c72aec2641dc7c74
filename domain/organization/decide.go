package organization

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
)

// SlugQuarantine is how long a slug that was given up is kept from others:
// links to it lead to its former owner for at least that long.
const SlugQuarantine = 90 * 24 * time.Hour

// Registration is what a new organization begins with. Profile must set Name.
type Registration struct {
	ID    id.Organization
	Owner id.User
	// Slot is the slot of the owner that the organization is counted in.
	Slot    int
	Slug    string
	Profile ProfileChange
}

// Register makes an organization, with one owner.
func (s State) Register(r Registration, at time.Time) ([]event.Event, error) {
	if s.Status != "" {
		return nil, nil
	}
	if r.Profile.Name == nil {
		r.Profile.Name = new(string)
	}
	var wrong failure.Fields
	p, _ := Profile{}.with(r.Profile, &wrong)
	slug := checkSlug(&wrong, r.Slug)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return []event.Event{
		Registered{
			OrganizationID: r.ID, Slug: slug,
			Name: p.Name, Email: p.Email, Website: p.Website, Description: p.Description,
			LogoURL: p.LogoURL, Country: p.Country, Timezone: p.Timezone,
			CreatedBy: r.Owner, Slot: r.Slot, OccurredAt: at,
		},
		MemberJoined{OrganizationID: r.ID, UserID: r.Owner, Role: access.Owner, OccurredAt: at},
	}, nil
}

// Change is a partial update: nil leaves a value as it is.
type Change struct {
	Profile ProfileChange
	Slug    *string
	// FileRetention is after how many days files are deleted; zero for never.
	FileRetention *int
}

// Update changes profile, slug and retention of files. Values that are there already change nothing.
// That nobody else holds the slug is for the caller to see to.
func (s State) Update(by access.Principal, c Change, at time.Time) ([]event.Event, error) {
	if s.Status != StatusActive {
		return nil, ErrNotFound
	}
	if err := s.authorize(by, access.UpdateOrganization); err != nil {
		return nil, err
	}
	var wrong failure.Fields
	p, changed := s.Profile.with(c.Profile, &wrong)
	slug := s.Slug
	if c.Slug != nil && *c.Slug != s.Slug {
		slug = checkSlug(&wrong, *c.Slug)
	}
	retention := s.changeRetention(c.FileRetention, &wrong, at)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	var events []event.Event
	if len(changed) > 0 {
		events = append(events, ProfileUpdated{
			OrganizationID: s.ID,
			Name:           p.Name, Email: p.Email, Website: p.Website, Description: p.Description,
			LogoURL: p.LogoURL, Country: p.Country, Timezone: p.Timezone,
			Changed: changed, OccurredAt: at,
		})
	}
	if slug != s.Slug {
		events = append(events, SlugChanged{
			OrganizationID: s.ID, Slug: slug, FormerSlug: s.Slug,
			FormerHeldUntil: at.Add(SlugQuarantine), OccurredAt: at,
		})
	}
	return append(events, retention...), nil
}
