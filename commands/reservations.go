package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// A value that is unique among aggregates has a stream of its own, and an
// aggregate uses only a value that is reserved for it. The two are two streams,
// and a process may die between them, so there are rules by which any state
// that this leaves heals, and by which no value is ever used twice:
//
//  1. Who uses a value loads its own stream, then writes the claim into the
//     reservation, even if it holds the value already, then appends to its own
//     stream at the revision loaded.
//  2. Who wants a value that another one holds loads the reservation, loads the
//     holder's stream from the store, sees that the value is not in use there,
//     marks the holder's stream by appending that its claim has lapsed, and then
//     writes the reservation over at the revision loaded.
//  3. A holder has a grace before rule 2 is tried; a value that was released is
//     there for others when its quarantine is over.
//
// Rules 1 and 2 cannot both come to their ends. The take-over fails if the claim
// is written after it loaded the reservation. If the claim is written before,
// then so was the holder's stream loaded, and of the mark and the use, both at
// revisions from before the other, only the first is accepted: after the use,
// rule 2 finds the value in use; after the mark, rule 1 begins again and meets a
// claim that is no longer its own. So correctness needs no clock: the grace only
// spares holders who are about to finish.
//
// What is released is told by the reservation, but what is in use, or in
// quarantine, is told by the holder's own stream. So a release that was lost, or
// came late, does no harm.

// claimGrace is how long a holder that does not use its value is left in peace:
// longer than a command is under way.
const claimGrace = time.Minute

// healing is the policy in whose name claims lapse.
const healing = "reservations"

// held is what an aggregate must hold before it uses it: a value or a slot.
type held interface {
	// hold makes it the claimant's, or says that it is taken.
	hold(ctx context.Context, x *executor, req Request) error
}

// claim is a value that an aggregate is about to use.
type claim struct {
	reservation.Claim
	organization id.Organization // for the metadata
	grace        time.Duration
	// lasting says that nobody contests what is held: it is not claimed again.
	lasting bool
	// taken is what to say when somebody else has it.
	taken error
	// yields makes the holder of a reservation give the value up, if it may, and
	// tells whether it does.
	yields func(ctx context.Context, held reservation.State) (bool, error)
}

func (x *executor) slugClaim(req Request, organizationID id.Organization, slug string) claim {
	return claim{
		Claim: reservation.Claim{
			Kind: reservation.Slug, ValueHash: reservation.Hash(slug), OwnerID: string(organizationID),
		},
		organization: organizationID, grace: claimGrace, taken: organization.ErrSlugTaken,
		yields: func(ctx context.Context, held reservation.State) (bool, error) {
			holder := held.OwnerID
			return yields(ctx, x, req, holding[organization.State]{
				of: ref(organization.Aggregate, id.Organization(holder)), organization: id.Organization(holder),
				uses: func(s organization.State) bool { return s.HoldsSlug(slug, req.at()) },
				over: func(s organization.State) bool { return s.Status == organization.StatusPurged },
				lapse: organization.SlugClaimLapsed{
					OrganizationID: id.Organization(holder), Slug: slug, OccurredAt: req.at(),
				},
			})
		},
	}
}

// slugClaims are the claims on the slugs that events bring into use.
func (x *executor) slugClaims(req Request, organizationID id.Organization, events []event.Event) []held {
	var claims []held
	for _, e := range events {
		switch e := e.(type) {
		case organization.Registered:
			claims = append(claims, x.slugClaim(req, organizationID, e.Slug))
		case organization.SlugChanged:
			claims = append(claims, x.slugClaim(req, organizationID, e.Slug))
		}
	}
	return claims
}

// emailClaims are the claims on the addresses that events bring into use.
func (x *executor) emailClaims(req Request, userID id.User, events []event.Event) []held {
	var claims []held
	for _, e := range events {
		switch e := e.(type) {
		case user.Registered:
			if e.EmailVerified {
				claims = append(claims, x.emailClaim(req, userID, e.EmailHash))
			}
		case user.EmailChanged:
			claims = append(claims, x.emailClaim(req, userID, e.EmailHash))
		}
	}
	return claims
}

func (x *executor) emailClaim(req Request, userID id.User, emailHash string) claim {
	return claim{
		Claim: reservation.Claim{Kind: reservation.Email, ValueHash: emailHash, OwnerID: string(userID)},
		grace: claimGrace, taken: user.ErrEmailTaken,
		yields: func(ctx context.Context, held reservation.State) (bool, error) {
			holder := held.OwnerID
			return yields(ctx, x, req, holding[user.State]{
				of:   ref(user.Aggregate, id.User(holder)),
				uses: func(s user.State) bool { return s.HoldsEmail(emailHash) },
				over: isErased,
				lapse: user.EmailClaimLapsed{
					UserID: id.User(holder), EmailHash: emailHash, OccurredAt: req.at(),
				},
			})
		},
	}
}

// subjectClaim needs neither grace nor mark: whoever holds a subject is that
// same person, registered or about to be, and holds it until they are erased.
func (x *executor) subjectClaim(userID id.User, subjectHash string) claim {
	return claim{
		Claim:   reservation.Claim{Kind: reservation.Subject, ValueHash: subjectHash, OwnerID: string(userID)},
		lasting: true,
		yields: func(ctx context.Context, held reservation.State) (bool, error) {
			holder := held.OwnerID
			o, err := load(ctx, x, ref(user.Aggregate, id.User(holder)), true)
			return err == nil && isErased(o.State), err
		},
	}
}

func isErased(s user.State) bool { return s.Status == user.StatusErased }

func (c claim) hold(ctx context.Context, x *executor, req Request) error {
	holder, err := x.claim(ctx, req, c)
	if err == nil && holder != c.OwnerID {
		return c.taken
	}
	return err
}

// claim makes a value the claimant's, if it can be. It returns who holds it.
func (x *executor) claim(ctx context.Context, req Request, c claim) (holder string, err error) {
	of := ref(reservation.Aggregate, reservation.IDOf(c.Kind, c.ValueHash))
	for range attempts {
		snapshot, err := of.load(ctx, x, true)
		if err != nil {
			return "", err
		}
		s := outcomeOf[reservation.State](snapshot).State
		if c.lasting && s.OwnerID == c.OwnerID {
			return c.OwnerID, nil
		}
		events, err := s.Claim(c.Claim, req.at())
		if errors.Is(err, reservation.ErrHeld) {
			if !s.Contestable(req.at(), c.grace) {
				return s.OwnerID, nil
			}
			free, err := c.yields(ctx, s)
			if err != nil {
				return "", fmt.Errorf("look at the holder of a reservation: %w", err)
			}
			if !free {
				return s.OwnerID, nil
			}
			events = s.TakeOver(c.Claim, req.at())
		}
		switch err := x.record(ctx, req, c.organization, of, snapshot, events); {
		case err == nil:
			return c.OwnerID, nil
		case !errors.Is(err, ErrWrongRevision):
			return "", err
		}
	}
	return "", ErrContended
}

// record appends to a reservation. Its events are numbered by their revision,
// for one request may write into the same reservation more than once.
func (x *executor) record(ctx context.Context, req Request, organizationID id.Organization, of reference[reservation.State], after Snapshot, events []event.Event) error {
	_, err := of.append(ctx, x, after, drafts(req, after.Stream, organizationID, int(after.Revision)+1, events))
	return err
}

// holding is a holder's side of rule 2.
type holding[S any] struct {
	of           reference[S]
	organization id.Organization
	// uses tells whether the value is in use or in quarantine; over, whether the
	// holder can never use it again.
	uses, over func(S) bool
	// lapse is the mark.
	lapse event.Event
}

// yields carries out rule 2 up to the mark.
func yields[S any](ctx context.Context, x *executor, req Request, h holding[S]) (bool, error) {
	for range attempts {
		snapshot, err := h.of.load(ctx, x, true)
		if err != nil {
			return false, err
		}
		switch s := outcomeOf[S](snapshot).State; {
		case h.uses(s):
			return false, nil
		case h.over(s):
			return true, nil
		}
		_, err = h.of.append(ctx, x, snapshot, []event.Draft{{
			ID:       event.DeriveID(req.ID, snapshot.Stream, int(snapshot.Revision)+1),
			Event:    h.lapse,
			Metadata: req.policyMetadata(healing, h.organization),
		}})
		switch {
		case err == nil:
			return true, nil
		case !errors.Is(err, ErrWrongRevision):
			return false, err
		}
	}
	return false, ErrContended
}

// releaseFormerSlugs tells the reservations of former slugs how long they are
// held. Once told, it changes nothing.
func (x *executor) releaseFormerSlugs(ctx context.Context, req Request, s organization.State) error {
	for _, slug := range slices.Sorted(maps.Keys(s.FormerSlugs)) {
		c := reservation.Claim{Kind: reservation.Slug, ValueHash: reservation.Hash(slug), OwnerID: string(s.ID)}
		if err := x.release(ctx, req, s.ID, c, s.FormerSlugs[slug]); err != nil {
			return err
		}
	}
	return nil
}

func (x *executor) release(ctx context.Context, req Request, organizationID id.Organization, c reservation.Claim, availableAt time.Time) error {
	of, fresh := ref(reservation.Aggregate, reservation.IDOf(c.Kind, c.ValueHash)), req.Retry
	for range attempts {
		snapshot, err := of.load(ctx, x, fresh)
		if err != nil {
			return err
		}
		events := outcomeOf[reservation.State](snapshot).State.Release(c, availableAt, req.at())
		if len(events) == 0 {
			return nil
		}
		if err := x.record(ctx, req, organizationID, of, snapshot, events); !errors.Is(err, ErrWrongRevision) {
			return err
		}
		fresh = true
	}
	return ErrContended
}
