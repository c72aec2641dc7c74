package identity_test

import (
	"context"
	"errors"
	"testing"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/directory"
)

func TestSystemUsersActWhereTheySay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discard()).given(
		organization.Registered{OrganizationID: acme}, organization.Registered{OrganizationID: zeta},
		organization.Deleted{OrganizationID: zeta}, organization.Registered{OrganizationID: "org_purged"},
		organization.Purged{OrganizationID: "org_purged"}, organization.MemberJoined{OrganizationID: "org_unfinished", UserID: "user_x"},
	)
	var down error
	is := true
	w.parts.SystemUser = func(_ context.Context, i access.Identity) (access.Principal, bool, error) {
		return access.Principal{
			Kind: access.KindSystem, UserID: "sysuser_1", SystemRoles: []access.SystemRole{access.SystemAdmin}, Identity: i,
		}, is && down == nil, down
	}
	a := identity.NewAuthenticator(w.parts)
	for name, c := range map[string]struct {
		header, path id.Organization
		want         id.Organization
		wantErr      *failure.Failure
	}{
		"nowhere":                     {want: ""},
		"by header":                   {header: acme, want: acme},
		"by header, deleted":          {header: zeta, wantErr: organization.ErrNotFound},
		"by header, purged":           {header: "org_purged", wantErr: organization.ErrNotFound},
		"by header, unknown":          {header: "org_x", wantErr: organization.ErrNotFound},
		"by path":                     {path: acme, want: acme},
		"by path, deleted":            {path: zeta, want: zeta},
		"by path, purged":             {path: "org_purged", wantErr: organization.ErrNotFound},
		"by path, unknown":            {path: "org_x", wantErr: organization.ErrNotFound},
		"by path, not yet registered": {path: "org_unfinished", wantErr: organization.ErrNotFound},
	} {
		h := w.token()
		if c.header != "" {
			h = at(h, c.header)
		}
		p, err := a.Authenticate(t.Context(), h, nil)
		if err == nil && c.path != "" {
			p, err = a.Enter(t.Context(), p, c.path)
		}
		switch {
		case c.wantErr != nil:
			if !errors.Is(err, c.wantErr) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || p.Kind != access.KindSystem || p.UserID != "sysuser_1" || p.OrganizationID != c.want:
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	// Whether somebody is a system user must be known for sure.
	down = errors.New("the store is away")
	if _, err := a.Authenticate(t.Context(), w.token(), nil); !errors.Is(err, directory.ErrBehind) {
		t.Errorf("with the store away: %v", err)
	}
	down, is = nil, false
	if p, err := a.Authenticate(t.Context(), w.token(), nil); err != nil || p.Kind != access.KindUser || p.UserID != "" {
		t.Errorf("a stranger is %+v, %v", p, err)
	}
	// The caller's own account comes first.
	is = true
	w.given(w.registered())
	if p, err := a.Authenticate(t.Context(), w.token(), nil); err != nil || p.Kind != access.KindUser || p.UserID != ada {
		t.Errorf("somebody with an account is %+v, %v", p, err)
	}
}

func TestPeopleEnterWhereTheyAreMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discard()).atAcme().given(
		organization.Deleted{OrganizationID: zeta}, organization.Registered{OrganizationID: "org_other"},
	)
	p, err := w.Authenticate(t.Context(), w.token(), nil)
	if err != nil {
		t.Fatal(err)
	}
	key := access.Principal{Kind: access.KindOrganizationKey, KeyID: "key_1", OrganizationID: acme}
	stranger := access.Principal{Kind: access.KindUser}
	for name, c := range map[string]struct {
		p    access.Principal
		to   id.Organization
		role access.Role
		want *failure.Failure
	}{
		"their active one":        {p, acme, access.Admin, nil},
		"another, deleted":        {p, zeta, access.Viewer, nil},
		"not a member":            {p, "org_other", "", organization.ErrNotFound},
		"unknown":                 {p, "org_x", "", organization.ErrNotFound},
		"a key at home":           {key, acme, "", nil},
		"a key elsewhere":         {key, zeta, "", organization.ErrNotFound},
		"somebody not registered": {stranger, acme, "", nil},
	} {
		got, err := w.Enter(t.Context(), c.p, c.to)
		switch {
		case c.want != nil:
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || got.Role != c.role || c.p.UserID != "" && got.OrganizationID != c.to:
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// A membership that another process has just written.
	w.givenElsewhere(organization.MemberJoined{OrganizationID: "org_other", UserID: ada, Role: access.Owner})
	if got, err := w.Enter(t.Context(), p, "org_other"); err != nil || got.Role != access.Owner {
		t.Errorf("%+v, %v", got, err)
	}
}
