package organization_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
)

var (
	admin   = joined("user_a", access.Admin)
	member  = joined("user_m", access.Member)
	viewer  = joined("user_v", access.Viewer)
	invited = organization.MemberInvited{
		OrganizationID: "org_1", InvitationID: "inv_1", Email: personal.New("n@new.test"), EmailHash: "hash-n",
		Role: access.Member, InvitedBy: "user_a", TokenHash: "token-1",
		ExpireAt: now.Add(organization.InvitationLife), OccurredAt: now,
	}
	resent = organization.InvitationResent{
		OrganizationID: "org_1", InvitationID: "inv_1", Issue: 2, ResentBy: "user_o", TokenHash: "token-2",
		ExpireAt: later.Add(organization.InvitationLife), OccurredAt: later,
	}
	revoked  = organization.InvitationRevoked{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: later}
	accepted = organization.MemberJoined{
		OrganizationID: "org_1", UserID: "user_n", Role: access.Member, InvitationID: "inv_1", OccurredAt: later,
	}
	later = now.Add(time.Hour)
	over  = now.Add(organization.InvitationLife)
)

// actor is a member, or for the empty id a system admin.
func actor(user id.User) access.Principal {
	if user == "" {
		return access.Principal{Kind: access.KindSystem, UserID: "user_s", SystemRoles: []access.SystemRole{access.SystemAdmin}}
	}
	return access.Principal{Kind: access.KindUser, UserID: user}
}

func tokenHash(_ id.Invitation, issue int) string { return fmt.Sprint("token-", issue) }

func history(more ...event.Event) given {
	return append(given{registered, owner, admin, member, viewer}, more...)
}

func roleChanged(of id.User, from, to access.Role) organization.MemberRoleChanged {
	return organization.MemberRoleChanged{OrganizationID: "org_1", UserID: of, Role: to, FormerRole: from, OccurredAt: later}
}

func removed(user id.User) organization.MemberRemoved {
	return organization.MemberRemoved{OrganizationID: "org_1", UserID: user, OccurredAt: later}
}

func TestInvite(t *testing.T) {
	t.Parallel()
	invite := func(by id.User, change func(*organization.Invite), at time.Time) decision {
		return func(s organization.State) ([]event.Event, error) {
			i := organization.Invite{
				ID: "inv_1", Email: personal.New(" n@new.test "), EmailHash: "hash-n", Role: access.Member, TokenHash: tokenHash,
			}
			if change != nil {
				change(&i)
			}
			return s.Invite(actor(by), i, at)
		}
	}
	role := func(r access.Role) func(*organization.Invite) { return func(i *organization.Invite) { i.Role = r } }
	second := invited
	second.TokenHash = "token-1"
	second.InvitationID, second.OccurredAt, second.ExpireAt = "inv_2", over, over.Add(organization.InvitationLife)
	byOwner := invited
	byOwner.InvitedBy, byOwner.Role = "user_o", access.Owner
	resend := func(change func(*organization.Invite)) func(*organization.Invite) {
		return func(i *organization.Invite) {
			i.ID, i.Resend = "inv_2", true
			if change != nil {
				change(i)
			}
		}
	}
	toViewer := invited
	toViewer.InvitationID, toViewer.Role, toViewer.OccurredAt, toViewer.ExpireAt = "inv_2", access.Viewer, later, later.Add(organization.InvitationLife)
	anew := invited
	anew.InvitationID, anew.OccurredAt, anew.ExpireAt = "inv_2", later, later.Add(organization.InvitationLife)
	toOwner := invited
	toOwner.Role, toOwner.InvitedBy = access.Owner, "user_o"
	bySystem := invited
	bySystem.InvitedBy, bySystem.Role = "", access.Owner
	byOther := resent
	byOther.ResentBy = "user_a"
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "resend", Given: history(invited), When: invite("user_o", resend(nil), later), Then: then{resent}},
		{Name: "resend by another", Given: history(invited), When: invite("user_a", resend(nil), later), Then: then{byOther}},
		{Name: "resend to another role", Given: history(invited), When: invite("user_a", resend(role(access.Viewer)), later), Then: then{revoked, toViewer}},
		{Name: "resend what is over", Given: history(invited), When: invite("user_a", func(i *organization.Invite) { i.ID, i.Resend = "inv_2", true }, over), Then: then{second}},
		{Name: "resend what was revoked", Given: history(invited, revoked), When: invite("user_a", resend(nil), later), Then: then{anew}},
		{Name: "resend what is above one's rank", Given: history(toOwner), When: invite("user_a", resend(nil), later), Fails: access.ErrForbidden},
		{Name: "by a system admin", Given: history(), When: invite("", role(access.Owner), now), Then: then{bySystem}},
		{Name: "by a system admin, when deleted", Given: history(deleted), When: invite("", nil, now), Fails: organization.ErrNotFound},
		{Name: "by an admin", Given: history(), When: invite("user_a", nil, now), Then: then{invited}},
		{Name: "an owner, by an owner", Given: history(), When: invite("user_o", role(access.Owner), now), Then: then{byOwner}},
		{Name: "an admin, by an admin", Given: history(), When: invite("user_a", role(access.Admin), now), Fails: access.ErrForbidden},
		{Name: "an owner, by an admin", Given: history(), When: invite("user_a", role(access.Owner), now), Fails: access.ErrForbidden},
		{Name: "by a member", Given: history(), When: invite("user_m", nil, now), Fails: access.ErrForbidden},
		{Name: "by a stranger", Given: history(), When: invite("user_x", nil, now), Fails: organization.ErrNotFound},
		{Name: "when deleted", Given: history(deleted), When: invite("user_o", nil, now), Fails: organization.ErrNotFound},
		{
			Name: "to an unknown role", Given: history(), When: invite("user_o", role("king"), now),
			Fails: domaintest.Invalid, Fields: []string{"role"},
		},
		{
			Name: "no address", Given: history(), When: invite("user_o", func(i *organization.Invite) { i.Email = personal.New("") }, now),
			Fails: domaintest.Invalid, Fields: []string{"email"},
		},
		{
			Name: "not an address", Given: history(),
			When:  invite("user_o", func(i *organization.Invite) { i.Email, i.Role = personal.New("nobody"), "" }, now),
			Fails: domaintest.Invalid, Fields: []string{"email", "role"},
		},
		{
			Name: "a member", Given: history(),
			When: invite("user_a", func(i *organization.Invite) { i.Holder = "user_m" }, now), Fails: organization.ErrMemberJoined,
		},
		{Name: "again", Given: history(invited), When: invite("user_a", nil, later), Fails: organization.ErrEmailInvited},
		{
			Name: "again, once the first is over", Given: history(invited),
			When: invite("user_a", func(i *organization.Invite) { i.ID = "inv_2" }, over), Then: then{second},
		},
	})
}

func TestInvitationsAreBounded(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(organization.Apply, history()...)
	for n := range organization.MaxOpenInvitations {
		e := invited
		e.InvitationID, e.EmailHash = id.Invitation(fmt.Sprint("inv_", n)), fmt.Sprint("hash-", n)
		s = organization.Apply(s, e)
	}
	another := organization.Invite{
		ID: "inv_x", Email: personal.New("x@new.test"), EmailHash: "hash-x", Role: access.Viewer, TokenHash: tokenHash,
	}
	if _, err := s.Invite(actor("user_o"), another, later); err != organization.ErrInvitationsExceeded { //nolint:errorlint // The very value.
		t.Errorf("one more: %v", err)
	}
	if _, err := s.Invite(actor("user_o"), another, over); err != nil {
		t.Errorf("one more, once they are over: %v", err)
	}
	// Those that have been over for long are forgotten.
	e := invited
	e.InvitationID, e.EmailHash, e.OccurredAt = "inv_x", "hash-x", over.Add(organization.InvitationLife)
	e.ExpireAt = e.OccurredAt.Add(organization.InvitationLife)
	if s = organization.Apply(s, e); s.Invitations.Len() != 1 {
		t.Errorf("%d invitations are kept", s.Invitations.Len())
	}
}

// However invitations are revoked and sent again, a day has an end of mails: of
// the organization, of each inviter, and to each address.
func TestMailsOfInvitationsAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		by, to func(n int) string
		bound  int
	}{
		"to an address":      {func(int) string { return "user_o" }, func(int) string { return "one@new.test" }, organization.MaxSentToAddress},
		"by an inviter":      {func(int) string { return "user_o" }, func(n int) string { return fmt.Sprint(n, "@new.test") }, organization.MaxSentByInviter},
		"by an organization": {func(n int) string { return fmt.Sprint("user_", n%7) }, func(n int) string { return fmt.Sprint(n, "@new.test") }, organization.MaxSentByOrganization},
	} {
		s := domaintest.Fold(organization.Apply, history()...)
		for n := range 7 {
			s = organization.Apply(s, joined(id.User(fmt.Sprint("user_", n)), access.Owner))
		}
		invite := func(n int, at time.Time) error {
			events, err := s.Invite(actor(id.User(c.by(n))), organization.Invite{
				ID: id.Invitation(fmt.Sprint("inv_", n)), Email: personal.New(c.to(n)), EmailHash: c.to(n), Role: access.Viewer,
				Resend: n%2 == 0, TokenHash: tokenHash,
			}, at)
			for _, e := range events {
				s = organization.Apply(s, e)
			}
			if err == nil && n%3 == 0 {
				for open := range s.Invitations.All() {
					s = organization.Apply(s, organization.InvitationRevoked{OrganizationID: "org_1", InvitationID: open, OccurredAt: at})
				}
			}
			return err
		}
		sent := 0
		for n := range c.bound + 300 {
			switch err := invite(n, now.Add(time.Duration(n)*time.Second)); {
			case err == nil:
				sent++
			case !errors.Is(err, organization.ErrSendingsExceeded) && !errors.Is(err, organization.ErrEmailInvited):
				t.Fatalf("%s: %v", name, err)
			}
		}
		if sent != c.bound {
			t.Errorf("%s: %d mails within a day, want %d", name, sent, c.bound)
		}
		if err := invite(0, now.AddDate(0, 0, 2)); err != nil {
			t.Errorf("%s: days later: %v", name, err)
		}
	}
}

func TestRevokeInvitation(t *testing.T) {
	t.Parallel()
	revoke := func(by id.User, at time.Time) decision {
		return func(s organization.State) ([]event.Event, error) { return s.RevokeInvitation(actor(by), "inv_1", at) }
	}
	toOwner := invited
	toOwner.Role, toOwner.InvitedBy = access.Owner, "user_o"
	expired := organization.InvitationRevoked{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: over}
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "revoke", Given: history(invited), When: revoke("user_a", later), Then: then{revoked}},
		{Name: "as a system admin", Given: history(toOwner), When: revoke("", later), Then: then{revoked}},
		{Name: "again", Given: history(invited, revoked), When: revoke("user_a", later)},
		{Name: "what is over", Given: history(invited), When: revoke("user_a", over), Then: then{expired}},
		{Name: "what was accepted", Given: history(invited, accepted), When: revoke("user_a", later), Fails: organization.ErrInvitationNotFound},
		{Name: "what never was", Given: history(), When: revoke("user_a", later), Fails: organization.ErrInvitationNotFound},
		{Name: "above one's rank", Given: history(toOwner), When: revoke("user_a", later), Fails: access.ErrForbidden},
		{Name: "as a viewer", Given: history(invited), When: revoke("user_v", later), Fails: access.ErrForbidden},
		{Name: "as a stranger", Given: history(invited), When: revoke("user_x", later), Fails: organization.ErrNotFound},
	})
}

func TestJoin(t *testing.T) {
	t.Parallel()
	join := func(token, email string, at time.Time) decision {
		return func(s organization.State) ([]event.Event, error) {
			return s.Join(organization.Acceptance{
				InvitationID: "inv_1", TokenHash: token, Genuine: token == "token-1" || token == "token-2",
				UserID: "user_n", EmailHash: email,
			}, at)
		}
	}
	elsewhere := accepted
	elsewhere.InvitationID = "inv_0"
	bySystem := invited
	bySystem.InvitedBy = ""
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "with the token", Given: history(invited), When: join("token-1", "hash-n", later), Then: then{accepted}},
		{Name: "by the address", Given: history(invited), When: join("", "hash-n", later), Then: then{accepted}},
		{Name: "as invited by a system admin", Given: history(bySystem), When: join("token-1", "hash-n", later), Then: then{accepted}},
		{Name: "again", Given: history(invited, accepted), When: join("token-1", "hash-n", over)},
		{Name: "again, by the address", Given: history(invited, accepted), When: join("", "hash-n", over)},
		{Name: "again, with a new address", Given: history(invited, accepted), When: join("", "hash-x", over)},
		{Name: "with another address", Given: history(invited), When: join("token-1", "hash-x", later), Fails: organization.ErrInvitationEmail},
		{Name: "by another address", Given: history(invited), When: join("", "hash-x", later), Fails: organization.ErrInvitationNotFound},
		{Name: "with an invented token", Given: history(invited), When: join("token-x", "hash-n", later), Fails: organization.ErrInvitationNotFound},
		{Name: "with an invented token, when revoked", Given: history(invited, revoked), When: join("token-x", "hash-n", later), Fails: organization.ErrInvitationNotFound},
		{Name: "with the token before", Given: history(invited, resent), When: join("token-1", "hash-n", later), Fails: organization.ErrInvitationRevoked},
		{Name: "with the token resent", Given: history(invited, resent), When: join("token-2", "hash-n", later), Then: then{accepted}},
		{Name: "when revoked", Given: history(invited, revoked), When: join("token-1", "hash-n", later), Fails: organization.ErrInvitationRevoked},
		{Name: "by the address, when revoked", Given: history(invited, revoked), When: join("", "hash-n", later), Fails: organization.ErrInvitationRevoked},
		{Name: "by another address, when revoked", Given: history(invited, revoked), When: join("", "hash-x", later), Fails: organization.ErrInvitationNotFound},
		{Name: "when it is long forgotten", Given: history(), When: join("token-1", "hash-n", later), Fails: organization.ErrInvitationRevoked},
		{Name: "at the instant of the end", Given: history(invited), When: join("token-1", "hash-n", over), Fails: organization.ErrInvitationExpired},
		{
			Name: "when the inviter was demoted", Given: history(invited, roleChanged("user_a", access.Admin, access.Member)),
			When: join("token-1", "hash-n", later), Fails: organization.ErrInviterNotAllowed,
		},
		{
			Name: "when the inviter has gone", Given: history(invited, removed("user_a")),
			When: join("token-1", "hash-n", later), Fails: organization.ErrInviterNotAllowed,
		},
		{
			Name: "resent by another when the inviter has gone", Given: history(invited, resent, removed("user_a")),
			When: join("token-2", "hash-n", later), Then: then{accepted},
		},
		{Name: "as a member", Given: history(invited, elsewhere), When: join("token-1", "hash-n", later), Fails: organization.ErrMemberJoined},
		{Name: "after leaving", Given: history(invited, accepted, removed("user_n")), When: join("token-1", "hash-n", later), Fails: organization.ErrInvitationRevoked},
		{Name: "by the address, after leaving", Given: history(invited, accepted, removed("user_n")), When: join("", "hash-n", later), Fails: organization.ErrInvitationRevoked},
		{Name: "when deleted", Given: history(invited, deleted), When: join("token-1", "hash-n", later), Fails: organization.ErrInvitationNotFound},
		{Name: "nowhere", When: join("token-1", "hash-n", later), Fails: organization.ErrInvitationNotFound},
	})
}

func TestForgetInvitation(t *testing.T) {
	t.Parallel()
	forget := func(at time.Time) decision {
		return func(s organization.State) ([]event.Event, error) { return s.ForgetInvitation("inv_1", at), nil }
	}
	forgotten := func(at time.Time) given {
		return given{organization.InvitationForgotten{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: at}}
	}
	const kept = organization.InvitationKept
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "open", Given: history(invited), When: forget(later)},
		{Name: "expired not long ago", Given: history(invited), When: forget(over.Add(kept - 1))},
		{Name: "expired long ago", Given: history(invited), When: forget(over.Add(kept)), Then: forgotten(over.Add(kept))},
		{Name: "sent again since", Given: history(invited, resent), When: forget(over.Add(kept))},
		{Name: "revoked not long ago", Given: history(invited, revoked), When: forget(later.Add(kept - 1))},
		{Name: "revoked long ago", Given: history(invited, revoked), When: forget(later.Add(kept)), Then: forgotten(later.Add(kept))},
		{Name: "accepted long ago", Given: history(invited, accepted), When: forget(later.Add(kept)), Then: forgotten(later.Add(kept))},
		{Name: "no longer in the state", Given: history(), When: forget(later), Then: forgotten(later)},
		{Name: "purged", Given: history(invited, deleted, organization.Purged{OccurredAt: later}), When: forget(over.Add(kept))},
		{Name: "not registered", When: forget(later)},
	})
	s := domaintest.Fold(organization.Apply, history(invited, forgotten(later)[0])...)
	if s.Invitations.Len() != 0 {
		t.Error("it is still there")
	}
}

func TestChangeRole(t *testing.T) {
	t.Parallel()
	change := func(by, of id.User, to access.Role) decision {
		return func(s organization.State) ([]event.Event, error) { return s.ChangeRole(actor(by), of, to, later) }
	}
	owner2 := joined("user_p", access.Owner)
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "by an admin", Given: history(), When: change("user_a", "user_m", access.Billing), Then: then{roleChanged("user_m", access.Member, access.Billing)}},
		{Name: "to the same", Given: history(), When: change("user_a", "user_m", access.Member)},
		{Name: "to the admin's own rank", Given: history(), When: change("user_a", "user_m", access.Admin), Fails: access.ErrForbidden},
		{Name: "of an admin, by an admin", Given: history(), When: change("user_a", "user_a", access.Member), Fails: access.ErrForbidden},
		{Name: "of an owner, by an admin", Given: history(), When: change("user_a", "user_o", access.Member), Fails: access.ErrForbidden},
		{Name: "to owner, by an owner", Given: history(), When: change("user_o", "user_m", access.Owner), Then: then{roleChanged("user_m", access.Member, access.Owner)}},
		{Name: "of the last owner", Given: history(), When: change("user_o", "user_o", access.Admin), Fails: organization.ErrLastOwner},
		{Name: "of one of two owners", Given: history(owner2), When: change("user_o", "user_p", access.Admin), Then: then{roleChanged("user_p", access.Owner, access.Admin)}},
		{Name: "to nothing known", Given: history(), When: change("user_o", "user_m", "king"), Fails: domaintest.Invalid, Fields: []string{"role"}},
		{Name: "of nobody", Given: history(), When: change("user_o", "user_x", access.Admin), Fails: organization.ErrMemberNotFound},
		{Name: "by a viewer", Given: history(), When: change("user_v", "user_m", access.Viewer), Fails: access.ErrForbidden},
		{Name: "by a stranger", Given: history(), When: change("user_x", "user_m", access.Viewer), Fails: organization.ErrNotFound},
	})
}

func TestTransferOwnership(t *testing.T) {
	t.Parallel()
	transfer := func(by, to id.User) decision {
		return func(s organization.State) ([]event.Event, error) { return s.TransferOwnership(by, to, later) }
	}
	fact := func(to id.User) organization.OwnershipTransferred {
		return organization.OwnershipTransferred{OrganizationID: "org_1", FromUserID: "user_o", ToUserID: to, OccurredAt: later}
	}
	step := roleChanged("user_o", access.Owner, access.Admin)
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{
			Name: "to a member", Given: history(), When: transfer("user_o", "user_m"),
			Then: then{fact("user_m"), roleChanged("user_m", access.Member, access.Owner), step},
		},
		{
			Name: "to another owner", Given: history(joined("user_p", access.Owner)), When: transfer("user_o", "user_p"),
			Then: then{fact("user_p"), step},
		},
		{Name: "to oneself", Given: history(), When: transfer("user_o", "user_o")},
		{Name: "to nobody", Given: history(), When: transfer("user_o", "user_x"), Fails: organization.ErrMemberNotFound},
		{Name: "by an admin", Given: history(), When: transfer("user_a", "user_m"), Fails: access.ErrForbidden},
		{Name: "by a stranger", Given: history(), When: transfer("user_x", "user_m"), Fails: organization.ErrNotFound},
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()
	remove := func(by, who id.User) decision {
		return func(s organization.State) ([]event.Event, error) { return s.Remove(actor(by), who, later) }
	}
	owner2 := joined("user_p", access.Owner)
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "by an admin", Given: history(), When: remove("user_a", "user_m"), Then: then{removed("user_m")}},
		{Name: "an admin, by an admin", Given: history(joined("user_b", access.Admin)), When: remove("user_a", "user_b"), Fails: access.ErrForbidden},
		{Name: "an owner, by an admin", Given: history(), When: remove("user_a", "user_o"), Fails: access.ErrForbidden},
		{Name: "an admin, by an owner", Given: history(), When: remove("user_o", "user_a"), Then: then{removed("user_a")}},
		{Name: "leave as a viewer", Given: history(), When: remove("user_v", "user_v"), Then: then{removed("user_v")}},
		{Name: "leave as an admin", Given: history(), When: remove("user_a", "user_a"), Then: then{removed("user_a")}},
		{Name: "leave as the last owner", Given: history(), When: remove("user_o", "user_o"), Fails: organization.ErrLastOwner},
		{Name: "leave as one of two owners", Given: history(owner2), When: remove("user_o", "user_o"), Then: then{removed("user_o")}},
		{Name: "another owner", Given: history(owner2), When: remove("user_o", "user_p"), Then: then{removed("user_p")}},
		{Name: "by a member", Given: history(), When: remove("user_m", "user_v"), Fails: access.ErrForbidden},
		{Name: "nobody", Given: history(), When: remove("user_o", "user_x"), Fails: organization.ErrMemberNotFound},
		{Name: "an admin, by a system admin", Given: history(), When: remove("", "user_a"), Then: then{removed("user_a")}},
		{Name: "the last owner, by a system admin", Given: history(), When: remove("", "user_o"), Fails: organization.ErrLastOwner},
		{Name: "by a stranger", Given: history(), When: remove("user_x", "user_x"), Fails: organization.ErrNotFound},
	})
}

func TestEnd(t *testing.T) {
	t.Parallel()
	end := func(who id.User) decision {
		return func(s organization.State) ([]event.Event, error) { return s.End(who, later) }
	}
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "a member", Given: history(), When: end("user_m"), Then: then{removed("user_m")}},
		{Name: "in what is deleted", Given: history(deleted), When: end("user_o"), Then: then{removed("user_o")}},
		{Name: "the last owner", Given: history(), When: end("user_o"), Fails: organization.ErrLastOwner},
		{Name: "a stranger", Given: history(), When: end("user_x")},
	})
}

func TestSuspendAndReinstate(t *testing.T) {
	t.Parallel()
	suspend := func(who id.User) decision {
		return func(s organization.State) ([]event.Event, error) { return s.Suspend(who, later) }
	}
	reinstate := func(who id.User) decision {
		return func(s organization.State) ([]event.Event, error) { return s.Reinstate(who, later) }
	}
	suspended := func(who id.User) organization.MemberSuspended {
		return organization.MemberSuspended{OrganizationID: "org_1", UserID: who, OccurredAt: later}
	}
	reinstated := organization.MemberReinstated{OrganizationID: "org_1", UserID: "user_a", OccurredAt: later}
	owner2 := joined("user_p", access.Owner)
	leave := func(who id.User) decision {
		return func(s organization.State) ([]event.Event, error) { return s.Remove(actor(who), who, later) }
	}
	join := func(s organization.State) ([]event.Event, error) {
		return s.Join(organization.Acceptance{InvitationID: "inv_1", TokenHash: "token-1", Genuine: true, UserID: "user_n", EmailHash: "hash-n"}, later)
	}
	transfer := func(s organization.State) ([]event.Event, error) {
		return s.TransferOwnership("user_o", "user_a", later)
	}
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "an admin", Given: history(), When: suspend("user_a"), Then: then{suspended("user_a")}},
		{Name: "again", Given: history(suspended("user_a")), When: suspend("user_a")},
		{Name: "a stranger", Given: history(), When: suspend("user_x")},
		{Name: "the last owner", Given: history(), When: suspend("user_o"), Fails: organization.ErrLastOwner},
		{Name: "one of two owners", Given: history(owner2), When: suspend("user_o"), Then: then{suspended("user_o")}},
		{Name: "the last owner who is not suspended", Given: history(owner2, suspended("user_p")), When: suspend("user_o"), Fails: organization.ErrLastOwner},
		{Name: "the last owner of what is deleted", Given: history(deleted), When: suspend("user_o"), Then: then{suspended("user_o")}},
		{Name: "leaving to a suspended owner", Given: history(owner2, suspended("user_p")), When: leave("user_o"), Fails: organization.ErrLastOwner},
		{Name: "transfer to a suspended member", Given: history(suspended("user_a")), When: transfer, Fails: organization.ErrMemberSuspended},
		{Name: "a suspended member may nothing", Given: history(suspended("user_a")), When: leave("user_a"), Fails: organization.ErrNotFound},
		{Name: "join on a suspended inviter's word", Given: history(invited, suspended("user_a")), When: join, Fails: organization.ErrInviterNotAllowed},
		{
			Name: "restore the organization of a suspended owner", Given: history(deleted, suspended("user_o")),
			When:  func(s organization.State) ([]event.Event, error) { return s.Restore(actor(""), later) },
			Fails: organization.ErrOwnersSuspended,
		},
		{Name: "reinstate", Given: history(suspended("user_a")), When: reinstate("user_a"), Then: then{reinstated}},
		{Name: "reinstate in what is deleted", Given: history(suspended("user_a"), deleted), When: reinstate("user_a"), Then: then{reinstated}},
		{Name: "reinstate again", Given: history(suspended("user_a"), reinstated), When: reinstate("user_a")},
		{Name: "reinstate a stranger", Given: history(), When: reinstate("user_x")},
	})
	s := domaintest.Fold(organization.Apply, history(suspended("user_a"), roleChanged("user_a", access.Admin, access.Viewer), reinstated)...)
	if got, err := s.RequireMember("user_a"); err != nil || got != access.Viewer {
		t.Errorf("reinstated as %q, %v", got, err)
	}
}

// Whatever members do to each other, an owner is left, nobody but an owner gives
// or takes a rank at or above their own, and each event keeps both true.
func TestAtLeastOneOwnerAlways(t *testing.T) {
	t.Parallel()
	users := []id.User{"user_o", "user_a", "user_m", "user_v", "user_x"}
	rapid.Check(t, func(t *rapid.T) {
		s := domaintest.Fold(organization.Apply, history()...)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			by, of := rapid.SampledFrom(users).Draw(t, "by"), rapid.SampledFrom(users).Draw(t, "of")
			to := rapid.SampledFrom(access.Roles()).Draw(t, "to")
			var events []event.Event
			var err error
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 4:
				events, err = s.Suspend(of, later)
			case 5:
				events, err = s.Reinstate(of, later)
			case 0:
				events, err = s.ChangeRole(actor(by), of, to, later)
			case 1:
				events, err = s.TransferOwnership(by, of, later)
			case 2:
				events, err = s.Remove(actor(by), of, later)
			case 3:
				events, err = s.Invite(actor(by), organization.Invite{
					ID: "inv_9", Email: personal.New("x@new.test"), EmailHash: "hash-x", Holder: of, Role: to, TokenHash: tokenHash,
				}, later)
				if err == nil {
					s = organization.Apply(s, events[0])
					events, err = s.Join(organization.Acceptance{InvitationID: "inv_9", UserID: of, EmailHash: "hash-x"}, later)
				}
			}
			if err != nil {
				continue
			}
			rank := s.Members.Get(by).Role
			for _, e := range events {
				if e, ok := e.(organization.MemberRoleChanged); ok && rank != access.Owner && (!rank.MayGrant(e.Role) || !rank.MayGrant(e.FormerRole)) {
					t.Fatalf("%s, who is %s, made %s, who was %s, %s", by, rank, e.UserID, e.FormerRole, e.Role)
				}
				if s = organization.Apply(s, e); s.Owners() == 0 {
					t.Fatalf("no owner is left after %T", e)
				}
			}
		}
	})
}
