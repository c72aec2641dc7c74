package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// UpdateAPIKey changes a key's description, which is all that can be changed.
type UpdateAPIKey struct {
	KeyID id.APIKey
	// Description may be nil: then it stays. The empty one clears it.
	Description *string
}

func (x *executor) updateAPIKey(ctx context.Context, req Request, c UpdateAPIKey) (Result[apikey.State], error) {
	return resultOf(x.changeKey(ctx, req, c.KeyID, func(s apikey.State) ([]event.Event, error) {
		if err := mayManage(req.Principal, s); err != nil {
			return nil, err
		}
		return s.ChangeDescription(c.Description, req.at())
	}))
}
