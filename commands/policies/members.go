package policies

import (
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

var aboutMembers = Options{Grants: []access.Permission{access.ManageMembers}}

// mailing is work with another system, which may be slow.
var mailing = Options{Grants: aboutMembers.Grants, Queue: "mail", Timeout: 2 * time.Minute}

// Whoever was invited before the policy first ran has had their mail, or does not
// expect it any more.
func sendInvitation() Policy {
	return Issue("send-invitation", FromNow(), mailing, toSendInvitation, func(e organization.MemberInvited) commands.SendInvitation {
		return commands.SendInvitation{OrganizationID: e.OrganizationID, InvitationID: e.InvitationID, Issue: 1}
	})
}

func sendInvitationAgain() Policy {
	return Issue("send-invitation-again", FromNow(), mailing, toSendInvitation, func(e organization.InvitationResent) commands.SendInvitation {
		return commands.SendInvitation{OrganizationID: e.OrganizationID, InvitationID: e.InvitationID, Issue: e.Issue}
	})
}

func toSendInvitation(c *commands.Commands) commands.Handler[commands.SendInvitation, commands.SentInvitation] {
	return c.SendInvitation
}

// leaveActiveOrganization writes into a person's own stream that they act nowhere,
// when they are removed from where they acted. Read models know it by themselves.
func leaveActiveOrganization() Policy {
	return Issue("leave-active-organization", FromBeginning(), aboutMembers,
		func(c *commands.Commands) commands.Handler[commands.LeaveActiveOrganization, user.State] {
			return c.LeaveActiveOrganization
		},
		func(e organization.MemberRemoved) commands.LeaveActiveOrganization {
			return commands.LeaveActiveOrganization{UserID: e.UserID, OrganizationID: e.OrganizationID, EndedAt: e.OccurredAt}
		})
}
