package directory

import (
	"encoding/hex"
	"slices"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// Hash is the SHA-256 of an API key.
type Hash = [32]byte

// state is what the events so far amount to. Applying is a function of the
// state and the event alone.
type state struct {
	users         map[id.User]*userRecord
	subjects      map[string]*userRecord // by the keyed hash of issuer and subject
	organizations map[id.Organization]*organizationRecord
	members       map[membership]place
	keys          keyTable
	scopes        scopeSets
	// By their numbers, less 1.
	numberedUsers         []*userRecord
	numberedOrganizations []*organizationRecord
}

type userRecord struct {
	number  number
	id      id.User
	subject string
	status  user.Status
	// active is the organization that the person chose, member or not.
	active *organizationRecord
	// keys is the first of the person's own keys, in all organizations.
	keys       number
	unreadable bool
}

type organizationRecord struct {
	number     number
	id         id.Organization
	status     organization.Status
	name       string
	slug       string
	logoURL    string
	unreadable bool
}

type membership struct {
	user         *userRecord
	organization *organizationRecord
}

// place is what a member is in an organization.
type place struct {
	role access.Role
	// since names the membership: when it began, in Unix milliseconds.
	since     int64
	suspended bool
}

// end says how a key came to its end, which is for good.
type end uint8

const (
	endNone end = iota
	endRevoked
	endOrphaned // its owner left the organization, or closed the account
)

func newState() *state {
	return &state{
		users:         map[id.User]*userRecord{},
		subjects:      map[string]*userRecord{},
		organizations: map[id.Organization]*organizationRecord{},
		members:       map[membership]place{},
	}
}

// relevant are the types of events that apply knows.
var relevant = func() map[string]bool {
	types := map[string]bool{}
	for _, e := range []event.Event{
		user.Registered{},
		user.ActiveOrganizationSwitched{},
		user.Deactivated{},
		user.Restored{},
		user.Erased{},
		organization.Registered{},
		organization.ProfileUpdated{},
		organization.SlugChanged{},
		organization.MemberJoined{},
		organization.MemberRoleChanged{},
		organization.MemberSuspended{},
		organization.MemberReinstated{},
		organization.MemberRemoved{},
		organization.Deleted{},
		organization.Restored{},
		organization.Purged{},
		apikey.Issued{},
		apikey.Rotated{},
		apikey.Revoked{},
	} {
		types[e.EventType()] = true
	}
	return types
}()

// apply adds an event that comes after all that were applied. Events of other
// types change nothing.
func (s *state) apply(e event.Event) {
	switch e := e.(type) {
	case user.Registered, user.ActiveOrganizationSwitched, user.Deactivated, user.Restored, user.Erased:
		s.applyUser(e)
	case organization.MemberJoined, organization.MemberRoleChanged, organization.MemberRemoved,
		organization.MemberSuspended, organization.MemberReinstated:
		s.applyMember(e)
	case organization.Registered, organization.ProfileUpdated, organization.SlugChanged,
		organization.Deleted, organization.Restored, organization.Purged:
		s.applyOrganization(e)
	case apikey.Issued, apikey.Rotated, apikey.Revoked:
		s.applyKey(e)
	}
}

func (s *state) applyUser(e event.Event) {
	switch e := e.(type) {
	case user.Registered:
		u := s.user(e.UserID)
		if s.subjects[u.subject] == u {
			delete(s.subjects, u.subject)
		}
		u.status, u.subject = user.StatusActive, e.SubjectHash
		s.subjects[e.SubjectHash] = u
	case user.ActiveOrganizationSwitched:
		u := s.user(e.UserID)
		u.active = nil
		if e.OrganizationID != "" {
			u.active = s.organization(e.OrganizationID)
		}
	case user.Deactivated:
		// Memberships and keys sleep while the account is deactivated, and are what
		// they were once it is restored.
		s.user(e.UserID).status = user.StatusDeactivated
	case user.Restored:
		s.user(e.UserID).status = user.StatusActive
	case user.Erased:
		u := s.user(e.UserID)
		s.orphan(u, nil)
		if s.subjects[u.subject] == u { // The subject may have signed up anew.
			delete(s.subjects, u.subject)
		}
		u.status, u.subject, u.active = user.StatusErased, "", nil
	}
}

func (s *state) applyOrganization(e event.Event) {
	switch e := e.(type) {
	case organization.Registered:
		o := s.organization(e.OrganizationID)
		o.status, o.name, o.slug, o.logoURL = organization.StatusActive, e.Name, e.Slug, e.LogoURL
	case organization.ProfileUpdated:
		o := s.organization(e.OrganizationID)
		o.name, o.logoURL = e.Name, e.LogoURL
	case organization.SlugChanged:
		s.organization(e.OrganizationID).slug = e.Slug
	case organization.Deleted:
		// Memberships and keys sleep while the organization is deleted, and are
		// what they were once it is restored.
		s.organization(e.OrganizationID).status = organization.StatusDeleted
	case organization.Restored:
		s.organization(e.OrganizationID).status = organization.StatusActive
	case organization.Purged:
		o := s.organization(e.OrganizationID)
		o.status, o.name, o.slug, o.logoURL = organization.StatusPurged, "", "", ""
	}
}

func (s *state) applyMember(e event.Event) {
	switch e := e.(type) {
	case organization.MemberJoined:
		s.members[s.membership(e.UserID, e.OrganizationID)] = place{role: known(e.Role), since: e.OccurredAt.UnixMilli()}
	case organization.MemberRoleChanged:
		s.changeMember(e.UserID, e.OrganizationID, func(p *place) { p.role = known(e.Role) })
	case organization.MemberSuspended:
		s.changeMember(e.UserID, e.OrganizationID, func(p *place) { p.suspended = true })
	case organization.MemberReinstated:
		s.changeMember(e.UserID, e.OrganizationID, func(p *place) { p.suspended = false })
	case organization.MemberRemoved:
		m := s.membership(e.UserID, e.OrganizationID)
		delete(s.members, m)
		s.orphan(m.user, m.organization)
		if m.user.active == m.organization {
			m.user.active = nil
		}
	}
}

// changeMember changes the place of a member; for one who is no member it does
// nothing.
func (s *state) changeMember(u id.User, o id.Organization, change func(*place)) {
	m := s.membership(u, o)
	if p, ok := s.members[m]; ok {
		change(&p)
		s.members[m] = p
	}
}

func (s *state) applyKey(e event.Event) {
	switch e := e.(type) {
	case apikey.Issued:
		hash, ok := parseHash(e.SecretHash)
		if !ok {
			return // No secret has such a hash, so nobody can come with this key.
		}
		n := s.keys.named(e.KeyID)
		k, o := s.keys.at(n), s.organization(e.OrganizationID)
		k.organization, k.scopes = o.number, s.scopes.index(e.Scopes)
		if !e.ExpireAt.IsZero() {
			k.expireAt = e.ExpireAt.UnixMilli()
		}
		s.keys.setSecret(n, hash)
		if e.OwnerType == apikey.OwnerUser {
			u := s.user(e.UserID)
			s.give(n, u)
			// The key may have been asked for just before its owner went, and even
			// came back: then it is of the membership before.
			p, member := s.members[membership{u, o}]
			former := !e.MemberSince.IsZero() && e.MemberSince.UnixMilli() != p.since
			if !member || former || u.status == user.StatusErased {
				k.end = endOrphaned
			}
		}
	case apikey.Rotated:
		s.key(e.KeyID).expireAt = e.ExpireAt.UnixMilli()
	case apikey.Revoked:
		s.key(e.KeyID).end = endRevoked
	}
}

func parseHash(text string) (h Hash, ok bool) {
	if len(text) != hex.EncodedLen(len(h)) {
		return Hash{}, false
	}
	_, err := hex.Decode(h[:], []byte(text))
	return h, err == nil
}

// give makes a user the owner of a key.
func (s *state) give(n number, to *userRecord) {
	k := s.keys.at(n)
	if k.owner == to.number {
		return
	}
	if k.owner != 0 { // A key is issued once, so this is not in any log of ours.
		at := &s.numberedUsers[k.owner-1].keys
		for *at != n {
			at = &s.keys.at(*at).nextOfOwner
		}
		*at = k.nextOfOwner
	}
	k.owner, k.nextOfOwner, to.keys = to.number, to.keys, n
}

// orphan ends a user's keys in one organization, or all when that is nil.
func (s *state) orphan(u *userRecord, in *organizationRecord) {
	for n := u.keys; n != 0; n = s.keys.at(n).nextOfOwner {
		k := s.keys.at(n)
		if k.end == endNone && (in == nil || k.organization == in.number) {
			k.end = endOrphaned
		}
	}
}

// user finds a user's record, or makes one. So do the following for theirs:
// what the log says is never lost, in whatever order it says it.
func (s *state) user(name id.User) *userRecord {
	u, ok := s.users[name]
	if !ok {
		u = &userRecord{id: name, number: number(len(s.numberedUsers) + 1)} //nolint:gosec // They are counted in 32 bits.
		s.users[name], s.numberedUsers = u, append(s.numberedUsers, u)
	}
	return u
}

func (s *state) organization(name id.Organization) *organizationRecord {
	o, ok := s.organizations[name]
	if !ok {
		o = &organizationRecord{id: name, number: number(len(s.numberedOrganizations) + 1)} //nolint:gosec // They are counted in 32 bits.
		s.organizations[name], s.numberedOrganizations = o, append(s.numberedOrganizations, o)
	}
	return o
}

func (s *state) membership(u id.User, o id.Organization) membership {
	return membership{s.user(u), s.organization(o)}
}

func (s *state) key(name id.APIKey) *keyRecord {
	return s.keys.at(s.keys.named(name))
}

// known is the role as the program's own text.
func known(r access.Role) access.Role {
	return interned(r, access.Owner, access.Admin, access.Billing, access.Member, access.Viewer)
}

// interned is the one of all that a text equals, so that a million records do not
// hold a million copies of it.
func interned[S ~string](text S, all ...S) S {
	if i := slices.Index(all, text); i >= 0 {
		return all[i]
	}
	return text
}

// scopeSets keeps each combination of scopes once: there are few of them, and
// many keys.
type scopeSets [][]access.Scope

func (s *scopeSets) index(scopes []access.Scope) uint16 {
	i := slices.IndexFunc(*s, func(set []access.Scope) bool { return slices.Equal(set, scopes) })
	if i < 0 {
		i = len(*s)
		*s = append(*s, slices.Clone(scopes))
	}
	return uint16(i) //nolint:gosec // There are not many subsets of six scopes.
}
