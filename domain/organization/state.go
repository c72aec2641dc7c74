// Package organization is the aggregate of an organization and its members.
package organization

import (
	"maps"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Status is where an organization is in its life.
type Status string

// The statuses. The empty one is that of an organization that does not exist.
const (
	StatusActive  Status = "active"
	StatusDeleted Status = "deleted"
	StatusPurged  Status = "purged"
)

// State is an organization, folded from its stream.
type State struct {
	ID      id.Organization
	Status  Status
	Profile Profile
	Slug    string
	// FormerSlugs still lead here; each is held until the time given. Those of a
	// purged organization, its last slug among them, lead nowhere.
	FormerSlugs map[string]time.Time
	Members     Table[id.User, Membership]
	// Invitations are those that can be accepted, and those that ended not long ago.
	Invitations Table[id.Invitation, Invitation]
	// Sendings are the mails of the last day, which are counted.
	Sendings []Sending
	// CreatedBy made the organization, which is counted in that slot of theirs.
	CreatedBy id.User
	Slot      int
	// FileRetention is after how many days files are deleted; zero for never.
	FileRetention int
	CreatedAt     time.Time
	UpdatedAt     time.Time
	// DeletedAt is when a deleted organization was deleted, and PurgeAt when it is
	// purged; else zero.
	DeletedAt time.Time
	PurgeAt   time.Time
}

// Membership is a user's place in an organization.
type Membership struct {
	Role     access.Role
	JoinedAt time.Time
	// InvitationID is the invitation by which the member joined; empty for the
	// first owner.
	InvitationID id.Invitation
	// Suspended says that the person's account is deactivated.
	Suspended bool
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Registered:
		return State{
			ID: e.OrganizationID, Status: StatusActive, Slug: e.Slug,
			Profile: Profile{
				Name: e.Name, Email: e.Email, Website: e.Website, Description: e.Description,
				LogoURL: e.LogoURL, Country: e.Country, Timezone: e.Timezone,
			},
			CreatedBy: e.CreatedBy, Slot: e.Slot,
			CreatedAt: e.OccurredAt, UpdatedAt: e.OccurredAt,
		}
	case ProfileUpdated:
		s.Profile = Profile{
			Name: e.Name, Email: e.Email, Website: e.Website, Description: e.Description,
			LogoURL: e.LogoURL, Country: e.Country, Timezone: e.Timezone,
		}
		s.UpdatedAt = e.OccurredAt
	case SlugChanged:
		s.FormerSlugs = copied(s.FormerSlugs)
		s.FormerSlugs[e.FormerSlug] = e.FormerHeldUntil
		delete(s.FormerSlugs, e.Slug)
		s.Slug, s.UpdatedAt = e.Slug, e.OccurredAt
	case FileRetentionChanged:
		s.FileRetention, s.UpdatedAt = e.Days, e.OccurredAt
	case MemberJoined:
		s.Members = s.Members.with(e.UserID, Membership{Role: e.Role, JoinedAt: e.OccurredAt, InvitationID: e.InvitationID})
		s = s.withoutInvitation(e.InvitationID, e.UserID, e.OccurredAt)
	case MemberInvited:
		for name, i := range s.Invitations.All() {
			if i.forgotten(e.OccurredAt) {
				s.Invitations = s.Invitations.without(name)
			}
		}
		s.Invitations = s.Invitations.with(e.InvitationID, Invitation{
			EmailHash: e.EmailHash, Email: e.Email, Role: e.Role, InvitedBy: e.InvitedBy, Issue: 1,
			TokenHash: e.TokenHash, InvitedAt: e.OccurredAt, ExpireAt: e.ExpireAt,
		})
		s = s.withSending(Sending{e.OccurredAt, e.InvitedBy, e.EmailHash})
	case InvitationResent:
		if i, ok := s.Invitations.Find(e.InvitationID); ok {
			i.Issue, i.InvitedBy, i.TokenHash, i.ExpireAt = e.Issue, e.ResentBy, e.TokenHash, e.ExpireAt
			s.Invitations = s.Invitations.with(e.InvitationID, i)
			s = s.withSending(Sending{e.OccurredAt, e.ResentBy, i.EmailHash})
		}
	case InvitationRevoked:
		s = s.withoutInvitation(e.InvitationID, "", e.OccurredAt)
	case InvitationForgotten:
		s.Invitations = s.Invitations.without(e.InvitationID)
	case MemberRoleChanged:
		if m, ok := s.Members.Find(e.UserID); ok {
			m.Role = e.Role
			s.Members = s.Members.with(e.UserID, m)
		}
	case MemberSuspended:
		s = s.withSuspension(e.UserID, true)
	case MemberReinstated:
		s = s.withSuspension(e.UserID, false)
	case MemberRemoved:
		s.Members = s.Members.without(e.UserID)
	case Deleted:
		s.Status, s.DeletedAt, s.PurgeAt, s.UpdatedAt = StatusDeleted, e.OccurredAt, e.PurgeAt, e.OccurredAt
	case Restored:
		s.Status, s.DeletedAt, s.PurgeAt, s.UpdatedAt = StatusActive, time.Time{}, time.Time{}, e.OccurredAt
	case Purged:
		held := copied(s.FormerSlugs)
		if !e.SlugHeldUntil.IsZero() {
			held[s.Slug] = e.SlugHeldUntil
		}
		return State{ID: s.ID, Status: StatusPurged, FormerSlugs: held, CreatedBy: s.CreatedBy, CreatedAt: s.CreatedAt, UpdatedAt: e.OccurredAt}
	}
	return s
}

func (s State) withSuspension(user id.User, suspended bool) State {
	if m, ok := s.Members.Find(user); ok {
		m.Suspended = suspended
		s.Members = s.Members.with(user, m)
	}
	return s
}

// withoutInvitation ends an invitation, which was accepted by somebody or else
// revoked. What ended is kept for a while, to be told apart from what never was.
func (s State) withoutInvitation(name id.Invitation, acceptedBy id.User, at time.Time) State {
	if i, ok := s.Invitations.Find(name); ok {
		i.EndedAt, i.AcceptedBy, i.Email, i.TokenHash = at, acceptedBy, personal.Text{}, ""
		s.Invitations = s.Invitations.with(name, i)
	}
	return s
}

// copied is a map that may be written to: states are shared, and so are the
// maps in them.
func copied[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// Refusals of this package.
var (
	ErrNotFound = failure.New(failure.NotFound, "ORGANIZATION_NOT_FOUND",
		"there is no such organization")
	ErrLimit = failure.New(failure.Conflict, "ORGANIZATION_LIMIT_REACHED",
		"the caller has made, and owns, as many organizations as are allowed: one must be purged or handed over first")
	ErrSlugTaken = failure.New(failure.Conflict, "SLUG_TAKEN",
		"another organization has this slug")
)

// RequireMember is the role of a member of an organization in use. For
// everybody else, and for a member who is suspended, the organization does not
// exist.
func (s State) RequireMember(user id.User) (access.Role, error) {
	member, ok := s.Members.Find(user)
	if !ok || member.Suspended || s.Status != StatusActive {
		return "", ErrNotFound
	}
	return member.Role, nil
}

// Owners counts the owners who are not suspended. An organization in use always
// has one.
func (s State) Owners() int {
	n := 0
	for _, m := range s.Members.All() {
		if m.Role == access.Owner && !m.Suspended {
			n++
		}
	}
	return n
}

// KeepsSlot tells whether the organization counts in a slot of somebody's: they
// made it and are an owner, and it is not purged.
func (s State) KeepsSlot(owner id.User, n int) bool {
	return s.Status != "" && s.Status != StatusPurged && s.CreatedBy == owner && s.Slot == n &&
		s.Members.Get(owner).Role == access.Owner
}

// HoldsSlug tells whether the organization keeps a slug from all others: it is
// its own, or was not long enough ago.
func (s State) HoldsSlug(slug string, at time.Time) bool {
	return slug != "" && s.Slug == slug || at.Before(s.FormerSlugs[slug])
}
