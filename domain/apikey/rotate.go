package apikey

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

// A rotated key works for DefaultOverlap longer, unless the caller wants it
// otherwise: a day to bring the successor to every place. A longer overlap than
// MaxOverlap would make two keys of one.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 7 * 24 * time.Hour
)

// Rotation replaces a key.
type Rotation struct {
	SuccessorID id.APIKey
	// Overlap is how much longer the old key works; nil says DefaultOverlap. The
	// key's own expiry, when that comes first, stands.
	Overlap *time.Duration
	// ExpireAt is the successor's expiry; nil says that which the old key was
	// issued with.
	ExpireAt *time.Time
	// Abandoned is a successor named before that is known never to come.
	Abandoned id.APIKey
	// Slot is the slot of the owner that the successor is counted in.
	Slot int
}

// EndsAtOnce tells whether the old key does not outlive the rotation.
func (r Rotation) EndsAtOnce() bool { return r.Overlap != nil && *r.Overlap == 0 }

// Rotate names the successor and shortens the key's life.
func (s State) Rotate(r Rotation, at time.Time) ([]event.Event, error) {
	switch err := s.requireNotRevoked(); {
	case err != nil:
		return nil, err
	case s.SuccessorID != r.Abandoned:
		return nil, ErrRotated
	case s.Status(at) == StatusExpired:
		return nil, ErrExpired
	case s.Asleep:
		return nil, ErrSuspended
	}
	var wrong failure.Fields
	overlap := DefaultOverlap
	if r.Overlap != nil {
		overlap = *r.Overlap
	}
	if overlap < 0 || overlap > MaxOverlap {
		wrong.Add("overlap", input.CodeRange, "must be between 0 seconds and 7 days")
	}
	expiry(&wrong, r.ExpireAt, at)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	end := at.Add(overlap)
	if !s.ExpireAt.IsZero() && s.ExpireAt.Before(end) {
		end = s.ExpireAt
	}
	return []event.Event{Rotated{KeyID: s.ID, SuccessorID: r.SuccessorID, ExpireAt: end, OccurredAt: at}}, nil
}

// Succeed is what the successor of a rotated key begins with: the owner, the
// scopes and the description stay.
func (s State) Succeed(r Rotation, by id.User, secret Secret, at time.Time) Issued {
	var checked failure.Fields // by Rotate
	end := expiry(&checked, r.ExpireAt, at)
	if end.IsZero() {
		end = s.IssuedExpireAt
	}
	return Issued{
		KeyID: r.SuccessorID, OrganizationID: s.OrganizationID,
		OwnerType: s.OwnerType, UserID: s.UserID, IssuedBy: by,
		Scopes: s.Scopes, Description: s.Description,
		Live: secret.Live(), SecretHash: secret.HexHash(), Start: secret.Start(), Last4: secret.Last4(),
		ExpireAt: end, PredecessorID: s.ID, Slot: r.Slot, MemberSince: s.MemberSince, OccurredAt: at,
	}
}
