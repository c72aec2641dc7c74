package commands_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type noObserver struct{}

func (noObserver) Begin(ctx context.Context, _ string, _ commands.Request) (context.Context, func(error)) {
	return ctx, func(error) {}
}

func newCommands(s commands.Streams) *commands.Commands {
	return commands.New(commands.Deps{
		Streams: s, Observer: noObserver{}, Live: true, Secrets: secrets{}, Invitations: &invitations,
		Eraser: &archive{}, Referrals: referralTerms(&bank{}),
	})
}

// world is people who use the commands on a store.
type world struct {
	testing.TB
	*commands.Commands
	store commands.Streams
	// now is what requests are stamped with.
	now time.Time
}

func newWorld(tb testing.TB, s commands.Streams) *world {
	tb.Helper()
	return &world{TB: tb, Commands: newCommands(s), store: s, now: start}
}

// request is a new request of a principal.
func (w *world) request(p access.Principal) commands.Request {
	r := commands.Request{ID: event.ID(uuid.New()), Now: w.now, Principal: p, RequestID: "request"}
	_, _ = rand.Read(r.Seed[:]) // It never fails.
	return r
}

// again is the same request, repeated.
func again(r commands.Request) commands.Request {
	r.Retry = true
	return r
}

// at is the request of somebody who saw a revision.
func at(r commands.Request, seen event.Revision) commands.Request {
	r.Expected = &seen
	return r
}

// unique is a word that no other test uses.
func unique() string { return "t" + hex.EncodeToString(uuidBytes()) }

func uuidBytes() []byte { u := uuid.New(); return u[:8] }

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// identity is what a token says of somebody.
func identity(subject, email string) access.Identity {
	return access.Identity{
		SubjectHash: hashOf(subject), Email: personal.New(email), EmailHash: hashOf(email), EmailVerified: true,
	}
}

// stranger is somebody with a token and no account.
func stranger(subject string) access.Principal {
	return access.Principal{Kind: access.KindUser, Identity: identity(subject, subject+"@example.org")}
}

// vouched is somebody whose provider has verified an address, by a token of a
// certain time.
func vouched(p access.Principal, email string, issued time.Time) access.Principal {
	p.Identity.Email, p.Identity.EmailHash = personal.New(email), hashOf(email)
	p.Identity.EmailVerified, p.Identity.IssuedAt = true, issued
	return p
}

// claimed is somebody who gives an address that is not verified.
func claimed(p access.Principal, email string) access.Principal {
	p = vouched(p, email, time.Time{})
	p.Identity.EmailVerified = false
	return p
}

func ada() commands.RegisterUser {
	return commands.RegisterUser{FirstName: personal.New("Ada"), LastName: personal.New("Lovelace")}
}

// person registers somebody.
func (w *world) person() access.Principal {
	w.Helper()
	p := stranger(unique())
	p.UserID = must(w.RegisterUser(w.Context(), w.request(p), ada())).in(w).Value.User.ID
	return p
}

// within is the principal acting in an organization.
func within(p access.Principal, o id.Organization, role access.Role) access.Principal {
	p.OrganizationID, p.Role = o, role
	return p
}

// organization makes one, and its owner acting in it.
func (w *world) organization() (access.Principal, organization.State) {
	w.Helper()
	owner := w.person()
	o := must(w.CreateOrganization(w.Context(), w.request(owner), named(unique()))).in(w).Value.Organization
	return within(owner, o.ID, access.Owner), o
}

// delete deletes an organization on behalf of somebody who acts in it.
func (w *world) delete(by access.Principal, o organization.State) {
	w.Helper()
	must(w.DeleteOrganization(w.Context(), w.request(by), commands.DeleteOrganization{ConfirmSlug: o.Slug})).in(w)
}

// member is somebody who joins an organization.
func (w *world) member(o id.Organization, role access.Role) access.Principal {
	w.Helper()
	p := w.person()
	w.append(organization.Aggregate.Stream(o), organization.MemberJoined{
		OrganizationID: o, UserID: p.UserID, Role: role, OccurredAt: w.now,
	})
	p = within(p, o, role)
	p.MemberSince = w.now
	return p
}

// append writes events that no command of this issue makes.
func (w *world) append(stream string, events ...event.Event) {
	w.Helper()
	none := commands.Fold{Apply: func(any, event.Event) any { return nil }}
	s, err := w.store.Load(w.Context(), stream, none, true)
	for i := range events {
		if err == nil {
			s, err = w.store.Append(w.Context(), s, none, []event.Draft{{ID: event.ID(uuid.New()), Event: events[i]}})
		}
	}
	if err != nil {
		w.Fatal(err)
	}
}

// named is the wish for an organization.
func named(name string) commands.CreateOrganization {
	return commands.CreateOrganization{Profile: organization.ProfileChange{Name: &name}}
}

func slugged(slug string) commands.CreateOrganization {
	c := named("Acme")
	c.Slug = slug
	return c
}

func renamed(name string) commands.UpdateOrganization {
	return commands.UpdateOrganization{Change: organization.Change{Profile: organization.ProfileChange{Name: &name}}}
}

func moved(slug string) commands.UpdateOrganization {
	return commands.UpdateOrganization{Change: organization.Change{Slug: &slug}}
}

func firstName(name string) commands.UpdateUserProfile {
	text := personal.New(name)
	return commands.UpdateUserProfile{ProfileChange: user.ProfileChange{FirstName: &text}}
}

// answer is what a command returned.
type answer[R any] struct {
	commands.Result[R]
	err error
}

func must[R any](r commands.Result[R], err error) answer[R] { return answer[R]{r, err} }

// in ends the test if the command failed.
func (a answer[R]) in(tb testing.TB) commands.Result[R] {
	tb.Helper()
	if a.err != nil {
		tb.Fatal(a.err)
	}
	return a.Result
}

// refused says that a command must fail in a certain way.
func refused[R any](tb testing.TB, a answer[R], want error) {
	tb.Helper()
	if !errors.Is(a.err, want) {
		tb.Errorf("got %+v, %v; want %v", a.Value, a.err, want)
	}
}
