package organization

import (
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
)

// rankOf returns the role by which a principal acts in an organization in use, if
// it has a permission. System users and policies stand above every rank.
func (s State) rankOf(by access.Principal, perm access.Permission) (access.Role, error) {
	if s.Status != StatusActive {
		return "", ErrNotFound
	}
	if err := s.authorize(by, perm); err != nil {
		return "", err
	}
	if by.Kind == access.KindUser {
		return s.Members.Get(by.UserID).Role, nil
	}
	return access.Owner, nil
}

// memberOf returns the member who acts; it is empty when it is not a member.
func memberOf(by access.Principal) id.User {
	if by.Kind == access.KindUser {
		return by.UserID
	}
	return ""
}
