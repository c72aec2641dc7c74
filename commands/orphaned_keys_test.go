package commands_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// keyIndex is an index that was told.
type keyIndex struct{ keys []commands.OwnedKey }

// KeysOf implements commands.KeyIndex.
func (i keyIndex) KeysOf(context.Context, id.User, id.Organization) ([]commands.OwnedKey, error) {
	return i.keys, nil
}

// policy is a request of the policy that revokes.
func (w *world) policy(o id.Organization) commands.Request {
	r := w.request(access.ByPolicy("revoke-keys", o, access.RevokeKeys))
	r.CauseEventID, r.Retry = uuid.NewString(), true
	return r
}

func (w *world) issue(p access.Principal) apikey.State {
	w.Helper()
	return must(w.IssueAPIKey(w.Context(), w.request(p), commands.IssueAPIKey{})).in(w).Value.Key
}

func (w *world) leave(p access.Principal) {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	w.append(organization.Aggregate.Stream(p.OrganizationID),
		organization.MemberRemoved{OrganizationID: p.OrganizationID, UserID: p.UserID, OccurredAt: w.now})
}

// join returns the person as they act under the new membership.
func (w *world) join(p access.Principal) access.Principal {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	w.append(organization.Aggregate.Stream(p.OrganizationID),
		organization.MemberJoined{OrganizationID: p.OrganizationID, UserID: p.UserID, Role: p.Role, OccurredAt: w.now})
	p.MemberSince = w.now
	return p
}

func (w *world) suspend(p access.Principal) {
	w.Helper()
	must(w.SuspendMember(w.Context(), w.request(p), commands.SuspendMember{OrganizationID: p.OrganizationID, UserID: p.UserID})).in(w)
}

func (w *world) reinstate(p access.Principal) {
	w.Helper()
	must(w.ReinstateMember(w.Context(), w.request(p), commands.ReinstateMember{OrganizationID: p.OrganizationID, UserID: p.UserID})).in(w)
}

func (w *world) erase(p access.Principal) {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	w.append(user.Aggregate.Stream(p.UserID), user.Erased{UserID: p.UserID, OccurredAt: w.now})
}

func (w *world) deactivate(p access.Principal) {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	w.append(user.Aggregate.Stream(p.UserID), user.Deactivated{UserID: p.UserID, OccurredAt: w.now, PurgeAt: w.now.AddDate(0, 0, 30)})
}

func (w *world) restore(p access.Principal) {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	w.append(user.Aggregate.Stream(p.UserID), user.Restored{UserID: p.UserID, OccurredAt: w.now})
}

// A key ends with its owner's membership and account for every command, before
// any policy has run and in every process, and it does not come back.
func TestAKeyEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		admin, o := w.organization()
		for name, end := range map[string]func(access.Principal){
			"removed":          w.leave,
			"removed and back": func(p access.Principal) { w.leave(p); _ = w.join(p) },
			"erased":           func(p access.Principal) { w.deactivate(p); w.erase(p) },
		} {
			member := w.member(o.ID, access.Member)
			key := w.issue(member)
			update := commands.UpdateAPIKey{KeyID: key.ID, Description: new(string)}
			written := w.request(admin)
			must(w.UpdateAPIKey(w.Context(), written, update)).in(w)
			end(member)
			for _, by := range []access.Principal{admin, member} {
				refused(w, must(w.UpdateAPIKey(w.Context(), w.request(by), update)), apikey.ErrRevoked)
			}
			refused(w, must(w.RotateAPIKey(w.Context(), w.request(member), commands.RotateAPIKey{KeyID: key.ID})), apikey.ErrRevoked)
			if got := must(w.UpdateAPIKey(w.Context(), again(written), update)); got.err == nil && got.Value.Status(w.now) == apikey.StatusActive {
				w.Errorf("%s: a repeated command answers active", name)
			}
			got := must(w.RevokeAPIKey(w.Context(), w.request(admin), commands.RevokeAPIKey{KeyID: key.ID})).in(w)
			if got.Value.RevokedAt.IsZero() || got.Value.Status(w.now) != apikey.StatusRevoked {
				w.Errorf("%s: revoked by hand: %+v", name, got.Value)
			}
		}
	})
}

// A key that was asked for under a membership, and issued once its owner had left
// and joined again, is dead, whatever the clocks say.
func TestAKeyOfAFormerMembershipIsIssuedDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	admin, o := w.organization()
	member := w.member(o.ID, access.Member)
	w.leave(member)
	_ = w.join(member)
	w.now = w.now.Add(time.Minute)
	key := w.issue(member) // By a process that has seen neither.
	refused(w, must(w.RotateAPIKey(w.Context(), w.request(member), commands.RotateAPIKey{KeyID: key.ID})), apikey.ErrRevoked)
	refused(w, must(w.UpdateAPIKey(w.Context(), w.request(admin), commands.UpdateAPIKey{KeyID: key.ID, Description: new(string)})), apikey.ErrRevoked)
}

// A key sleeps while its owner's account is deactivated or its membership
// suspended, and wakes as it was.
func TestAKeySleepsWithItsOwner(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		for name, sleep := range map[string][2]func(access.Principal){
			"deactivated": {w.deactivate, w.restore},
			"suspended":   {w.suspend, w.reinstate},
		} {
			member := w.member(o.ID, access.Member)
			key := w.issue(member)
			sleep[0](member)
			refused(w, must(w.RotateAPIKey(w.Context(), w.request(member), commands.RotateAPIKey{KeyID: key.ID})), apikey.ErrSuspended)
			update := commands.UpdateAPIKey{KeyID: key.ID, Description: new(string)}
			if got := must(w.UpdateAPIKey(w.Context(), w.request(owner), update)).in(w); got.Value.Status(w.now) != apikey.StatusSuspended {
				w.Errorf("%s: %s", name, got.Value.Status(w.now))
			}
			sleep[1](member)
			if got := must(w.RotateAPIKey(w.Context(), w.request(member), commands.RotateAPIKey{KeyID: key.ID})).in(w); got.Value.Key.Status(w.now) != apikey.StatusActive {
				w.Errorf("%s: %s afterwards", name, got.Value.Key.Status(w.now))
			}
		}
	})
}

// Keys created under a new membership work.
func TestANewMembershipHasNewKeys(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		_, o := w.organization()
		member := w.member(o.ID, access.Member)
		w.leave(member)
		member = w.join(member)
		key := w.issue(member)
		if got := must(w.RotateAPIKey(w.Context(), w.request(member), commands.RotateAPIKey{KeyID: key.ID})).in(w); got.Value.Key.Status(w.now) != apikey.StatusActive {
			w.Errorf("got %+v", got.Value)
		}
	})
}

func TestKeysOfAnOrganizationDoNotEndWithWhoIssuedThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	owner, o := w.organization()
	admin := w.member(o.ID, access.Admin)
	key := must(w.IssueAPIKey(w.Context(), w.request(admin), commands.IssueAPIKey{OwnerType: apikey.OwnerOrganization})).in(w).Value.Key
	w.leave(admin)
	must(w.UpdateAPIKey(w.Context(), w.request(owner), commands.UpdateAPIKey{KeyID: key.ID, Description: new(string)})).in(w)
}

// The policy writes the end into the keys' own streams: of those that ended, and
// once however often it runs.
func TestRevokeOrphanedKeys(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		_, o := w.organization()
		member := w.member(o.ID, access.Member)
		seen, late := w.issue(member), w.issue(member)
		w.leave(member)
		member = w.join(member)
		w.now = w.now.Add(time.Minute)
		fresh := w.issue(member)
		// The index has seen the end of one; the other was issued after it.
		index := keyIndex{[]commands.OwnedKey{{ID: seen.ID, Ended: true}, {ID: late.ID}, {ID: fresh.ID}}}
		c := commands.New(commands.Deps{Streams: w.store, Observer: noObserver{}, Keys: index})
		req, command := w.policy(o.ID), commands.RevokeOrphanedKeys{UserID: member.UserID, OrganizationID: o.ID}
		for range 3 {
			got := must(c.RevokeOrphanedKeys(w.Context(), req, command)).in(w)
			if !slices.Equal(got.Value.Keys, []id.APIKey{seen.ID, late.ID}) {
				w.Errorf("revoked %v", got.Value.Keys)
			}
		}
		for _, key := range []id.APIKey{seen.ID, late.ID} {
			stream := apikey.Aggregate.Stream(key)
			e, found, err := w.store.Find(w.Context(), stream, 0, event.DeriveID(req.ID, stream, 0))
			if err != nil || !found {
				w.Fatalf("the end of %s: %v, %v", key, found, err)
			}
			m := e.Metadata
			if e.Revision != 1 || m.ActorKind != event.ActorPolicy || m.ActorID != "revoke-keys" || m.CauseEventID != req.CauseEventID || m.OrganizationID != string(o.ID) {
				w.Errorf("revision %d, metadata %+v", e.Revision, m)
			}
		}
	})
}

func TestWhoRevokesOrphanedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	_, o := w.organization()
	elsewhere, _ := w.organization()
	member := w.member(o.ID, access.Member)
	key := w.issue(member)
	w.leave(member)
	c := commands.New(commands.Deps{Streams: w.store, Observer: noObserver{}, Keys: keyIndex{[]commands.OwnedKey{{ID: key.ID, Ended: true}}}})
	command := commands.RevokeOrphanedKeys{UserID: member.UserID}
	for name, p := range map[string]access.Principal{
		"another policy": access.ByPolicy("send-mail", o.ID),
		"support":        {Kind: access.KindSystem, UserID: "user_9", SystemRoles: []access.SystemRole{access.SystemSupport}},
		"a member":       member,
	} {
		if got := must(c.RevokeOrphanedKeys(w.Context(), w.request(p), command)); got.err == nil {
			t.Errorf("%s may", name)
		}
	}
	refused(w, must(c.RevokeOrphanedKeys(w.Context(), w.request(elsewhere), command)), apikey.ErrNotFound)
	// A policy acts in every organization.
	must(c.RevokeOrphanedKeys(w.Context(), w.policy(""), command)).in(w)
}
