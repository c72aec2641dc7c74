package policies

import (
	"context"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

var workingOnFiles = Options{Grants: []access.Permission{access.WorkOnFiles}}

func enqueue(c *commands.Commands) commands.Handler[commands.EnqueueOperation, file.State] {
	return c.EnqueueOperation
}

// enqueueing is the policy that puts a requested operation into the queue of
// workers. The request has usually done so already: this is for one that was cut off.
func enqueueing[E event.Event](name string, of func(E) (id.Organization, id.File, file.Work)) Policy {
	return Issue(name, FromBeginning(), workingOnFiles, enqueue, func(e E) commands.EnqueueOperation {
		in, on, work := of(e)
		return commands.EnqueueOperation{OrganizationID: in, FileID: on, JobID: work.JobID, Async: work.Async}
	})
}

func enqueueAnalysis() Policy {
	return enqueueing("enqueue-analysis", func(e file.AnalysisRequested) (id.Organization, id.File, file.Work) {
		return e.OrganizationID, e.FileID, e.Work
	})
}

func enqueueRemediation() Policy {
	return enqueueing("enqueue-remediation", func(e file.RemediationRequested) (id.Organization, id.File, file.Work) {
		return e.OrganizationID, e.FileID, e.Work
	})
}

func enqueueConversion() Policy {
	return enqueueing("enqueue-conversion", func(e file.ConversionRequested) (id.Organization, id.File, file.Work) {
		return e.OrganizationID, e.FileID, e.Work
	})
}

// cancelOperationsOfDeletedOrganization ends the work for an organization that was
// deleted. What was requested just before the end does not begin either: its tokens
// are not held any more.
func cancelOperationsOfDeletedOrganization() Policy {
	return Issue("cancel-operations-of-deleted-organization", FromBeginning(), workingOnFiles,
		func(c *commands.Commands) commands.Handler[commands.CancelOperations, commands.CancelledOperations] {
			return c.CancelOperations
		},
		func(organization.Deleted) commands.CancelOperations { return commands.CancelOperations{} })
}

// lateHold is how long after the tokens were held it is certain whether the
// operation was recorded: longer than a command is under way.
const lateHold = 2 * time.Minute

// releaseOrphanedHold looks after tokens that were held for an operation, when the
// process ended before the operation was recorded.
func releaseOrphanedHold() Policy {
	return On("release-orphaned-hold", FromBeginning(), workingOnFiles.after(lateHold),
		func(ctx context.Context, r Reaction, e tokenaccount.TokensReserved) error {
			if !id.Valid(id.Job(e.Reference.ID)) || !id.Valid(id.File(e.FileID)) {
				return nil // For something else.
			}
			_, err := r.Commands.ReleaseHold(ctx, r.Request, commands.ReleaseHold{
				FileID: id.File(e.FileID), Reference: e.Reference,
			})
			return err
		})
}
