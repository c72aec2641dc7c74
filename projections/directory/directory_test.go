package directory_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/directory"
)

const (
	ada  id.User         = "user_ada"
	bob  id.User         = "user_bob"
	acme id.Organization = "org_acme"
	zeta id.Organization = "org_zeta"
	key1 id.APIKey       = "key_1"
	key2 id.APIKey       = "key_2"
)

var later = time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC)

func secretOf(k id.APIKey) directory.Hash { return sha256.Sum256([]byte(k)) }

func registered(u id.User) event.Event {
	return user.Registered{UserID: u, SubjectHash: "subject of " + string(u)}
}

func founded(o id.Organization) event.Event {
	return organization.Registered{OrganizationID: o, Name: "Name of " + string(o), Slug: string(o), LogoURL: "https://example.com/" + string(o)}
}

func joined(o id.Organization, u id.User, r access.Role) event.Event {
	return organization.MemberJoined{OrganizationID: o, UserID: u, Role: r}
}

func removed(o id.Organization, u id.User) event.Event {
	return organization.MemberRemoved{OrganizationID: o, UserID: u}
}

func issued(k id.APIKey, o id.Organization, u id.User) event.Event {
	hash := secretOf(k)
	e := apikey.Issued{
		KeyID: k, OrganizationID: o, OwnerType: apikey.OwnerOrganization,
		Scopes: []access.Scope{access.ScopeReadFiles}, SecretHash: hex.EncodeToString(hash[:]),
	}
	if u != "" {
		e.OwnerType, e.UserID = apikey.OwnerUser, u
	}
	return e
}

// issuedUnder is the first key, issued under a membership that began at a time.
func issuedUnder(since time.Time) event.Event {
	e := issued(key1, acme, ada).(apikey.Issued)
	e.MemberSince = since
	return e
}

// log numbers events as the store does, with gaps.
func log(events ...event.Event) []event.Recorded {
	out := make([]event.Recorded, len(events))
	for i, e := range events {
		at := uint64(i+1) * 100
		out[i] = event.Recorded{Position: event.Position{Commit: at, Prepare: at}, Event: e}
	}
	return out
}

func given(events ...event.Event) *directory.Directory {
	d := directory.New(directory.Config{})
	for _, r := range log(events...) {
		d.Apply(r)
	}
	return d
}

func with(events []event.Event, more ...event.Event) []event.Event {
	return append(append([]event.Event(nil), events...), more...)
}

// adaAtAcme is a user who founded an organization and chose it.
var adaAtAcme = []event.Event{
	registered(ada), founded(acme), joined(acme, ada, access.Owner),
	user.ActiveOrganizationSwitched{UserID: ada, OrganizationID: acme},
}

var acmeView = directory.Organization{
	ID: acme, Status: organization.StatusActive,
	Name: "Name of org_acme", Slug: "org_acme", LogoURL: "https://example.com/org_acme",
}

func TestUsers(t *testing.T) {
	t.Parallel()
	atAcme := directory.Membership{Organization: acmeView, Role: access.Owner}
	for name, c := range map[string]struct {
		given []event.Event
		want  directory.User
		lost  bool // not found by the subject
	}{
		"nobody":     {nil, directory.User{}, true},
		"registered": {[]event.Event{registered(ada)}, directory.User{ID: ada, Status: user.StatusActive}, false},
		"active":     {adaAtAcme, directory.User{ID: ada, Status: user.StatusActive, Active: atAcme}, false},
		"switched to nothing": {
			with(adaAtAcme, user.ActiveOrganizationSwitched{UserID: ada}),
			directory.User{ID: ada, Status: user.StatusActive},
			false,
		},
		"switched to where she is no member": {
			with(adaAtAcme, founded(zeta), user.ActiveOrganizationSwitched{UserID: ada, OrganizationID: zeta}),
			directory.User{ID: ada, Status: user.StatusActive},
			false,
		},
		"removed": {
			with(adaAtAcme, removed(acme, ada)),
			directory.User{ID: ada, Status: user.StatusActive},
			false,
		},
		"removed and back: the choice is not": {
			with(adaAtAcme, removed(acme, ada), joined(acme, ada, access.Member)),
			directory.User{ID: ada, Status: user.StatusActive},
			false,
		},
		"another removed": {
			with(adaAtAcme, removed(acme, bob)),
			directory.User{ID: ada, Status: user.StatusActive, Active: atAcme},
			false,
		},
		"deactivated": {
			with(adaAtAcme, user.Deactivated{UserID: ada}),
			directory.User{ID: ada, Status: user.StatusDeactivated, Active: atAcme},
			false,
		},
		"restored with the memberships": {
			with(adaAtAcme, user.Deactivated{UserID: ada}, user.Restored{UserID: ada}),
			directory.User{ID: ada, Status: user.StatusActive, Active: atAcme},
			false,
		},
		"erased": {
			with(adaAtAcme, user.Deactivated{UserID: ada}, user.Erased{UserID: ada}),
			directory.User{ID: ada, Status: user.StatusErased},
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := given(c.given...)
			got, _ := d.User(ada)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
			bySubject, found := d.UserBySubject("subject of user_ada")
			if found == c.lost {
				t.Errorf("found by subject: %v", found)
			}
			if diff := cmp.Diff(c.want, bySubject); found && diff != "" {
				t.Errorf("user by subject (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnErasedSubjectSignsUpAnew(t *testing.T) {
	t.Parallel()
	again := user.Registered{UserID: bob, SubjectHash: "subject of user_ada"}
	for name, events := range map[string][]event.Event{
		"after the erasure":  {registered(ada), user.Erased{UserID: ada}, again},
		"before the erasure": {registered(ada), again, user.Erased{UserID: ada}},
	} {
		if got, ok := given(events...).UserBySubject("subject of user_ada"); !ok || got.ID != bob {
			t.Errorf("%s: got %v %v", name, got, ok)
		}
	}
}

func TestMemberships(t *testing.T) {
	t.Parallel()
	changed := acmeView
	changed.Name, changed.Slug, changed.LogoURL = "New", "new", ""
	deleted := acmeView
	deleted.Status = organization.StatusDeleted
	for name, c := range map[string]struct {
		given []event.Event
		want  directory.Membership
	}{
		"none":    {[]event.Event{registered(ada), founded(acme)}, directory.Membership{}},
		"founder": {adaAtAcme, directory.Membership{Organization: acmeView, Role: access.Owner}},
		"another role": {
			with(adaAtAcme, organization.MemberRoleChanged{OrganizationID: acme, UserID: ada, Role: access.Viewer}),
			directory.Membership{Organization: acmeView, Role: access.Viewer},
		},
		"a role of somebody who left": {
			with(adaAtAcme, removed(acme, ada), organization.MemberRoleChanged{OrganizationID: acme, UserID: ada, Role: access.Viewer}),
			directory.Membership{},
		},
		"changed organization": {
			with(adaAtAcme, organization.ProfileUpdated{OrganizationID: acme, Name: "New"}, organization.SlugChanged{OrganizationID: acme, Slug: "new"}),
			directory.Membership{Organization: changed, Role: access.Owner},
		},
		"deleted organization": {
			with(adaAtAcme, organization.Deleted{OrganizationID: acme}),
			directory.Membership{Organization: deleted, Role: access.Owner},
		},
		"restored organization": {
			with(adaAtAcme, organization.Deleted{OrganizationID: acme}, organization.Restored{OrganizationID: acme}),
			directory.Membership{Organization: acmeView, Role: access.Owner},
		},
		"purged organization": {
			with(adaAtAcme, organization.Deleted{OrganizationID: acme}, organization.Purged{OrganizationID: acme}),
			directory.Membership{Organization: directory.Organization{ID: acme, Status: organization.StatusPurged}, Role: access.Owner},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, found := given(c.given...).Membership(ada, acme)
			if diff := cmp.Diff(c.want, got); diff != "" || found != (c.want.Role != "") {
				t.Errorf("found %v, membership (-want +got):\n%s", found, diff)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	withKey := with(adaAtAcme, issued(key1, acme, ada))
	owner := directory.User{
		ID: ada, Status: user.StatusActive,
		Active: directory.Membership{Organization: acmeView, Role: access.Owner},
	}
	good := directory.Key{ID: key1, Organization: acmeView, Owner: owner, Role: access.Owner, Scopes: []access.Scope{access.ScopeReadFiles}}
	for name, c := range map[string]struct {
		given []event.Event
		want  func(*directory.Key)
	}{
		"issued": {withKey, func(*directory.Key) {}},
		"of an organization": {
			with(adaAtAcme, issued(key1, acme, "")),
			func(k *directory.Key) { k.Owner, k.Role = directory.User{}, "" },
		},
		"of an organization, whose members come and go": {
			with(adaAtAcme, issued(key1, acme, ""), removed(acme, ada), user.Deactivated{UserID: ada}),
			func(k *directory.Key) { k.Owner, k.Role = directory.User{}, "" },
		},
		"revoked": {
			with(withKey, apikey.Revoked{KeyID: key1}),
			func(k *directory.Key) { k.Revoked = true },
		},
		"another revoked": {
			with(withKey, issued(key2, acme, ada), apikey.Revoked{KeyID: key2}),
			func(*directory.Key) {},
		},
		"rotated": {
			with(withKey, apikey.Rotated{KeyID: key1, SuccessorID: key2, ExpireAt: later}),
			func(k *directory.Key) { k.ExpireAt = later },
		},
		"owner removed": {
			with(withKey, removed(acme, ada)),
			func(k *directory.Key) { k.Orphaned, k.Role, k.Owner.Active = true, "", directory.Membership{} },
		},
		"owner removed and back": {
			with(withKey, removed(acme, ada), joined(acme, ada, access.Member)),
			func(k *directory.Key) {
				k.Orphaned, k.Role, k.Owner.Active = true, access.Member, directory.Membership{}
			},
		},
		"owner removed elsewhere": {
			with(withKey, founded(zeta), joined(zeta, ada, access.Member), removed(zeta, ada)),
			func(*directory.Key) {},
		},
		"another removed": {
			with(withKey, joined(acme, bob, access.Member), removed(acme, bob)),
			func(*directory.Key) {},
		},
		"owner's role changed": {
			with(withKey, organization.MemberRoleChanged{OrganizationID: acme, UserID: ada, Role: access.Viewer}),
			func(k *directory.Key) { k.Role, k.Owner.Active.Role = access.Viewer, access.Viewer },
		},
		"owner deactivated": {
			with(withKey, user.Deactivated{UserID: ada}),
			func(k *directory.Key) { k.Owner.Status = user.StatusDeactivated },
		},
		"owner restored": {
			with(withKey, user.Deactivated{UserID: ada}, user.Restored{UserID: ada}),
			func(*directory.Key) {},
		},
		"owner suspended": {
			with(withKey, organization.MemberSuspended{OrganizationID: acme, UserID: ada}),
			func(k *directory.Key) { k.Role, k.Owner.Active = "", directory.Membership{} },
		},
		"owner suspended elsewhere": {
			with(withKey, founded(zeta), joined(zeta, ada, access.Member), organization.MemberSuspended{OrganizationID: zeta, UserID: ada}),
			func(*directory.Key) {},
		},
		"owner reinstated": {
			with(withKey, organization.MemberSuspended{OrganizationID: acme, UserID: ada}, organization.MemberReinstated{OrganizationID: acme, UserID: ada}),
			func(*directory.Key) {},
		},
		"owner removed while suspended": {
			with(withKey, organization.MemberSuspended{OrganizationID: acme, UserID: ada}, removed(acme, ada), joined(acme, ada, access.Member)),
			func(k *directory.Key) {
				k.Orphaned, k.Role, k.Owner.Active = true, access.Member, directory.Membership{}
			},
		},
		"issued under the membership before": {
			with(adaAtAcme, removed(acme, ada), joined(acme, ada, access.Member), issuedUnder(later)),
			func(k *directory.Key) {
				k.Orphaned, k.Role, k.Owner.Active = true, access.Member, directory.Membership{}
			},
		},
		"owner erased": {
			with(withKey, user.Erased{UserID: ada}),
			func(k *directory.Key) {
				k.Orphaned, k.Owner.Status, k.Owner.Active = true, user.StatusErased, directory.Membership{}
			},
		},
		"revoked, then the owner removed": {
			with(withKey, apikey.Revoked{KeyID: key1}, removed(acme, ada)),
			func(k *directory.Key) { k.Revoked, k.Role, k.Owner.Active = true, "", directory.Membership{} },
		},
		"issued while the owner was removed": {
			with(adaAtAcme, removed(acme, ada), issued(key1, acme, ada), joined(acme, ada, access.Member)),
			func(k *directory.Key) {
				k.Orphaned, k.Role, k.Owner.Active = true, access.Member, directory.Membership{}
			},
		},
		"issued while the owner was deactivated": {
			with(adaAtAcme, user.Deactivated{UserID: ada}, issued(key1, acme, ada), user.Restored{UserID: ada}),
			func(*directory.Key) {},
		},
		"organization deleted": {
			with(withKey, organization.Deleted{OrganizationID: acme}),
			func(k *directory.Key) {
				k.Organization.Status = organization.StatusDeleted
				k.Owner.Active.Organization.Status = organization.StatusDeleted
			},
		},
		"organization restored": {
			with(withKey, organization.Deleted{OrganizationID: acme}, organization.Restored{OrganizationID: acme}),
			func(*directory.Key) {},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := good
			c.want(&want)
			got, found := given(c.given...).Key(secretOf(key1))
			if !found {
				t.Fatal("not found")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("key (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	broken := func(hash string) event.Event {
		return apikey.Issued{KeyID: key1, OrganizationID: acme, OwnerType: apikey.OwnerOrganization, SecretHash: hash}
	}
	hash := secretOf(key1)
	whole := hex.EncodeToString(hash[:])
	for name, events := range map[string][]event.Event{
		"never issued": adaAtAcme,
		"no hash":      {broken("")},
		"short hash":   {broken(whole[:62])},
		"long hash":    {broken(whole + "00")},
		"no digits":    {broken("zz" + whole[2:])},
		"only revoked": {apikey.Revoked{KeyID: key1}},
	} {
		if got, found := given(events...).Key(hash); found {
			t.Errorf("%s: found %v", name, got)
		}
	}
}

func TestWhatCannotBeReadIsMarked(t *testing.T) {
	t.Parallel()
	withKey := with(adaAtAcme, issued(key1, acme, ada))
	for stream, marked := range map[string]func(directory.Key) bool{
		"user-user_ada":           func(k directory.Key) bool { return k.Owner.Unreadable },
		"organization-org_acme":   func(k directory.Key) bool { return k.Organization.Unreadable },
		"apiKey-key_1":            func(k directory.Key) bool { return k.Unreadable },
		"reservation-slug:123":    nil,
		"apiKey-key_2":            nil,
		"organization-org_acme-2": nil,
	} {
		d := given(withKey...)
		end := event.Position{Commit: 5000, Prepare: 5000}
		d.Block(event.Recorded{Stream: stream, Position: end})
		k, _ := d.Key(secretOf(key1))
		unmarked := !k.Unreadable && !k.Owner.Unreadable && !k.Organization.Unreadable
		if marked != nil && !marked(k) || marked == nil && !unmarked {
			t.Errorf("%s: %v", stream, k)
		}
		if d.Applied() != end {
			t.Errorf("%s: the directory is at %v", stream, d.Applied())
		}
	}
}
