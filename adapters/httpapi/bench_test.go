package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/gorilla/mux"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/directory"
)

// aliceAtAcme is a directory in which everybody is at Acme.
type aliceAtAcme struct{ noDirectory }

func (aliceAtAcme) Membership(id.User, id.Organization) (directory.Membership, bool) {
	return directory.Membership{
		Organization: directory.Organization{ID: "org_acme", Status: organization.StatusActive, Name: "Acme", Slug: "acme"},
		Role:         "owner",
	}, true
}

// BenchmarkGet is an authenticated GET through all layers, beside an empty
// handler on the same kind of router.
func BenchmarkGet(b *testing.B) {
	api, err := New(Deps{
		Logger: slog.New(slog.DiscardHandler), Authenticator: known, Directory: aliceAtAcme{}, Idempotency: noKeys{},
		ReadModels: waiter(func(context.Context, string, event.Position) error { return nil }),
	})
	if err != nil {
		b.Fatal(err)
	}
	empty := mux.NewRouter()
	empty.Path("/api/v0/users/active-organization").Methods(http.MethodGet).
		HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, h := range map[string]http.Handler{"api": api, "empty": empty} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/api/v0/users/active-organization", nil)
			r.Header.Set("Authorization", "Bearer alices-key")
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// straight are links that all lead to one place.
type straight struct{ Links }

func (straight) Follow(*http.Request, string, netip.Addr, bool, bool) (string, *http.Cookie) {
	return "https://app.example.com/pricing", nil
}

// BenchmarkRedirect is what a redirect takes around that of the link, beside an empty
// handler on the same kind of router.
func BenchmarkRedirect(b *testing.B) {
	api, err := New(Deps{
		Logger: slog.New(slog.DiscardHandler), Authenticator: known, Directory: aliceAtAcme{}, Idempotency: noKeys{}, Links: straight{},
		ReadModels: waiter(func(context.Context, string, event.Position) error { return nil }),
	})
	if err != nil {
		b.Fatal(err)
	}
	empty := mux.NewRouter()
	empty.Path("/api/v0/referral-links/{code}").Methods(http.MethodGet).
		HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) })
	for name, h := range map[string]http.Handler{"api": api, "empty": empty} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/api/v0/referral-links/spring-26?a=b", nil)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != http.StatusFound {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
