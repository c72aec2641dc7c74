package policies

import (
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/organization"
)

// A person's keys end with their membership. The directory knows it within a
// second, and every command looks at the owner; these policies write it into the
// keys' own streams. An account that is erased has lost its memberships before.
//
// Just before the end a key may have been asked for, and be issued just after.
// So there is a second look, later than any command is under way.
const lastCommand = time.Minute

var revoking = Options{Grants: []access.Permission{access.RevokeKeys}}

func revokeKeysOfRemovedMember() Policy {
	return Issue("revoke-keys-of-removed-member", FromBeginning(), revoking, revokeOrphanedKeys, keysOfRemovedMember)
}

func revokeLateKeysOfRemovedMember() Policy {
	return Issue("revoke-late-keys-of-removed-member", FromBeginning(), revoking.after(lastCommand), revokeOrphanedKeys, keysOfRemovedMember)
}

func revokeOrphanedKeys(c *commands.Commands) commands.Handler[commands.RevokeOrphanedKeys, commands.RevokedKeys] {
	return c.RevokeOrphanedKeys
}

func keysOfRemovedMember(e organization.MemberRemoved) commands.RevokeOrphanedKeys {
	return commands.RevokeOrphanedKeys{UserID: e.UserID, OrganizationID: e.OrganizationID}
}
