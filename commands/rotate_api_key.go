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
	inherits, err := x.reserveSuccessor(ctx, req, c.KeyID, &r)
	if err != nil {
		return Result[RotatedAPIKey]{}, err
	}
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
	if inherits {
		s := old.State
		r.Slot = s.Slot
		if err := x.takeSlot(ctx, req, x.keyQuota(req, s.OrganizationID, s.UserID, successorID), s.Slot); err != nil {
			return Result[RotatedAPIKey]{}, err
		}
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

// reserveSuccessor holds a slot for the successor, which lives beside the old key
// for a time and counts as well. If there is none, an old key that ends at once
// leaves its slot to the successor, once it is rotated: inherits then is true.
func (x *executor) reserveSuccessor(ctx context.Context, req Request, keyID id.APIKey, r *apikey.Rotation) (inherits bool, err error) {
	if req.Retry {
		successor, err := load(ctx, x, ref(apikey.Aggregate, r.SuccessorID), true)
		if err != nil || successor.State.ID != "" { // An earlier attempt issued it.
			return false, err
		}
	}
	// What will be refused reserves nothing.
	old, err := x.changeKey(ctx, req, keyID, func(s apikey.State) ([]event.Event, error) {
		if err := mayRotate(req.Principal, s); err != nil {
			return nil, err
		}
		_, err := s.Rotate(*r, req.at())
		if errors.Is(err, apikey.ErrRotated) { // For rotateAway to look into.
			err = nil
		}
		return nil, err
	})
	if err != nil {
		return false, err
	}
	r.Slot, err = x.takeAnySlot(ctx, req, x.keyQuota(req, old.State.OrganizationID, old.State.UserID, r.SuccessorID))
	if errors.Is(err, apikey.ErrLimit) && r.EndsAtOnce() && old.State.Slot != 0 {
		return true, nil
	}
	return false, err
}

// mayRotate is nil for a person who may rotate a key: who may manage it, and for
// a user's key its owner alone.
func mayRotate(p access.Principal, key apikey.State) error {
	if err := mayManage(p, key); err != nil {
		return err
	}
	if key.OwnerType == apikey.OwnerUser && key.UserID != p.UserID {
		return access.ErrForbidden
	}
	return nil
}

// rotateAway carries the rotation out on the old key's side.
func (x *executor) rotateAway(ctx context.Context, req Request, keyID id.APIKey, r apikey.Rotation) (outcome[apikey.State], error) {
	return x.changeKey(ctx, req, keyID, func(s apikey.State) ([]event.Event, error) {
		if err := mayRotate(req.Principal, s); err != nil {
			return nil, err
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
