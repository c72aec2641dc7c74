package app

import (
	"context"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/members"
)

// invitationIndex implements commands.InvitationIndex by the read model of members.
type invitationIndex struct {
	head    func(context.Context) (event.Position, error)
	engine  *projections.Engine
	members members.Queries
}

// invitationTimeout bounds how long somebody who wants to join waits for the read
// model.
const invitationTimeout = 5 * time.Second

// OrganizationOf implements commands.InvitationIndex. Only for an invitation that
// is not there does it ask how far the log is.
func (i invitationIndex) OrganizationOf(ctx context.Context, invitation id.Invitation) (id.Organization, error) {
	found, err := i.members.OrganizationOf(ctx, invitation)
	if err != nil || found != "" {
		return found, err
	}
	ctx, cancel := context.WithTimeout(ctx, invitationTimeout)
	defer cancel()
	head, err := i.head(ctx)
	if err != nil {
		return "", err
	}
	if err := i.engine.WaitFor(ctx, members.Name, head); err != nil {
		return "", err
	}
	return i.members.OrganizationOf(ctx, invitation)
}
