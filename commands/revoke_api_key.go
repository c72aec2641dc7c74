package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// RevokeAPIKey ends a key at once. Again, it gives the same answer.
type RevokeAPIKey struct {
	KeyID id.APIKey
}

func (x *executor) revokeAPIKey(ctx context.Context, req Request, c RevokeAPIKey) (Result[apikey.State], error) {
	return resultOf(x.changeKey(ctx, req, c.KeyID, func(s apikey.State) ([]event.Event, error) {
		if err := mayManage(req.Principal, s); err != nil {
			return nil, err
		}
		return s.Revoke(req.at())
	}))
}
