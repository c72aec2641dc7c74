package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// FollowOrganization suspends the token account of a deleted organization, which
// releases what is held, and resumes that of one that was restored. It may be
// repeated at any time.
type FollowOrganization struct{ OrganizationID id.Organization }

// followOrganization does not trust the event that led to it: a deletion and the
// restoration after it can be followed at the same time, by two processes. So it
// looks at the organization again afterwards, until nothing has changed meanwhile.
func (x *executor) followOrganization(ctx context.Context, req Request, c FollowOrganization) (Result[tokenaccount.State], error) {
	req.Principal = req.Principal.In(c.OrganizationID)
	if err := req.Principal.Require(access.GrantTokens); err != nil {
		return Result[tokenaccount.State]{}, err
	}
	for seen := event.NoStream; ; {
		o, err := load(ctx, x, ref(organization.Aggregate, c.OrganizationID), true)
		if err != nil {
			return Result[tokenaccount.State]{}, err
		}
		if o.Revision == seen {
			account, err := load(ctx, x, ref(tokenaccount.Aggregate, tokenaccount.ID(c.OrganizationID)), true)
			return resultOf(account, err)
		}
		seen = o.Revision
		if o.State.Status == organization.StatusActive {
			_, err = x.tokens.ResumeTokens(ctx, req, ResumeTokens{})
		} else {
			err = x.suspendTokens(ctx, req)
		}
		if err != nil {
			return Result[tokenaccount.State]{}, err
		}
	}
}

// suspendTokens suspends an account, in as many appends as it takes.
func (x *executor) suspendTokens(ctx context.Context, req Request) error {
	for before := event.NoStream; ; {
		result, err := x.tokens.SuspendTokens(ctx, req, SuspendTokens{})
		if err != nil || result.Revision == before {
			return err
		}
		before = result.Revision
	}
}
