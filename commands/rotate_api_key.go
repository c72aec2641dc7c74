package commands

import (
	"context"
	"errors"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// RotateAPIKey replaces a key by a new one of the same owner and scopes. A
// user's key is rotated by that user alone: the answer holds a secret that acts
// in their name.
//
// The old key's stream is written first: it is where two rotations at once meet.
// Should the process die before the successor's stream begins, the same request
// repeated begins it. Any other request may name another successor, after the
// grace of a claim, by revoking the missing one before it was issued.
type RotateAPIKey struct {
	KeyID id.APIKey
	// Overlap is how much longer the old key works, between 0 and
	// apikey.MaxOverlap; nil says apikey.DefaultOverlap.
	Overlap *time.Duration
	// ExpireAt is the new key's expiry; nil says that which the old one was
	// issued with.
	ExpireAt *time.Time
}

// RotatedAPIKey is the new key, with what is shown only now, and the old one.
type RotatedAPIKey struct {
	IssuedAPIKey
	Predecessor apikey.State
}

func (x *executor) rotateAPIKey(ctx context.Context, req Request, c RotateAPIKey) (Result[RotatedAPIKey], error) {
	successorID, secret, err := x.mint(req)
	if err != nil {
		return Result[RotatedAPIKey]{}, err
	}
	r := apikey.Rotation{SuccessorID: successorID, Overlap: c.Overlap, ExpireAt: c.ExpireAt}
	old, err := x.rotateAway(ctx, req, c.KeyID, r)
	if errors.Is(err, apikey.ErrRotated) {
		var abandoned bool
		if r.Abandoned, abandoned, err = x.abandonedSuccessor(ctx, req, c.KeyID); err == nil && !abandoned {
			err = apikey.ErrRotated
		}
		if err == nil {
			old, err = x.rotateAway(ctx, req, c.KeyID, r)
		}
	}
	if err != nil {
		return Result[RotatedAPIKey]{}, err
	}
	if old.State.SuccessorID != successorID { // since an earlier attempt of ours
		return Result[RotatedAPIKey]{}, apikey.ErrRotated
	}
	key, err := x.beginKey(ctx, req, old.State.Succeed(r, req.Principal.UserID, secret, req.at()))
	if errors.Is(err, ErrWrongRevision) { // revoked before it was issued
		err = apikey.ErrRotated
	}
	if err != nil {
		return Result[RotatedAPIKey]{}, err
	}
	return Result[RotatedAPIKey]{
		Value: RotatedAPIKey{
			IssuedAPIKey: IssuedAPIKey{Key: key.State, Secret: secret},
			Predecessor:  old.State,
		},
		Revision: key.Revision, Position: key.Position,
	}, nil
}

// rotateAway carries the rotation out on the old key's side.
func (x *executor) rotateAway(ctx context.Context, req Request, keyID id.APIKey, r apikey.Rotation) (outcome[apikey.State], error) {
	return x.changeKey(ctx, req, keyID, func(s apikey.State) ([]event.Event, error) {
		if err := mayManage(req.Principal, s); err != nil {
			return nil, err
		}
		if s.OwnerType == apikey.OwnerUser && s.UserID != req.Principal.UserID {
			return nil, access.ErrForbidden
		}
		return s.Rotate(r, req.at())
	})
}

// abandonedSuccessor is the successor that a key names, if its rotation was not
// finished within the grace. It makes sure that it never will be.
func (x *executor) abandonedSuccessor(ctx context.Context, req Request, keyID id.APIKey) (id.APIKey, bool, error) {
	old, err := load(ctx, x, ref(apikey.Aggregate, keyID), true)
	if err != nil || req.at().Before(old.State.RotatedAt.Add(claimGrace)) {
		return "", false, err
	}
	successor := old.State.SuccessorID
	of := ref(apikey.Aggregate, successor)
	_, err = of.begin(ctx, x, []event.Draft{{
		ID:       event.DeriveID(req.ID, of.stream, 0),
		Event:    apikey.Revoked{KeyID: successor, OccurredAt: req.at()},
		Metadata: req.policyMetadata(healing, req.Principal.OrganizationID),
	}})
	switch {
	case err == nil:
		return successor, true, nil
	case errors.Is(err, ErrWrongRevision):
		return "", false, nil
	default:
		return "", false, err
	}
}
