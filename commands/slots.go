package commands

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
)

// A quota is a number of slots, each a value that is reserved by the rules above:
// who makes something that is counted holds a slot for it, and the quota holds
// under races because no slot has two holders. The stream of what was made names
// its slot, and tells whether it still counts; a slot whose holder does not count
// any more is free, at once and without an event, so that what ends by the clock
// frees its slot by the clock.

// Default limits.
const (
	DefaultMaxAPIKeys       = 100
	DefaultMaxOrganizations = 100
)

// Limits are the quotas of each owner. Zero says the default.
type Limits struct {
	// APIKeys bounds the living keys of each owner in each organization.
	APIKeys int
	// Organizations bounds the organizations that a person made and still owns.
	Organizations int
}

func (l Limits) withDefaults() Limits {
	if l.APIKeys <= 0 {
		l.APIKeys = DefaultMaxAPIKeys
	}
	if l.Organizations <= 0 {
		l.Organizations = DefaultMaxOrganizations
	}
	return l
}

// errSlotTaken is the refusal of one slot: there may be others.
var errSlotTaken = failure.New(failure.Conflict, "SLOT_TAKEN", "this slot is taken")

// quota is the slots of one owner.
type quota struct {
	limit int
	// claim claims slot n, from 1 to limit.
	claim func(n int) claim
	// counts tells whether a holder still needs slot n, as far as is known
	// without asking the store.
	counts func(ctx context.Context, holder string, n int) (bool, error)
	// exceeded is what to say when all slots are taken.
	exceeded error
}

// inSlot calls try with one slot after another, until it returns anything but
// errSlotTaken; try claims the slot. The order is random, so that requests at
// the same time meet seldom, and the same for the same request. Slots that look
// taken come last: whether they are is then asked of the store.
func (x *executor) inSlot(ctx context.Context, req Request, q quota, try func(n int) error) error {
	var seed [32]byte
	if _, err := io.ReadFull(req.Entropy("slots"), seed[:]); err != nil {
		return err
	}
	random := rand.New(rand.NewChaCha8(seed)) //nolint:gosec // It spreads requests, and keeps no secret.
	start, step := random.IntN(q.limit), 1+random.IntN(q.limit)
	for gcd(step, q.limit) != 1 { // A step without a common divisor visits all.
		step = 1 + random.IntN(q.limit)
	}
	var doubtful []int
	for i := range q.limit {
		n := 1 + (start+i*step)%q.limit
		taken, err := x.looksTaken(ctx, q, n)
		if err != nil {
			return err
		}
		if taken {
			doubtful = append(doubtful, n)
			continue
		}
		if err := try(n); !errors.Is(err, errSlotTaken) {
			return err
		}
	}
	for _, n := range doubtful {
		if err := try(n); !errors.Is(err, errSlotTaken) {
			return err
		}
	}
	return q.exceeded
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// looksTaken asks what this process remembers.
func (x *executor) looksTaken(ctx context.Context, q quota, n int) (bool, error) {
	c := q.claim(n)
	held, err := load(ctx, x, ref(reservation.Aggregate, reservation.IDOf(c.Kind, c.ValueHash)), false)
	if err != nil || held.State.OwnerID == "" || held.State.OwnerID == c.OwnerID {
		return false, err
	}
	return q.counts(ctx, held.State.OwnerID, n)
}

// slotHash is the hash under which a slot of an owner is reserved.
func slotHash(n int, owner ...string) string {
	value := strconv.Itoa(n)
	for _, part := range owner {
		value += "/" + part
	}
	return reservation.Hash(value)
}

// keyQuota is the quota of an owner of keys: a person in an organization, or the
// organization itself, for which owner is empty.
func (x *executor) keyQuota(req Request, organizationID id.Organization, owner id.User, keyID id.APIKey) quota {
	return quota{
		limit: x.limits.APIKeys, exceeded: apikey.ErrLimit,
		claim: func(n int) claim { return x.keySlotClaim(req, organizationID, owner, keyID, n) },
		counts: func(ctx context.Context, holder string, n int) (bool, error) {
			key, err := load(ctx, x, ref(apikey.Aggregate, id.APIKey(holder)), false)
			return key.State.KeepsSlot(n, keyID, req.at()), err
		},
	}
}

func (x *executor) keySlotClaim(req Request, organizationID id.Organization, owner id.User, keyID id.APIKey, n int) claim {
	return claim{
		Claim: reservation.Claim{
			Kind: reservation.APIKeySlot, ValueHash: slotHash(n, string(organizationID), string(owner)), OwnerID: string(keyID),
		},
		organization: organizationID, taken: errSlotTaken,
		yields: func(ctx context.Context, held reservation.State) (bool, error) {
			holder := id.APIKey(held.OwnerID)
			return yields(ctx, x, req, holding[apikey.State]{
				of: ref(apikey.Aggregate, holder), organization: organizationID,
				uses: func(s apikey.State) bool {
					if s.ID == "" && s.RevokedAt.IsZero() { // It may be about to begin.
						return !held.Contestable(req.at(), claimGrace)
					}
					return s.KeepsSlot(n, keyID, req.at())
				},
				over:  func(s apikey.State) bool { return s.ID != "" || !s.RevokedAt.IsZero() },
				lapse: apikey.Revoked{KeyID: holder, OccurredAt: req.at()},
			})
		},
	}
}

// organizationQuota is the quota of a person who makes organizations.
func (x *executor) organizationQuota(req Request, owner id.User, organizationID id.Organization) quota {
	return quota{
		limit: x.limits.Organizations, exceeded: organization.ErrLimit,
		claim: func(n int) claim { return x.organizationSlotClaim(req, owner, organizationID, n) },
		counts: func(ctx context.Context, holder string, n int) (bool, error) {
			o, err := load(ctx, x, ref(organization.Aggregate, id.Organization(holder)), false)
			return o.State.KeepsSlot(owner, n), err
		},
	}
}

func (x *executor) organizationSlotClaim(req Request, owner id.User, organizationID id.Organization, n int) claim {
	return claim{
		Claim: reservation.Claim{
			Kind: reservation.OrganizationSlot, ValueHash: slotHash(n, string(owner)), OwnerID: string(organizationID),
		},
		organization: organizationID, taken: errSlotTaken,
		yields: func(ctx context.Context, held reservation.State) (bool, error) {
			holder := id.Organization(held.OwnerID)
			return yields(ctx, x, req, holding[organization.State]{
				of: ref(organization.Aggregate, holder), organization: holder,
				uses: func(s organization.State) bool {
					if s.ID == "" {
						return !held.Contestable(req.at(), claimGrace)
					}
					return s.KeepsSlot(owner, n)
				},
				over:  func(s organization.State) bool { return s.ID != "" },
				lapse: organization.RegistrationLapsed{OrganizationID: holder, OccurredAt: req.at()},
			})
		},
	}
}
