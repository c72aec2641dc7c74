package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
)

// followingAddresses is the namespace of the ids of the commands that follow an
// email address.
var followingAddresses = event.ID(uuid.MustParse("6f1ad1e9-4f3c-4b0a-9a55-8a7c1f0a4f11"))

// followTimeout bounds one such command.
const followTimeout = 10 * time.Second

// followEmail issues the command that makes a person's address the one that a
// token has verified. The command's id follows from the token, so that several
// processes that see the token issue the same command.
func followEmail(uses *commands.Commands) func(context.Context, access.Principal) error {
	return func(ctx context.Context, p access.Principal) error {
		ctx, cancel := context.WithTimeout(ctx, followTimeout)
		defer cancel()
		name := string(p.UserID) + "/" + p.Identity.EmailHash + "/" + p.Identity.IssuedAt.Format(time.RFC3339Nano)
		id := event.DeriveID(followingAddresses, name, 0)
		_, err := uses.FollowEmail(ctx, commands.Request{
			ID: id, Now: time.Now().UTC(), Principal: p, CorrelationID: id.String(),
		}, commands.FollowEmail{})
		return err
	}
}
