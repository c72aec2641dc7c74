package policies

import (
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// ByClock is the request of a command that is due by the clock, and follows from
// no event. The id of the command derives from the policy's name, what the
// command is about, and when it became due, so that runs that overlap issue the
// same command. The policy acts in an organization, if one is named, with the
// grants given and no others.
func ByClock(name, subject string, due, now time.Time, organization id.Organization, grants ...access.Permission) commands.Request {
	key := name + "/" + subject + "/" + due.UTC().Format(time.RFC3339Nano)
	command := event.ID(uuid.NewSHA1(namespace, []byte(key)))
	return commands.Request{
		ID: command, Now: now.UTC(), Retry: true,
		Principal: access.ByPolicy(name, organization, grants...), CorrelationID: command.String(),
	}
}
