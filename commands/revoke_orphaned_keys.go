package commands

import (
	"context"
	"fmt"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// RevokeOrphanedKeys writes down what is true already: that a person's keys
// ended with their membership or their account. Keys that were issued since, to
// somebody who joined again, stay.
type RevokeOrphanedKeys struct {
	UserID id.User
	// OrganizationID is where to look; empty means in all organizations.
	OrganizationID id.Organization
}

// RevokedKeys are the keys that a command revoked, now or in an earlier attempt.
type RevokedKeys struct {
	Keys []id.APIKey
}

// KeyIndex finds API keys by their owner, which no stream tells.
type KeyIndex interface {
	// KeysOf returns the keys that were ever issued to a person, in one
	// organization, or in all if that is empty. It knows of all that was written
	// before the call.
	KeysOf(ctx context.Context, owner id.User, organization id.Organization) ([]OwnedKey, error)
}

// OwnedKey is a key in the index.
type OwnedKey struct {
	ID id.APIKey
	// Ended tells whether the index has seen the key's end: in its own stream, or
	// by what happened to its owner after it was issued.
	Ended bool
}

func (x *executor) revokeOrphanedKeys(ctx context.Context, req Request, c RevokeOrphanedKeys) (Result[RevokedKeys], error) {
	keys, err := x.keys.KeysOf(ctx, c.UserID, c.OrganizationID)
	if err != nil {
		return Result[RevokedKeys]{}, fmt.Errorf("find the keys of a person: %w", err)
	}
	var all Result[RevokedKeys]
	for _, key := range keys {
		revoked, err := x.revokeIfOrphaned(ctx, req, key)
		if err != nil {
			return Result[RevokedKeys]{}, err
		}
		if revoked.State.RevokedAt.IsZero() {
			continue
		}
		all.Value.Keys = append(all.Value.Keys, key.ID)
		if all.Position.Compare(revoked.Position) < 0 {
			all.Position = revoked.Position
		}
	}
	return all, nil
}

func (x *executor) revokeIfOrphaned(ctx context.Context, req Request, key OwnedKey) (outcome[apikey.State], error) {
	of := ref(apikey.Aggregate, key.ID)
	current, err := load(ctx, x, of, false)
	if err != nil || !current.State.RevokedAt.IsZero() {
		return current, err
	}
	req.Principal = req.Principal.In(current.State.OrganizationID)
	return execute(ctx, x, req, change[apikey.State]{
		of: of, organization: current.State.OrganizationID,
		decide: func(s apikey.State) ([]event.Event, error) {
			if s.OrganizationID != req.Principal.OrganizationID {
				return nil, apikey.ErrNotFound
			}
			if err := req.Principal.Require(access.RevokeKeys); err != nil {
				return nil, err
			}
			if !key.Ended {
				judged, err := x.withOwner(ctx, s)
				if err != nil || !judged.Orphaned {
					return nil, err
				}
			}
			return s.Revoke(req.at())
		},
	})
}
