package policies

import (
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// The token account follows its organization.
var aboutTokens = Options{Grants: []access.Permission{access.GrantTokens}}

// grantWelcomeTokens begins at the beginning, so that no organization is missed
// that is registered while the first server starts. The command tells which
// organizations are new.
func grantWelcomeTokens() Policy {
	return Issue("grant-welcome-tokens", FromBeginning(), aboutTokens,
		func(c *commands.Commands) commands.Handler[commands.GrantWelcome, tokenaccount.State] {
			return c.GrantWelcome
		},
		func(e organization.Registered) commands.GrantWelcome {
			return commands.GrantWelcome{OrganizationID: e.OrganizationID}
		})
}

func suspendTokensOfDeletedOrganization() Policy {
	return Issue("suspend-tokens-of-deleted-organization", FromBeginning(), aboutTokens, followOrganization,
		func(e organization.Deleted) commands.FollowOrganization {
			return commands.FollowOrganization{OrganizationID: e.OrganizationID}
		})
}

func resumeTokensOfRestoredOrganization() Policy {
	return Issue("resume-tokens-of-restored-organization", FromBeginning(), aboutTokens, followOrganization,
		func(e organization.Restored) commands.FollowOrganization {
			return commands.FollowOrganization{OrganizationID: e.OrganizationID}
		})
}

func followOrganization(c *commands.Commands) commands.Handler[commands.FollowOrganization, tokenaccount.State] {
	return c.FollowOrganization
}
