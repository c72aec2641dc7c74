package commands_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

// secrets makes tokens that only tests know.
type secrets struct{}

func (secrets) EmailHash(address string) string { return hashOf(address) }

func (secrets) InvitationToken(invitation id.Invitation, n int) organization.Token {
	return organization.NewToken(invitation, sha256.Sum256(fmt.Append(nil, invitation, n)))
}

// invitations is an index that was told.
var invitations invitationIndex

type invitationIndex struct{ sync.Map }

// OrganizationOf implements commands.InvitationIndex.
func (i *invitationIndex) OrganizationOf(_ context.Context, name id.Invitation) (id.Organization, error) {
	o, _ := i.Load(name)
	found, _ := o.(id.Organization)
	return found, nil
}

func inviting(email string, role access.Role) commands.InviteMember {
	return commands.InviteMember{Email: personal.New(email), Role: role}
}

// addressOf is the verified address of a person.
func addressOf(p access.Principal) string { return p.Identity.Email.Reveal() }

// invite invites somebody, and returns the invitation with the token of its mail.
func (w *world) invite(by access.Principal, email string, role access.Role) (commands.InvitedMember, organization.Token) {
	w.Helper()
	return w.send(by, inviting(email, role))
}

func (w *world) send(by access.Principal, c commands.InviteMember) (commands.InvitedMember, organization.Token) {
	w.Helper()
	invited := must(w.InviteMember(w.Context(), w.request(by), c)).in(w).Value
	invitations.Store(invited.ID, by.OrganizationID)
	return invited, secrets{}.InvitationToken(invited.ID, invited.Invitation.Issue)
}

func byToken(t organization.Token) commands.JoinOrganization {
	return commands.JoinOrganization{Token: t.Reveal()}
}

func byID(name id.Invitation) commands.JoinOrganization {
	return commands.JoinOrganization{InvitationID: name}
}

// From the invitation to the membership, by the mail and by one's own address; a
// second time gives the same answer, and another person gets nothing.
func TestJoining(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		for name, by := range map[string]func(commands.InvitedMember, organization.Token) commands.JoinOrganization{
			"by the token": func(_ commands.InvitedMember, t organization.Token) commands.JoinOrganization { return byToken(t) },
			"by the id":    func(i commands.InvitedMember, _ organization.Token) commands.JoinOrganization { return byID(i.ID) },
		} {
			bob := w.person()
			invited, token := w.invite(owner, addressOf(bob), access.Billing)
			req, join := w.request(bob), by(invited, token)
			for attempt, r := range []commands.Request{req, again(req), w.request(bob)} {
				got := must(w.JoinOrganization(w.Context(), r, join)).in(w)
				if m := got.Value.Member; m.Role != access.Billing || m.InvitationID != invited.ID || got.Value.Organization.ID != o.ID {
					w.Errorf("%s, attempt %d: %+v", name, attempt, m)
				}
				if !got.Value.IsActive {
					w.Errorf("%s, attempt %d: it is not the active organization of somebody who has none", name, attempt)
				}
			}
			mallory := w.person()
			if got := must(w.JoinOrganization(w.Context(), w.request(mallory), join)); got.err == nil {
				w.Errorf("%s: somebody else joined, too", name)
			}
		}
	})
}

// The error of each way in which joining fails.
func TestJoiningIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	owner, o := w.organization()
	admin := w.member(o.ID, access.Admin)
	join := func(p access.Principal, c commands.JoinOrganization, want error) {
		t.Helper()
		refused(w, must(w.JoinOrganization(w.Context(), w.request(p), c)), want)
	}
	bob, mallory := w.person(), w.person()
	invited, token := w.invite(admin, addressOf(bob), access.Member)

	join(mallory, byToken(token), organization.ErrInvitationEmail)
	join(mallory, byID(invited.ID), organization.ErrInvitationNotFound)
	unverified := bob
	unverified.Identity.EmailVerified = false
	join(unverified, byToken(token), user.ErrEmailNotVerified)
	join(stranger("nobody"), byToken(token), access.ErrNotRegistered)
	forged := organization.NewToken(invited.ID, [32]byte{})
	join(bob, byToken(forged), organization.ErrInvitationNotFound)
	join(bob, commands.JoinOrganization{Token: "no token"}, organization.ErrInvitationNotFound)
	join(bob, byID("inv_01jd9z3q5we8x9v6m2k4t7r1b9"), organization.ErrInvitationNotFound)
	join(bob, byID("user_1"), organization.ErrInvitationNotFound)
	for name, c := range map[string]commands.JoinOrganization{
		"neither": {}, "both": {InvitationID: invited.ID, Token: token.Reveal()},
	} {
		if got := must(w.JoinOrganization(w.Context(), w.request(bob), c)); failure.Of(got.err) == nil || failure.Of(got.err).Kind != failure.Invalid {
			t.Errorf("%s: %v", name, got.err)
		}
	}

	// Sent again: the token before is void.
	resend := inviting(addressOf(bob), access.Member)
	refused(w, must(w.InviteMember(w.Context(), w.request(admin), resend)), organization.ErrEmailInvited)
	resend.Resend = true
	again, second := w.send(admin, resend)
	if again.ID != invited.ID || again.Invitation.Issue != 2 {
		t.Errorf("sent again as %s, %d", again.ID, again.Invitation.Issue)
	}
	join(bob, byToken(token), organization.ErrInvitationRevoked)

	// The inviter loses the rank.
	must(w.ChangeMemberRole(w.Context(), w.request(owner), commands.ChangeMemberRole{UserID: admin.UserID, Role: new(access.Member)})).in(w)
	join(bob, byToken(second), organization.ErrInviterNotAllowed)
	third, token3 := w.send(owner, resend)

	// Time passes.
	now := w.now
	w.now = third.Invitation.ExpireAt
	join(bob, byToken(token3), organization.ErrInvitationExpired)
	w.now = now

	// Revoked, twice.
	for range 2 {
		must(w.RevokeInvitation(w.Context(), w.request(owner), commands.RevokeInvitation{InvitationID: invited.ID})).in(w)
	}
	join(bob, byToken(token3), organization.ErrInvitationRevoked)
	join(bob, byID(invited.ID), organization.ErrInvitationRevoked)
	join(mallory, byID(invited.ID), organization.ErrInvitationNotFound)

	// A member of now.
	invited, token = w.invite(owner, addressOf(bob), access.Viewer)
	must(w.JoinOrganization(w.Context(), w.request(bob), byToken(token))).in(w)
	refused(w, must(w.InviteMember(w.Context(), w.request(owner), inviting(addressOf(bob), access.Viewer))), organization.ErrMemberJoined)
	refused(w, must(w.RevokeInvitation(w.Context(), w.request(owner), commands.RevokeInvitation{InvitationID: invited.ID})), organization.ErrInvitationNotFound)
}

// What inviting answers does not depend on whether the address has an account.
func TestInvitingTellsNothingOfAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	owner, _ := w.organization()
	known, unknown := addressOf(w.person()), unique()+"@example.org"
	for _, email := range []string{known, unknown} {
		got, _ := w.invite(owner, email, access.Member)
		if i := got.Invitation; i.Role != access.Member || i.Issue != 1 || i.Email.Reveal() != email || !i.Open(w.now) {
			t.Errorf("%s: %+v", email, i)
		}
		refused(w, must(w.InviteMember(w.Context(), w.request(owner), inviting(email, access.Member))), organization.ErrEmailInvited)
	}
}

func TestInvitingIsRepeatable(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, _ := w.organization()
		req, c := w.request(owner), inviting(unique()+"@example.org", access.Member)
		first := must(w.InviteMember(w.Context(), req, c)).in(w)
		second := must(w.InviteMember(w.Context(), again(req), c)).in(w)
		if first.Value.ID != second.Value.ID || first.Revision != second.Revision {
			w.Errorf("first %+v, then %+v", first, second)
		}
	})
}

// Who acts on members: not a member, not a key, not without an organization, and
// of the system's people the admin alone, above every rank.
func TestWhoManagesMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	owner, o := w.organization()
	member := w.member(o.ID, access.Member)
	system := func(role access.SystemRole) access.Principal {
		return access.Principal{Kind: access.KindSystem, UserID: "user_9", OrganizationID: o.ID, SystemRoles: []access.SystemRole{role}}
	}
	homeless := owner
	homeless.OrganizationID = ""
	key := owner
	key.Kind, key.KeyID = access.KindUserKey, "key_1"
	for name, c := range map[string]struct {
		by   access.Principal
		want error
	}{
		"a member":                {member, access.ErrForbidden},
		"a stranger":              {within(w.person(), o.ID, access.Owner), organization.ErrNotFound},
		"a key":                   {key, access.ErrCredentialNotAllowed},
		"without an organization": {homeless, access.ErrNoActiveOrganization},
		"support":                 {system(access.SystemSupport), access.ErrForbidden},
		"finance":                 {system(access.SystemFinance), access.ErrForbidden},
	} {
		for what, err := range map[string]error{
			"invite":   must(w.InviteMember(w.Context(), w.request(c.by), inviting("a@new.test", access.Viewer))).err,
			"revoke":   must(w.RevokeInvitation(w.Context(), w.request(c.by), commands.RevokeInvitation{InvitationID: "inv_1"})).err,
			"change":   must(w.ChangeMemberRole(w.Context(), w.request(c.by), commands.ChangeMemberRole{UserID: owner.UserID, Role: new(access.Viewer)})).err,
			"remove":   must(w.RemoveMember(w.Context(), w.request(c.by), commands.RemoveMember{UserID: owner.UserID})).err,
			"transfer": must(w.TransferOwnership(w.Context(), w.request(c.by), commands.TransferOwnership{UserID: member.UserID})).err,
		} {
			if what == "transfer" && c.by.Kind == access.KindSystem {
				c.want = access.ErrCredentialNotAllowed
			} else if c.by.Kind == access.KindSystem {
				c.want = access.ErrForbidden
			}
			if !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	root := system(access.SystemAdmin)
	invited, token := w.invite(root, "b@new.test", access.Owner)
	if invited.Invitation.InvitedBy != "" {
		t.Errorf("invited by %s", invited.Invitation.InvitedBy)
	}
	bob := w.person()
	bob = vouched(bob, "b@new.test", w.now)
	must(w.JoinOrganization(w.Context(), w.request(bob), byToken(token))).in(w)
	must(w.ChangeMemberRole(w.Context(), w.request(root), commands.ChangeMemberRole{UserID: owner.UserID, Role: new(access.Viewer)})).in(w)
	refused(w, must(w.RemoveMember(w.Context(), w.request(root), commands.RemoveMember{UserID: bob.UserID})), organization.ErrLastOwner)
	must(w.RemoveMember(w.Context(), w.request(root), commands.RemoveMember{UserID: owner.UserID})).in(w)
}

func TestTransferAndLeave(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, o := w.organization()
		member := w.member(o.ID, access.Member)
		leave := commands.RemoveMember{UserID: owner.UserID}
		refused(w, must(w.RemoveMember(w.Context(), w.request(owner), leave)), organization.ErrLastOwner)
		got := must(w.TransferOwnership(w.Context(), w.request(owner), commands.TransferOwnership{UserID: member.UserID})).in(w)
		if s := got.Value; s.Members.Get(owner.UserID).Role != access.Admin || s.Members.Get(member.UserID).Role != access.Owner {
			w.Errorf("transferred: %+v", s.Members)
		}
		req := w.request(owner)
		left := must(w.RemoveMember(w.Context(), req, leave)).in(w)
		if _, there := left.Value.Organization.Members.Find(owner.UserID); there || left.Value.Member.Role != access.Admin {
			w.Errorf("left: %+v", left.Value)
		}
		if repeated := must(w.RemoveMember(w.Context(), again(req), leave)).in(w); repeated.Revision != left.Revision {
			w.Errorf("repeated at %d, not %d", repeated.Revision, left.Revision)
		}
		refused(w, must(w.RemoveMember(w.Context(), w.request(owner), leave)), organization.ErrNotFound)
	})
}

// Nobody acts where they are no member: the choice of an active organization ends
// with the membership, and does not come back with the next one.
func TestTheActiveOrganizationEndsWithTheMembership(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		_, o := w.organization()
		member := w.member(o.ID, access.Member)
		use := commands.SwitchActiveOrganization{OrganizationID: o.ID}
		must(w.SwitchActiveOrganization(w.Context(), w.request(member), use)).in(w)
		w.leave(member)
		ended := commands.LeaveActiveOrganization{UserID: member.UserID, OrganizationID: o.ID, EndedAt: w.now}
		member = w.join(member)
		policy := func() access.Principal { return access.ByPolicy("p", o.ID, access.ManageMembers) }

		// Chosen again, before the policy ran: it stays.
		w.now = w.now.Add(time.Second)
		chosen := must(w.SwitchActiveOrganization(w.Context(), w.request(member), use)).in(w)
		if got := must(w.LeaveActiveOrganization(w.Context(), w.request(policy()), ended)).in(w); got.Value.ActiveOrganizationID != o.ID || got.Revision != chosen.Revision {
			w.Errorf("chosen again: %+v", got)
		}
		// Not chosen again: it goes.
		w.leave(member)
		ended.EndedAt = w.now
		if got := must(w.LeaveActiveOrganization(w.Context(), w.request(policy()), ended)).in(w); got.Value.ActiveOrganizationID != "" {
			w.Errorf("left: %+v", got.Value)
		}
		refused(w, must(w.LeaveActiveOrganization(w.Context(), w.request(member), ended)), access.ErrForbidden)
	})
}

// Somebody whose organization is gone begins to act in the next one that they join
// or create, whether or not any policy has run.
func TestAStaleChoiceGivesWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	owner, _ := w.organization()
	_, o := w.organization()
	member := w.member(o.ID, access.Member)
	must(w.SwitchActiveOrganization(w.Context(), w.request(member), commands.SwitchActiveOrganization{OrganizationID: o.ID})).in(w)
	_, token := w.invite(owner, addressOf(member), access.Member)
	w.leave(member)
	member.OrganizationID, member.Role = "", ""
	if got := must(w.JoinOrganization(w.Context(), w.request(member), byToken(token))).in(w); !got.Value.IsActive {
		t.Error("it is not active")
	}
	if got := must(w.CreateOrganization(w.Context(), w.request(member), named(unique()))).in(w); got.Value.IsActive {
		t.Error("a new one takes the place of one in use")
	}
}
