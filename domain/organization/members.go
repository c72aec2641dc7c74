package organization

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

// Refusals of changes to members.
var (
	ErrMemberNotFound = failure.New(failure.NotFound, "MEMBER_NOT_FOUND",
		"there is no such member")
	ErrMemberSuspended = failure.New(failure.Conflict, "MEMBER_SUSPENDED",
		"this member's account is deactivated")
	ErrLastOwner = failure.New(failure.Conflict, "LAST_OWNER",
		"an organization must keep an owner: make somebody else an owner first")
)

// ChangeRole gives a member another role. The role that they have already changes
// nothing.
func (s State) ChangeRole(by access.Principal, of id.User, to access.Role, at time.Time) ([]event.Event, error) {
	rank, m, err := s.manageMember(by, of)
	if err != nil {
		return nil, err
	}
	var wrong failure.Fields
	checkRole(&wrong, to)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	switch {
	case !rank.MayGrant(to):
		return nil, access.ErrForbidden
	case m.Role == to:
		return nil, nil
	case s.isLastOwner(of):
		return nil, ErrLastOwner
	}
	return []event.Event{s.roleChanged(of, m.Role, to, at)}, nil
}

// TransferOwnership makes another member an owner, and the owner who does so an
// admin.
func (s State) TransferOwnership(by, to id.User, at time.Time) ([]event.Event, error) {
	role, err := s.RequireMember(by)
	if err != nil {
		return nil, err
	}
	if err := role.Require(access.TransferOwnership); err != nil {
		return nil, err
	}
	m, ok := s.Members.Find(to)
	switch {
	case !ok:
		return nil, ErrMemberNotFound
	case to == by:
		return nil, nil
	case m.Suspended:
		return nil, ErrMemberSuspended
	}
	events := []event.Event{OwnershipTransferred{OrganizationID: s.ID, FromUserID: by, ToUserID: to, OccurredAt: at}}
	// The new owner first: at no event is the organization without one.
	if m.Role != access.Owner {
		events = append(events, s.roleChanged(to, m.Role, access.Owner, at))
	}
	return append(events, s.roleChanged(by, access.Owner, access.Admin, at)), nil
}

// Remove ends a membership: by a member of higher rank, by the member's leaving,
// or by a system user.
func (s State) Remove(by access.Principal, member id.User, at time.Time) ([]event.Event, error) {
	if memberOf(by) == member {
		if _, err := s.RequireMember(member); err != nil {
			return nil, err
		}
	} else if _, _, err := s.manageMember(by, member); err != nil {
		return nil, err
	}
	if s.isLastOwner(member) {
		return nil, ErrLastOwner
	}
	return []event.Event{MemberRemoved{OrganizationID: s.ID, UserID: member, OccurredAt: at}}, nil
}

// End ends a membership because its person is erased, also in a deleted
// organization. It does nothing for somebody who is no member.
func (s State) End(member id.User, at time.Time) ([]event.Event, error) {
	switch _, ok := s.Members.Find(member); {
	case !ok:
		return nil, nil
	case s.isLastOwner(member):
		return nil, ErrLastOwner
	}
	return []event.Event{MemberRemoved{OrganizationID: s.ID, UserID: member, OccurredAt: at}}, nil
}

// Suspend lets a membership sleep, because the person's account is about to be
// deactivated. It does nothing for somebody who is suspended or no member.
//
// The last owner of an organization in use cannot be suspended. That of a
// deleted one can: it has to have an owner only once it is restored.
func (s State) Suspend(member id.User, at time.Time) ([]event.Event, error) {
	m, ok := s.Members.Find(member)
	switch {
	case !ok, m.Suspended:
		return nil, nil
	case s.isLastOwner(member):
		return nil, ErrLastOwner
	}
	return []event.Event{MemberSuspended{OrganizationID: s.ID, UserID: member, OccurredAt: at}}, nil
}

// Reinstate ends a suspension. It does nothing for somebody who is not
// suspended.
func (s State) Reinstate(member id.User, at time.Time) ([]event.Event, error) {
	if !s.Members.Get(member).Suspended {
		return nil, nil
	}
	return []event.Event{MemberReinstated{OrganizationID: s.ID, UserID: member, OccurredAt: at}}, nil
}

// isLastOwner tells whether an organization in use would be without an owner if
// it were not for this member.
func (s State) isLastOwner(user id.User) bool {
	m := s.Members.Get(user)
	return s.Status == StatusActive && m.Role == access.Owner && !m.Suspended && s.Owners() == 1
}

// manageMember returns a member whom somebody may change, and the rank of who may:
// a member of lower rank, or, for owners, anyone.
func (s State) manageMember(by access.Principal, of id.User) (access.Role, Membership, error) {
	rank, err := s.rankOf(by, access.ManageMembers)
	if err != nil {
		return "", Membership{}, err
	}
	m, ok := s.Members.Find(of)
	switch {
	case !ok:
		return "", Membership{}, ErrMemberNotFound
	case !rank.MayGrant(m.Role):
		return "", Membership{}, access.ErrForbidden
	}
	return rank, m, nil
}

func (s State) roleChanged(of id.User, from, to access.Role, at time.Time) MemberRoleChanged {
	return MemberRoleChanged{OrganizationID: s.ID, UserID: of, Role: to, FormerRole: from, OccurredAt: at}
}

func checkRole(wrong *failure.Fields, role access.Role) {
	if !role.Valid() {
		wrong.Add("role", input.CodeUnknown, "must be owner, admin, billing, member or viewer")
	}
}
