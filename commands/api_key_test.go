package commands_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

var ofOrganization = commands.IssueAPIKey{OwnerType: apikey.OwnerOrganization}

func (w *world) key(p access.Principal, c commands.IssueAPIKey) apikey.State {
	w.Helper()
	return must(w.IssueAPIKey(w.Context(), w.request(p), c)).in(w).Value.Key
}

func described(key id.APIKey, to string) commands.UpdateAPIKey {
	return commands.UpdateAPIKey{KeyID: key, Description: &to}
}

func TestIssueAPIKey(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		req, end := w.request(owner), start.AddDate(1, 0, 0)
		got := must(w.IssueAPIKey(w.Context(), req, commands.IssueAPIKey{Description: "laptop", ExpireAt: &end})).in(w)
		key, secret := got.Value.Key, got.Value.Secret
		want := apikey.State{
			ID: key.ID, OrganizationID: o.ID, OwnerType: apikey.OwnerUser, UserID: owner.UserID, IssuedBy: owner.UserID,
			Scopes: access.ScopesOf(access.KindUserKey), Description: "laptop", Live: true,
			Start: secret.Start(), Last4: secret.Last4(), ExpireAt: end, IssuedExpireAt: end,
			Slot: key.Slot, CreatedAt: start, UpdatedAt: start,
		}
		if key.Slot < 1 || key.Slot > commands.DefaultMaxAPIKeys {
			w.Errorf("the key is in slot %d", key.Slot)
		}
		if diff := domaintest.Diff(want, key); diff != "" || !id.Valid(key.ID) {
			w.Errorf("%s (-want +got):\n%s", key.ID, diff)
		}
		if parsed, err := apikey.ParseSecret(secret.Reveal()); err != nil || parsed != secret {
			w.Errorf("the secret does not read: %v", err)
		}
		repeated := must(w.IssueAPIKey(w.Context(), again(req), commands.IssueAPIKey{Description: "laptop", ExpireAt: &end})).in(w)
		if diff := domaintest.Diff(got.Value.Key, repeated.Value.Key); diff != "" || repeated.Value.Secret != secret {
			w.Errorf("a repeated request gives another key:\n%s", diff)
		}
		if repeated.Revision != 0 || repeated.Position != got.Position {
			w.Errorf("a repeated request is at %d, %s; want %s", repeated.Revision, repeated.Position, got.Position)
		}

		theirs := w.key(owner, ofOrganization)
		if theirs.UserID != "" || theirs.IssuedBy != owner.UserID || len(theirs.Scopes) != 6 {
			w.Errorf("the organization's key is %+v", theirs)
		}
		for _, role := range []access.Role{access.Owner, access.Admin, access.Member, access.Billing, access.Viewer, ""} {
			p := within(owner, o.ID, role)
			own := must(w.IssueAPIKey(w.Context(), w.request(p), commands.IssueAPIKey{}))
			organizations := must(w.IssueAPIKey(w.Context(), w.request(p), ofOrganization))
			switch role {
			case access.Owner, access.Admin:
				refused(w, own, nil)
				refused(w, organizations, nil)
			case access.Member:
				refused(w, own, nil)
				refused(w, organizations, access.ErrForbidden)
			default:
				refused(w, own, access.ErrForbidden)
				refused(w, organizations, access.ErrForbidden)
			}
		}
		refused(w, must(w.IssueAPIKey(w.Context(), w.request(within(owner, "", "")), commands.IssueAPIKey{})),
			access.ErrNoActiveOrganization)
		for _, kind := range []access.Kind{access.KindUserKey, access.KindOrganizationKey, access.KindSystem} {
			p := owner
			p.Kind, p.KeyID, p.Scopes = kind, key.ID, access.ScopesOf(kind)
			refused(w, must(w.IssueAPIKey(w.Context(), w.request(p), commands.IssueAPIKey{})), access.ErrCredentialNotAllowed)
		}
		refused(w, must(w.IssueAPIKey(w.Context(), w.request(owner), commands.IssueAPIKey{ExpireAt: &start})), domaintest.Invalid)
	})
}

func TestTestKeysAreNotLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	owner, _ := w.organization()
	w.Commands = commands.New(commands.Deps{Streams: w.store, Observer: noObserver{}})
	got := must(w.IssueAPIKey(w.Context(), w.request(owner), commands.IssueAPIKey{})).in(w)
	if got.Value.Key.Live || got.Value.Secret.Live() {
		t.Error("a test system issues live keys")
	}
}

// Whatever is written of a key, the key itself is not in it.
func TestNoEventHoldsTheSecret(t *testing.T) {
	t.Parallel()
	m := newModel()
	w := newWorld(t, m)
	owner, _ := w.organization()
	got := must(w.IssueAPIKey(w.Context(), w.request(owner), commands.IssueAPIKey{})).in(w)
	next := must(w.RotateAPIKey(w.Context(), w.request(owner), commands.RotateAPIKey{KeyID: got.Value.Key.ID})).in(w)
	for _, events := range m.all(apikey.Aggregate.Category) {
		for _, e := range events {
			text, err := json.Marshal(e.Event)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []apikey.Secret{got.Value.Secret, next.Value.Secret} {
				if strings.Contains(string(text), secret.Reveal()[12:20]) {
					t.Errorf("%s holds a secret", e.Event.EventType())
				}
			}
		}
	}
	if shown := fmt.Sprintf("%+v %v %#v", got, next.Value, got.Value); strings.Contains(shown, got.Value.Secret.Reveal()[12:]) {
		t.Error("a printed answer shows the secret")
	}
}

func TestWhoManagesWhichKeys(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		admin, member := w.member(o.ID, access.Admin), w.member(o.ID, access.Member)
		colleague, viewer := w.member(o.ID, access.Member), w.member(o.ID, access.Viewer)
		elsewhere, _ := w.organization()
		elsewhereMyself := within(member, elsewhere.OrganizationID, access.Owner)
		demoted := within(member, o.ID, access.Viewer)
		keyOf := member
		keyOf.Kind = access.KindUserKey

		own, shared := w.key(member, commands.IssueAPIKey{}), w.key(admin, ofOrganization)
		for _, c := range []struct {
			who          string
			p            access.Principal
			own, shared  error
			ownRotations error
		}{
			{"owner", owner, nil, nil, access.ErrForbidden},
			{"admin", admin, nil, nil, access.ErrForbidden},
			{"its holder", member, nil, apikey.ErrNotFound, nil},
			{"another member", colleague, apikey.ErrNotFound, apikey.ErrNotFound, apikey.ErrNotFound},
			{"a viewer", viewer, apikey.ErrNotFound, apikey.ErrNotFound, apikey.ErrNotFound},
			{"its holder, now a viewer", demoted, access.ErrForbidden, apikey.ErrNotFound, access.ErrForbidden},
			{"an owner elsewhere", elsewhere, apikey.ErrNotFound, apikey.ErrNotFound, apikey.ErrNotFound},
			{"its holder elsewhere", elsewhereMyself, apikey.ErrNotFound, apikey.ErrNotFound, apikey.ErrNotFound},
			{"its holder nowhere", within(member, "", ""), access.ErrNoActiveOrganization, access.ErrNoActiveOrganization, access.ErrNoActiveOrganization},
			{"a key", keyOf, access.ErrCredentialNotAllowed, access.ErrCredentialNotAllowed, access.ErrCredentialNotAllowed},
		} {
			w.Log(c.who)
			refused(w, must(w.UpdateAPIKey(w.Context(), w.request(c.p), described(own.ID, c.who))), c.own)
			refused(w, must(w.UpdateAPIKey(w.Context(), w.request(c.p), described(shared.ID, c.who))), c.shared)
			mine, theirs := w.key(member, commands.IssueAPIKey{}), w.key(admin, ofOrganization)
			refused(w, must(w.RotateAPIKey(w.Context(), w.request(c.p), commands.RotateAPIKey{KeyID: mine.ID})), c.ownRotations)
			refused(w, must(w.RotateAPIKey(w.Context(), w.request(c.p), commands.RotateAPIKey{KeyID: theirs.ID})), c.shared)
			refused(w, must(w.RevokeAPIKey(w.Context(), w.request(c.p), commands.RevokeAPIKey{KeyID: mine.ID})), c.own)
			refused(w, must(w.RevokeAPIKey(w.Context(), w.request(c.p), commands.RevokeAPIKey{KeyID: theirs.ID})), c.shared)
		}
		// A revision that is guessed does not tell that the key exists.
		refused(w, must(w.RevokeAPIKey(w.Context(), at(w.request(colleague), 7), commands.RevokeAPIKey{KeyID: own.ID})), apikey.ErrNotFound)
		for _, key := range []id.APIKey{"", "key_x", "key_01h455vb4pex5vsknk084sn02q", id.APIKey(o.ID)} {
			refused(w, must(w.UpdateAPIKey(w.Context(), w.request(owner), described(key, "x"))), apikey.ErrNotFound)
			refused(w, must(w.RotateAPIKey(w.Context(), w.request(owner), commands.RotateAPIKey{KeyID: key})), apikey.ErrNotFound)
			refused(w, must(w.RevokeAPIKey(w.Context(), w.request(owner), commands.RevokeAPIKey{KeyID: key})), apikey.ErrNotFound)
		}
	})
}

func TestUpdateAndRevokeAPIKey(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, _ := w.organization()
		key := w.key(owner, commands.IssueAPIKey{Description: "laptop"})
		got := must(w.UpdateAPIKey(w.Context(), at(w.request(owner), 0), described(key.ID, "desktop"))).in(w)
		if got.Value.Description != "desktop" || got.Revision != 1 {
			w.Errorf("got %+v at %d", got.Value, got.Revision)
		}
		refused(w, must(w.UpdateAPIKey(w.Context(), at(w.request(owner), 0), described(key.ID, "x"))), commands.ErrStale)
		refused(w, must(w.UpdateAPIKey(w.Context(), w.request(owner), described(key.ID, "\x00"))), domaintest.Invalid)
		if same := must(w.UpdateAPIKey(w.Context(), w.request(owner), commands.UpdateAPIKey{KeyID: key.ID})).in(w); same.Revision != 1 {
			w.Errorf("an empty update makes revision %d", same.Revision)
		}
		w.now = start.Add(time.Hour)
		revoked := must(w.RevokeAPIKey(w.Context(), w.request(owner), commands.RevokeAPIKey{KeyID: key.ID})).in(w)
		if !revoked.Value.RevokedAt.Equal(w.now) || revoked.Value.Status(w.now) != apikey.StatusRevoked {
			w.Errorf("got %+v", revoked.Value)
		}
		w.now = start.Add(2 * time.Hour)
		twice := must(w.RevokeAPIKey(w.Context(), w.request(owner), commands.RevokeAPIKey{KeyID: key.ID})).in(w)
		if diff := domaintest.Diff(revoked, twice); diff != "" {
			w.Errorf("revoking again (-first +again):\n%s", diff)
		}
		refused(w, must(w.UpdateAPIKey(w.Context(), w.request(owner), described(key.ID, "x"))), apikey.ErrRevoked)
	})
}

func TestRotateAPIKey(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		admin := w.member(o.ID, access.Admin)
		end := start.AddDate(1, 0, 0)
		old := w.key(owner, commands.IssueAPIKey{
			OwnerType: apikey.OwnerOrganization, Description: "build", ExpireAt: &end, Scopes: []access.Scope{access.ScopeReadFiles},
		})
		w.now = start.Add(time.Hour)
		req := w.request(admin)
		rotated := must(w.RotateAPIKey(w.Context(), req, commands.RotateAPIKey{KeyID: old.ID})).in(w)
		secret, got := rotated.Value.Secret, rotated.Value.Key
		want := apikey.State{
			ID: got.ID, OrganizationID: o.ID, OwnerType: apikey.OwnerOrganization, IssuedBy: admin.UserID,
			Scopes: old.Scopes, Description: "build", Live: true, Start: secret.Start(), Last4: secret.Last4(),
			ExpireAt: end, IssuedExpireAt: end, PredecessorID: old.ID, CreatedAt: w.now, UpdatedAt: w.now,
			Slot: got.Slot,
		}
		if got.Slot == 0 || got.Slot == old.Slot {
			w.Errorf("the new key is in slot %d, the old one in %d", got.Slot, old.Slot)
		}
		if diff := domaintest.Diff(want, got); diff != "" {
			w.Errorf("the new key (-want +got):\n%s", diff)
		}
		former := rotated.Value.Predecessor
		if former.SuccessorID != got.ID || !former.ExpireAt.Equal(w.now.Add(24*time.Hour)) {
			w.Errorf("the old key: %+v", former)
		}

		// A description that changes meanwhile does not change the answer.
		must(w.UpdateAPIKey(w.Context(), w.request(owner), described(old.ID, "other"))).in(w)
		repeated := must(w.RotateAPIKey(w.Context(), again(req), commands.RotateAPIKey{KeyID: old.ID})).in(w)
		if diff := domaintest.Diff(got, repeated.Value.Key); diff != "" || repeated.Value.Secret != secret || repeated.Revision != 0 {
			w.Errorf("a repeated request gives another key:\n%s", diff)
		}

		refused(w, must(w.RotateAPIKey(w.Context(), w.request(owner), commands.RotateAPIKey{KeyID: old.ID})), apikey.ErrRotated)
		w.now = start.Add(12 * time.Hour)
		refused(w, must(w.RotateAPIKey(w.Context(), w.request(owner), commands.RotateAPIKey{KeyID: old.ID})), apikey.ErrRotated)
		next := must(w.RotateAPIKey(w.Context(), w.request(owner), commands.RotateAPIKey{KeyID: got.ID})).in(w)
		if next.Value.Key.PredecessorID != got.ID {
			w.Errorf("got %+v", next.Value.Key)
		}
		overlap := -time.Second
		refused(w, must(w.RotateAPIKey(w.Context(), w.request(owner),
			commands.RotateAPIKey{KeyID: next.Value.Key.ID, Overlap: &overlap})), domaintest.Invalid)
		refused(w, must(w.RotateAPIKey(w.Context(), at(w.request(owner), 7),
			commands.RotateAPIKey{KeyID: next.Value.Key.ID})), commands.ErrStale)
		w.now = end
		refused(w, must(w.RotateAPIKey(w.Context(), w.request(owner), commands.RotateAPIKey{KeyID: next.Value.Key.ID})), apikey.ErrExpired)
	})
}

// A rotation that broke off leaves a key whose successor never came. Another
// request names another successor, and the first can then not come any more.
func TestAbandonedRotation(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, _ := w.organization()
		old := w.key(owner, commands.IssueAPIKey{})
		rotate := commands.RotateAPIKey{KeyID: old.ID}
		lost := w.request(owner)
		if _, err := newCommands(&faulty{Streams: w.store, at: 3}).RotateAPIKey(w.Context(), lost, rotate); err == nil {
			w.Fatal("the process did not die")
		}
		w.now = start.Add(59 * time.Second)
		refused(w, must(w.RotateAPIKey(w.Context(), w.request(owner), rotate)), apikey.ErrRotated)
		w.now = start.Add(time.Minute)
		got := must(w.RotateAPIKey(w.Context(), w.request(owner), rotate)).in(w)
		if got.Value.Predecessor.SuccessorID != got.Value.Key.ID {
			w.Errorf("got %+v", got.Value)
		}
		refused(w, must(w.RotateAPIKey(w.Context(), again(lost), rotate)), apikey.ErrRotated)
		first, err := id.New[id.APIKey](lost.IDs())
		if err != nil {
			w.Fatal(err)
		}
		refused(w, must(w.UpdateAPIKey(w.Context(), w.request(owner), described(first, "x"))), apikey.ErrNotFound)
	})
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	m := newModel()
	w := newWorld(t, m)
	owner, o := w.organization()
	req := w.request(owner)
	req.CorrelationID, req.TraceParent = "correlation", "trace"
	req.ClientAddress, req.UserAgent = owner.Identity.Email, owner.Identity.Email
	key := must(w.IssueAPIKey(w.Context(), req, commands.IssueAPIKey{})).in(w).Value.Key
	got := m.all(apikey.Aggregate.Category)["apiKey-"+string(key.ID)][0]
	want := event.Metadata{
		CorrelationID: "correlation", CausationID: req.ID.String(),
		ActorKind: event.ActorUser, ActorID: string(owner.UserID), ActorUserID: string(owner.UserID),
		OrganizationID: string(o.ID), RequestID: "request", TraceParent: "trace",
		ClientAddress: req.ClientAddress, UserAgent: req.UserAgent,
	}
	if got.Metadata != want {
		t.Errorf("got %+v, want %+v", got.Metadata, want)
	}
	if got.ID != event.DeriveID(req.ID, got.Stream, 0) {
		t.Error("the event's id does not follow from the command's")
	}
}
