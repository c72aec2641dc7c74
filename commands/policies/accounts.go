package policies

import (
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// The account and the memberships of a person are in several streams, which a
// command changes one after the other. These policies look at both a while after
// each change, when no command is under way any more, and put right what one left
// half done. See commands.DeactivateUser.
var settling = Options{Grants: []access.Permission{access.EraseUsers}}.after(lastCommand)

func settleSuspendedMember() Policy {
	return Issue("settle-suspended-member", FromBeginning(), settling, settleStanding,
		func(e organization.MemberSuspended) commands.SettleStanding {
			return commands.SettleStanding{UserID: e.UserID}
		})
}

func settleDeactivatedUser() Policy {
	return Issue("settle-deactivated-user", FromBeginning(), settling, settleStanding,
		func(e user.Deactivated) commands.SettleStanding { return commands.SettleStanding{UserID: e.UserID} })
}

func settleRestoredUser() Policy {
	return Issue("settle-restored-user", FromBeginning(), settling, settleStanding,
		func(e user.Restored) commands.SettleStanding { return commands.SettleStanding{UserID: e.UserID} })
}

func settleStanding(c *commands.Commands) commands.Handler[commands.SettleStanding, user.State] {
	return c.SettleStanding
}

// finishErasureOfOrganization is finishErasureOfUser for an organization.
func finishErasureOfOrganization() Policy {
	// An organization may have many files to delete.
	options := Options{Grants: []access.Permission{access.DisposeOrganization}, Timeout: 30 * time.Minute}
	return Issue("finish-erasure-of-organization", FromBeginning(), options,
		func(c *commands.Commands) commands.Handler[commands.FinishOrganizationErasure, commands.PurgedOrganization] {
			return c.FinishOrganizationErasure
		},
		func(e organization.Purged) commands.FinishOrganizationErasure {
			return commands.FinishOrganizationErasure{OrganizationID: e.OrganizationID}
		})
}

// finishErasureOfUser carries on with an erasure whose process died.
func finishErasureOfUser() Policy {
	return Issue("finish-erasure-of-user", FromBeginning(), Options{Grants: []access.Permission{access.EraseUsers}},
		func(c *commands.Commands) commands.Handler[commands.FinishUserErasure, erasure.State] {
			return c.FinishUserErasure
		},
		func(e user.Erased) commands.FinishUserErasure { return commands.FinishUserErasure{UserID: e.UserID} })
}
