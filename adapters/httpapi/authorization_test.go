package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/perfectworks/backend/domain/access"
)

// A program with an operation that does not declare who may call it does not
// start.
func TestEveryOperationDeclaresWhoMayCallIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	for id, op := range h.api.operations {
		if !op.authorization.declared() {
			t.Errorf("%s declares nothing", id)
		}
	}
	if len(h.api.operations) < 15 {
		t.Errorf("only %d operations are registered", len(h.api.operations))
	}
	nothing := func(context.Context, *exchange, *struct{}) (reply[string], error) { return reply[string]{}, nil }
	for id, undeclared := range map[string]authorization{"without": {}, "without-permissions": permitted()} {
		register(h.api, operation{
			id: id, method: http.MethodGet, path: "/" + id, tag: tagUsers, message: "done", hidden: true,
			authorization: undeclared,
		}, nothing)
		if !slices.Contains(h.api.undeclared, id) {
			t.Errorf("%+v is taken for a declaration", undeclared)
		}
	}
	if err := (authorization{}).admit(alice); !errors.Is(err, access.ErrForbidden) {
		t.Errorf("an operation without a declaration lets callers in: %v", err)
	}
}

// Who is let in follows from the declaration alone, for each kind of caller.
func TestAuthorizationAdmits(t *testing.T) {
	t.Parallel()
	scoped := func(token string, scopes ...access.Scope) access.Principal {
		p := known[token]
		p.Scopes = scopes
		return p
	}
	viewer := alice
	viewer.Role = access.Viewer
	callers := map[string]access.Principal{
		"owner": alice, "viewer": viewer, "no organization": known["bob"], "stranger": known["stranger"],
		"user key": scoped("alices-key", access.ScopeReadProfile), "user key without scope": scoped("alices-key"),
		"organization key": known["acmes-key"],
		"finance": {
			Kind: access.KindSystem, UserID: "user_9", OrganizationID: "org_acme",
			SystemRoles: []access.SystemRole{access.SystemFinance},
		},
	}
	refused := map[string]map[string]error{
		"public": {},
		"any identity": {
			"user key": access.ErrCredentialNotAllowed, "user key without scope": access.ErrCredentialNotAllowed,
			"organization key": access.ErrCredentialNotAllowed, "finance": access.ErrCredentialNotAllowed,
		},
		"own data": {
			"stranger": access.ErrNotRegistered, "user key": access.ErrCredentialNotAllowed,
			"user key without scope": access.ErrCredentialNotAllowed,
			"organization key":       access.ErrCredentialNotAllowed, "finance": access.ErrCredentialNotAllowed,
		},
		"own account": {
			"stranger": access.ErrNotRegistered, "user key": access.ErrCredentialNotAllowed,
			"user key without scope": access.ErrCredentialNotAllowed,
			"organization key":       access.ErrCredentialNotAllowed, "finance": access.ErrCredentialNotAllowed,
		},
		"own account, or users:erase": {
			"stranger": access.ErrNotRegistered, "user key": access.ErrCredentialNotAllowed,
			"user key without scope": access.ErrCredentialNotAllowed,
			"organization key":       access.ErrCredentialNotAllowed, "finance": access.ErrForbidden,
		},
		"own data, with keys": {
			"stranger": access.ErrNotRegistered, "user key without scope": access.ErrForbidden,
			"organization key": access.ErrCredentialNotAllowed, "finance": access.ErrCredentialNotAllowed,
		},
		"organization:read": {
			"no organization": access.ErrNoActiveOrganization, "stranger": access.ErrNotRegistered,
			"user key": access.ErrForbidden, "user key without scope": access.ErrForbidden,
		},
		"organization:update": {
			"viewer": access.ErrForbidden, "no organization": access.ErrNoActiveOrganization, "stranger": access.ErrNotRegistered,
			"user key": access.ErrCredentialNotAllowed, "user key without scope": access.ErrCredentialNotAllowed,
			"organization key": access.ErrCredentialNotAllowed, "finance": access.ErrForbidden,
		},
		"payouts:approve": {
			"owner": access.ErrForbidden, "viewer": access.ErrForbidden, "no organization": access.ErrForbidden,
			"stranger": access.ErrNotRegistered, "user key": access.ErrCredentialNotAllowed,
			"user key without scope": access.ErrCredentialNotAllowed, "organization key": access.ErrCredentialNotAllowed,
		},
	}
	for name, declared := range map[string]authorization{
		"public": public(), "any identity": anyIdentity(), "own data": ownData(),
		"own account": ownAccount(), "own account, or users:erase": ownAccountOr(access.EraseUsers),
		"own data, with keys": ownDataWithKeys(access.ScopeReadProfile),
		"organization:read":   permitted(access.ReadOrganization),
		"organization:update": permitted(access.UpdateOrganization),
		"payouts:approve":     permitted(access.ApprovePayouts),
	} {
		for caller, p := range callers {
			want := refused[name][caller]
			if got := declared.admit(p); !errors.Is(got, want) || (got == nil) != (want == nil) {
				t.Errorf("%s, %s: %v, want %v", name, caller, got, want)
			} else if got != nil && !slices.Contains(declared.refusals(), got) {
				t.Errorf("%s: the refusal %v is not documented", name, got)
			}
		}
	}
}
