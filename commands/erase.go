package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// Eraser destroys personal data outside the streams of those whom it is about.
type Eraser interface {
	// Traces finds the data of a person or an organization. It knows of all that
	// was written before the call.
	Traces(ctx context.Context, kind erasure.Kind, name erasure.ID) (Traces, error)
	// Destroy notes the subjects in the journal of erasures, durably, then
	// destroys their keys, then what is stored about them outside the log. It can
	// be repeated.
	Destroy(ctx context.Context, t Traces) error
	// Forget notes subjects in the journal of erasures, durably, then destroys their
	// keys. It can be repeated.
	Forget(ctx context.Context, subjects []string) error
	// Lives returns how long what was destroyed may exist physically.
	Lives() erasure.Lives
}

// Traces are where the personal data of a person or an organization is.
type Traces struct {
	// Subjects are the ids that the data is encrypted for: their own first, then
	// those of invitations.
	Subjects []string
	// Identity is the keyed hash of a person's identity, under which they called
	// before they had an account; empty for an organization.
	Identity string
	// Organizations are those in which the person is, or was, a member or
	// invited, or the organization itself.
	Organizations []id.Organization
	// Invitations are those among the subjects, with their organizations.
	Invitations map[id.Invitation]id.Organization
}

// erase destroys the personal data of a person or an organization, and returns
// the erasure with its certificate. The end of the subject, user.Erased or
// organization.Purged, must stand in its stream before: from then on nothing new
// is written about it.
//
// Its name is the id of the person or the organization. The events of the erasure
// belong to organizationID in the audit trail; it is empty for a person.
//
// It can be repeated with any request, and goes on where an earlier attempt
// ended. So a command calls it at its end, and a policy on the event repeats the
// command until it succeeds: see FinishUserErasure.
func (x *executor) erase(ctx context.Context, req Request, kind erasure.Kind, name erasure.ID, organizationID id.Organization) (outcome[erasure.State], error) {
	of := ref(erasure.Aggregate, name)
	earlier, err := load(ctx, x, of, true)
	if err != nil || !earlier.State.CompletedAt.IsZero() {
		return earlier, err
	}
	traces, err := x.eraser.Traces(ctx, kind, name)
	if err != nil {
		return outcome[erasure.State]{}, fmt.Errorf("find the traces of %s: %w", name, err)
	}
	for _, subject := range earlier.State.Keys {
		if !slices.Contains(traces.Subjects, subject) {
			traces.Subjects = append(traces.Subjects, subject)
		}
	}
	if _, err := settle(ctx, x, req, of, organizationID, func(s erasure.State) ([]event.Event, error) {
		return s.Begin(name, kind, traces.Subjects, req.at()), nil
	}); err != nil {
		return outcome[erasure.State]{}, err
	}
	if err := x.endInvitations(ctx, req, traces.Invitations); err != nil {
		return outcome[erasure.State]{}, err
	}
	if err := x.eraser.Destroy(ctx, traces); err != nil {
		return outcome[erasure.State]{}, fmt.Errorf("destroy the traces of %s: %w", name, err)
	}
	return settle(ctx, x, req, of, organizationID, func(s erasure.State) ([]event.Event, error) {
		return s.Complete(traces.Subjects, x.eraser.Lives(), req.at()), nil
	})
}

// endInvitations revokes invitations whose address is about to become unreadable.
func (x *executor) endInvitations(ctx context.Context, req Request, invitations map[id.Invitation]id.Organization) error {
	for _, name := range slices.Sorted(maps.Keys(invitations)) {
		home := invitations[name]
		if _, err := settle(ctx, x, req, ref(organization.Aggregate, home), home, func(s organization.State) ([]event.Event, error) {
			return s.RevokeErased(name, req.at()), nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// settle brings an aggregate into a state: the decision returns no events for one
// that is in it. So it needs no look for an earlier attempt, and one request may
// bring an aggregate into a state, out of it, and into it again: the events are
// numbered by their revision.
func settle[S any](ctx context.Context, x *executor, req Request, of reference[S], organizationID id.Organization, decide func(S) ([]event.Event, error)) (outcome[S], error) {
	for range attempts {
		snapshot, err := of.load(ctx, x, true)
		if err != nil {
			return outcome[S]{}, err
		}
		events, err := decide(outcomeOf[S](snapshot).State)
		if err != nil || len(events) == 0 {
			return outcomeOf[S](snapshot), err
		}
		next, err := of.append(ctx, x, snapshot, drafts(req, snapshot.Stream, organizationID, int(snapshot.Revision)+1, events))
		if err == nil {
			o := outcomeOf[S](next)
			o.written = true
			return o, nil
		}
		if !errors.Is(err, ErrWrongRevision) {
			return outcome[S]{}, err
		}
	}
	return outcome[S]{}, ErrContended
}
