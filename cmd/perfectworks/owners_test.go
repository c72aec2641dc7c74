package main

import (
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// Owners remove, demote and replace each other and deactivate their accounts at the
// same moment, through several servers: after every event the organization has an
// owner who is not suspended.
func TestAnOwnerIsLeftOverSeveralProcesses(t *testing.T) {
	t.Parallel()
	const organizations, owners, rounds = 3, 4, 8
	place := newInstallation(t)
	f := newFacts(t, place)
	servers := []*process{place.serve(), place.serve("--role", "api"), place.serve("--role", "api")}
	for n := range organizations {
		people, ids, home := ownersOf(t, place, servers[0], n, owners)
		var all sync.WaitGroup
		for range rounds {
			for i, who := range people {
				server, of := servers[mathrand.IntN(len(servers))], ids[mathrand.IntN(owners)]
				who.api = server.api
				deed := deeds(ids[i], of, who.email)[mathrand.IntN(6)]
				all.Go(func() {
					a, err := who.do(t.Context(), deed.method, deed.path, deed.body, "")
					if err != nil || a.Status >= http.StatusInternalServerError && a.Status != http.StatusServiceUnavailable {
						t.Errorf("%s %s: %d, %v", deed.method, deed.path, a.Status, err)
					}
				})
			}
		}
		all.Wait()
		fold := commands.Fold{Zero: organization.State{}, Apply: func(s any, e event.Event) any {
			next := organization.Apply(s.(organization.State), e)
			if _, registered := e.(organization.Registered); !registered && next.Owners() == 0 {
				t.Errorf("no owner is left in %s after %T", home, e)
			}
			return next
		}}
		last, err := f.streams.Load(t.Context(), organization.Aggregate.Stream(home), fold, true)
		if err != nil || last.State.(organization.State).Owners() == 0 {
			t.Errorf("in the end: %v", err)
		}
		t.Logf("organization %d: %d events, %d owners are left", n, last.Revision+1, last.State.(organization.State).Owners())
	}
}

type ownerCaller struct {
	caller
	email string
}

// ownersOf registers people who are all owners of one organization.
func ownersOf(t *testing.T, place *installation, server *process, n, owners int) (people []ownerCaller, ids []string, home id.Organization) {
	t.Helper()
	for i := range owners {
		name := fmt.Sprintf("owner-%d-%d", n, i)
		p := ownerCaller{caller{server.api, place.token(name)}, name + "@example.org"}
		ids = append(ids, p.must(t, http.StatusCreated, http.MethodPost, "/users/client", `{"firstName":"O","lastName":"Wner"}`).Data.ID)
		if i == 0 {
			p.must(t, http.StatusCreated, http.MethodPost, "/organizations", fmt.Sprintf(`{"name":"Shared %d"}`, n))
			home = id.Organization(p.must(t, http.StatusOK, http.MethodGet, "/organizations/current", "").Data.ID)
		} else {
			invitation := people[0].must(t, http.StatusCreated, http.MethodPost, "/organization-members", `{"email":"`+p.email+`","role":"owner"}`).Data.ID
			p.must(t, http.StatusOK, http.MethodPost, "/organization-members/join", `{"invitationId":"`+invitation+`"}`)
		}
		people = append(people, p)
	}
	return people, ids, home
}

type deed struct{ method, path, body string }

// deeds are what an owner may do to another one, or to themselves.
func deeds(self, of, email string) []deed {
	return []deed{
		{http.MethodDelete, "/organization-members/" + of, ""},
		{http.MethodDelete, "/organization-members/" + self, ""},
		{http.MethodPut, "/organization-members/" + of, `{"role":"viewer"}`},
		{http.MethodPut, "/organization-members/" + of, `{"transferOwnership":true}`},
		{http.MethodDelete, "/users/profile", `{"confirmEmail":"` + email + `"}`},
		{http.MethodPost, "/users/restore", ""},
	}
}
