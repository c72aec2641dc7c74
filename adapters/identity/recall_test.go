package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/directory"
)

func TestWhoIsRecalledStillHasAccess(t *testing.T) {
	t.Parallel()
	ofAda := issued(key1, secret(t, 1), ada, time.Time{})
	ofAcme := issued(key1, secret(t, 1), "", time.Time{})
	person := access.Principal{Kind: access.KindUser, UserID: ada, OrganizationID: acme, Role: access.Admin}
	userKey := access.Principal{
		Kind: access.KindUserKey, UserID: ada, OrganizationID: acme, Role: access.Admin, KeyID: key1, Scopes: []access.Scope{access.ScopeReadFiles},
	}
	organizationKey := access.Principal{Kind: access.KindOrganizationKey, OrganizationID: acme, KeyID: key1, Scopes: []access.Scope{access.ScopeReadFiles}}
	removed := organization.MemberRemoved{OrganizationID: acme, UserID: ada}
	for name, c := range map[string]struct {
		given     []event.Event
		elsewhere []event.Event
		recalled  string
		in        id.Organization
		want      access.Principal
		wantError error
	}{
		"a person":                      {recalled: string(ada), in: acme, want: person},
		"a person in another place":     {recalled: string(ada), in: zeta, want: access.Principal{Kind: access.KindUser, UserID: ada, OrganizationID: zeta, Role: access.Viewer}},
		"a person who was never there":  {recalled: string(ada), in: "org_other", wantError: identity.ErrAccessEnded},
		"nobody":                        {recalled: "user_nobody", in: acme, wantError: identity.ErrAccessEnded},
		"nothing":                       {in: acme, wantError: identity.ErrAccessEnded},
		"a person who was removed":      {given: []event.Event{removed}, recalled: string(ada), in: acme, wantError: identity.ErrAccessEnded},
		"a person who is suspended":     {given: []event.Event{organization.MemberSuspended{OrganizationID: acme, UserID: ada}}, recalled: string(ada), in: acme, wantError: identity.ErrAccessEnded},
		"a deactivated account":         {given: []event.Event{user.Deactivated{UserID: ada}}, recalled: string(ada), in: acme, wantError: identity.ErrAccessEnded},
		"a deleted organization":        {given: []event.Event{organization.Deleted{OrganizationID: acme}}, recalled: string(ada), in: acme, wantError: identity.ErrAccessEnded},
		"a person's key":                {given: []event.Event{ofAda}, recalled: string(key1), in: acme, want: userKey},
		"an organization's key":         {given: []event.Event{ofAcme}, recalled: string(key1), in: acme, want: organizationKey},
		"a key from elsewhere":          {elsewhere: []event.Event{ofAda}, recalled: string(key1), in: acme, want: userKey},
		"a key in another organization": {given: []event.Event{ofAda}, recalled: string(key1), in: zeta, wantError: identity.ErrAccessEnded},
		"a revoked key":                 {given: []event.Event{ofAcme, apikey.Revoked{KeyID: key1}}, recalled: string(key1), in: acme, wantError: identity.ErrAccessEnded},
		"an expired key":                {given: []event.Event{issued(key1, secret(t, 1), ada, time.Now())}, recalled: string(key1), in: acme, wantError: identity.ErrAccessEnded},
		"a removed person's key":        {given: []event.Event{ofAda, removed}, recalled: string(key1), in: acme, wantError: identity.ErrAccessEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, discard()).atAcme().given(c.given...)
			w.givenElsewhere(c.elsewhere...)
			got, err := w.Recall(t.Context(), c.recalled, c.in)
			if !errors.Is(err, c.wantError) {
				t.Fatalf("got %v, want %v", err, c.wantError)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(access.Principal{}, "MemberSince")); diff != "" {
				t.Errorf("principal (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("what cannot be read", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, discard()).atAcme().given(ofAda)
		blocked := w.record(nil)
		blocked.Stream = apikey.Aggregate.Stream(key1)
		w.directory.Block(blocked)
		if _, err := w.Recall(t.Context(), string(key1), acme); !errors.Is(err, directory.ErrBehind) {
			t.Errorf("got %v", err)
		}
	})
}
