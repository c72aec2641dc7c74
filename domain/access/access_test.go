package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// table is the permission table of the HTTP contract. In the columns of the
// keys an x says that a scope can grant it; a user key needs the owner's role
// to have it, too.
const table = `
permission                | owner | admin | billing | member | viewer | user key | organization key | system admin | finance | support
organization:read         | x     | x     | x       | x      | x      | x        | x                | x            | x       | x
organization:update       | x     | x     |         |        |        |          |                  | x            |         |
organization:dispose      | x     |       |         |        |        |          |                  | x            |         |
organization:transfer     | x     |       |         |        |        |          |                  |              |         |
organization:leave        | x     | x     | x       | x      | x      |          |                  |              |         |
members:manage            | x     | x     |         |        |        |          |                  | x            |         |
files:read                | x     | x     |         | x      | x      | x        | x                |              |         |
files:write               | x     | x     |         | x      |        | x        | x                |              |         |
files-of-others:read      | x     | x     |         |        | x      |          | x                |              |         |
files-of-others:write     | x     | x     |         |        |        |          | x                |              |         |
files-of-others:list      | x     | x     |         |        | x      |          | x                | x            | x       | x
own-keys:manage           | x     | x     |         | x      |        |          |                  |              |         |
organization-keys:manage  | x     | x     |         |        |        |          |                  |              |         |
keys:revoke               | x     | x     |         |        |        |          |                  | x            | x       |
tokens:read               | x     | x     | x       | x      | x      | x        | x                |              | x       | x
tokens-of-others:read     | x     | x     | x       |        | x      | x        | x                |              | x       | x
tokens:adjust             |       |       |         |        |        |          |                  |              | x       |
payments:checkout         | x     | x     | x       |        |        |          | x                |              |         |
audit:read                | x     | x     |         |        |        |          | x                | x            | x       | x
`

var (
	roles       = []access.Role{access.Owner, access.Admin, access.Billing, access.Member, access.Viewer}
	systemRoles = []access.SystemRole{access.SystemAdmin, access.SystemFinance, access.SystemSupport}
)

func cells(line string) []string {
	all := strings.Split(line, "|")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

func TestPermissionTable(t *testing.T) {
	t.Parallel()
	for _, line := range strings.Split(strings.TrimSpace(table), "\n")[1:] {
		row := cells(line)
		perm := access.Permission(row[0])
		userKey, organizationKey := row[6] == "x", row[7] == "x"
		for i, role := range roles {
			has := row[i+1] == "x"
			p := access.Principal{Kind: access.KindUser, UserID: "user_1", OrganizationID: "org_1", Role: role}
			check(t, p, perm, has)
			p.Kind, p.KeyID, p.Scopes = access.KindUserKey, "key_1", access.ScopesOf(access.KindUserKey)
			check(t, p, perm, has && userKey)
			p.Scopes = nil
			check(t, p, perm, false)
		}
		p := access.Principal{
			Kind: access.KindOrganizationKey, OrganizationID: "org_1",
			KeyID: "key_1", Scopes: access.ScopesOf(access.KindOrganizationKey),
		}
		check(t, p, perm, organizationKey)
		p.Scopes = nil
		check(t, p, perm, false)
		for i, role := range systemRoles {
			p := access.Principal{Kind: access.KindSystem, UserID: "user_9", OrganizationID: "org_1", SystemRoles: []access.SystemRole{role}}
			check(t, p, perm, row[i+8] == "x")
		}
		check(t, access.Principal{Kind: access.KindSystem, OrganizationID: "org_1"}, perm, false)
		check(t, access.ByPolicy("policy", "org_1"), perm, false)
		check(t, access.ByPolicy("policy", "org_1", perm), perm, true)
		check(t, access.Principal{OrganizationID: "org_1"}, perm, false)
	}
}

// systemTable are the permissions that belong to no organization.
const systemTable = `
permission          | admin | finance | support
payouts:approve     |       | x       |
payments:manage     |       | x       |
payments:follow     |       |         |
system-users:manage | x     |         |
users:erase         | x     |         |
operations:read     | x     |         | x
operations:manage   | x     |         |
`

func TestSystemPermissionTable(t *testing.T) {
	t.Parallel()
	for _, line := range strings.Split(strings.TrimSpace(systemTable), "\n")[1:] {
		row := cells(line)
		perm := access.Permission(row[0])
		for _, organization := range []id.Organization{"", "org_1"} {
			for i, role := range systemRoles {
				p := access.Principal{Kind: access.KindSystem, UserID: "user_9", OrganizationID: organization, SystemRoles: []access.SystemRole{role}}
				want := row[i+1] == "x"
				if err := p.Require(perm); p.May(perm) != want || (err == nil) != want {
					t.Errorf("system %s in %q: %s is %t (%v), want %t", role, organization, perm, p.May(perm), err, want)
				}
			}
			for _, role := range roles {
				p := access.Principal{Kind: access.KindUser, UserID: "user_1", OrganizationID: organization, Role: role}
				if p.May(perm) || !errors.Is(p.Require(perm), access.ErrForbidden) {
					t.Errorf("a member of role %s has %s", role, perm)
				}
			}
			if p := access.ByPolicy("policy", organization, perm); p.Require(perm) != nil {
				t.Errorf("a policy that declares %s does not have it: %v", perm, p.Require(perm))
			}
		}
	}
}

func TestAKeyNeedsTheScope(t *testing.T) {
	t.Parallel()
	key := access.Principal{Kind: access.KindUserKey, UserID: "user_1", KeyID: "key_1", OrganizationID: "org_1", Role: access.Owner}
	for _, scopes := range [][]access.Scope{nil, {}, {access.ScopeReadOrganization}, {"profile"}} {
		key.Scopes = scopes
		if err := key.RequireScope(access.ScopeReadProfile); !errors.Is(err, access.ErrForbidden) {
			t.Errorf("with %v: %v", scopes, err)
		}
	}
	key.Scopes = access.ScopesOf(access.KindUserKey)
	for _, p := range []access.Principal{key, {Kind: access.KindUser, UserID: "user_1"}} {
		if err := p.RequireScope(access.ScopeReadProfile); err != nil {
			t.Errorf("%s: %v", p.Kind, err)
		}
	}
	if slices.Contains(access.ScopesOf(access.KindOrganizationKey), access.ScopeReadProfile) {
		t.Error("an organization's key can carry a scope that is about a person")
	}
}

func TestSeveralSystemRolesAddUp(t *testing.T) {
	t.Parallel()
	p := access.Principal{
		Kind: access.KindSystem, UserID: "user_9", OrganizationID: "org_1",
		SystemRoles: []access.SystemRole{access.SystemSupport, access.SystemFinance},
	}
	check(t, p, access.AdjustTokens, true)
	check(t, p, access.ReadAuditLog, true)
	check(t, p, access.UpdateOrganization, false)
}

func TestSupportChangesNothing(t *testing.T) {
	t.Parallel()
	for _, line := range strings.Split(strings.TrimSpace(table+systemTable), "\n") {
		name := cells(line)[0]
		if perm := access.Permission(name); access.SystemSupport.May(perm) && !strings.HasSuffix(name, ":read") && !strings.HasSuffix(name, ":list") {
			t.Errorf("support has %s", perm)
		}
	}
}

func check(t *testing.T, p access.Principal, perm access.Permission, want bool) {
	t.Helper()
	if got := p.May(perm); got != want {
		t.Errorf("%s of role %q with scopes %v: %s is %t, want %t", p.Kind, p.Role, p.Scopes, perm, got, want)
	}
	if err := p.Require(perm); (err == nil) != want {
		t.Errorf("%s of role %q: require %s gives %v", p.Kind, p.Role, perm, err)
	}
	p.OrganizationID = ""
	if p.May(perm) {
		t.Errorf("%s has %s without an organization", p.Kind, perm)
	}
}

func TestAScopeGrantsNothingElse(t *testing.T) {
	t.Parallel()
	p := access.Principal{
		Kind: access.KindOrganizationKey, OrganizationID: "org_1", KeyID: "key_1",
		Scopes: []access.Scope{access.ScopeReadFiles},
	}
	for _, line := range strings.Split(strings.TrimSpace(table), "\n")[1:] {
		perm := access.Permission(cells(line)[0])
		want := perm == access.ReadOwnFiles || perm == access.ReadFilesOfOthers || perm == access.ListFilesOfOthers
		check(t, p, perm, want)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	user := access.Principal{Kind: access.KindUser, UserID: "user_1", OrganizationID: "org_1", Role: access.Viewer}
	stranger := access.Principal{Kind: access.KindUser, Identity: access.Identity{SubjectHash: "s"}}
	nowhere := access.Principal{Kind: access.KindUser, UserID: "user_1"}
	system := access.Principal{Kind: access.KindSystem, UserID: "user_9", SystemRoles: []access.SystemRole{access.SystemAdmin}}
	policy := access.ByPolicy("policy", "", access.RevokeKeys)
	key := access.Principal{Kind: access.KindUserKey, UserID: "user_1", KeyID: "key_1", OrganizationID: "org_1", Role: access.Owner}
	for name, c := range map[string]struct{ got, want error }{
		"viewer updates":                    {user.Require(access.UpdateOrganization), access.ErrForbidden},
		"viewer reads":                      {user.Require(access.ReadOrganization), nil},
		"unregistered":                      {stranger.Require(access.ReadOrganization), access.ErrNotRegistered},
		"no organization":                   {nowhere.Require(access.ReadOrganization), access.ErrNoActiveOrganization},
		"key without scope":                 {key.Require(access.ReadOrganization), access.ErrForbidden},
		"a person":                          {user.RequireUser(), nil},
		"a person without account":          {stranger.RequireUser(), access.ErrNotRegistered},
		"a key where a person must":         {key.RequireUser(), access.ErrCredentialNotAllowed},
		"a system user where a person must": {system.RequireUser(), access.ErrCredentialNotAllowed},
		"a policy where a person must":      {policy.RequireUser(), access.ErrCredentialNotAllowed},
		"a system user nowhere":             {system.Require(access.ReadOrganization), access.ErrNoActiveOrganization},
		"a policy nowhere":                  {policy.Require(access.RevokeKeys), access.ErrNoActiveOrganization},
		"nobody":                            {access.Principal{}.RequireUser(), access.ErrCredentialNotAllowed},
		"viewer's role":                     {access.Viewer.Require(access.UpdateOrganization), access.ErrForbidden},
		"admin's role":                      {access.Admin.Require(access.UpdateOrganization), nil},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
}

func TestRoleValid(t *testing.T) {
	t.Parallel()
	for _, r := range roles {
		if !r.Valid() {
			t.Errorf("%q is a role", r)
		}
	}
	for _, r := range []access.Role{"", "Owner", "root"} {
		if r.Valid() {
			t.Errorf("%q is no role", r)
		}
	}
	for _, r := range systemRoles {
		if !r.Valid() {
			t.Errorf("%q is a system role", r)
		}
	}
	for _, r := range []access.SystemRole{"", "Admin", "owner"} {
		if r.Valid() {
			t.Errorf("%q is no system role", r)
		}
	}
}

func TestScopesOfAreACopy(t *testing.T) {
	t.Parallel()
	scopes := access.ScopesOf(access.KindUserKey)
	scopes[0] = "tampered"
	if slices.Contains(access.ScopesOf(access.KindUserKey), "tampered") {
		t.Error("a caller can change the scopes of all")
	}
	if access.ScopesOf(access.KindUser) != nil || access.ScopesOf(access.KindSystem) != nil || access.ScopesOf(access.KindPolicy) != nil {
		t.Error("only keys have scopes")
	}
}

func TestActorAndID(t *testing.T) {
	t.Parallel()
	type actor struct {
		kind   event.ActorKind
		actor  string
		person id.User
		id     string
	}
	for name, c := range map[string]struct {
		p    access.Principal
		want actor
	}{
		"user": {
			access.Principal{Kind: access.KindUser, UserID: "user_1"},
			actor{event.ActorUser, "user_1", "user_1", "user_1"},
		},
		"unregistered": {
			access.Principal{Kind: access.KindUser, Identity: access.Identity{SubjectHash: "s"}},
			actor{event.ActorUser, "", "", "s"},
		},
		"user key": {
			access.Principal{Kind: access.KindUserKey, UserID: "user_1", KeyID: "key_1"},
			actor{event.ActorKey, "key_1", "user_1", "key_1"},
		},
		"organization key": {
			access.Principal{Kind: access.KindOrganizationKey, KeyID: "key_1"},
			actor{event.ActorKey, "key_1", "", "key_1"},
		},
		"system": {
			access.Principal{Kind: access.KindSystem, UserID: "user_9"},
			actor{event.ActorSystem, "user_9", "user_9", "user_9"},
		},
		"policy": {
			access.ByPolicy("send-mail", "org_1"),
			actor{event.ActorPolicy, "send-mail", "", "send-mail"},
		},
		"nobody": {access.Principal{}, actor{}},
	} {
		var got actor
		got.kind, got.actor, got.person = c.p.Actor()
		got.id = c.p.ID()
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestRanks(t *testing.T) {
	t.Parallel()
	for role, may := range map[access.Role][]access.Role{
		access.Owner:   roles,
		access.Admin:   {access.Billing, access.Member, access.Viewer},
		access.Billing: {access.Member, access.Viewer},
		access.Member:  {access.Viewer},
		access.Viewer:  nil,
		"":             nil,
		"king":         nil,
	} {
		for _, other := range append([]access.Role{"", "king"}, roles...) {
			if got, want := role.MayGrant(other), slices.Contains(may, other); got != want {
				t.Errorf("%q may grant %q: %t, want %t", role, other, got, want)
			}
		}
	}
}
