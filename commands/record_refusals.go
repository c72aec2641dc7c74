package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/refusal"
)

// RecordRefusals tells of commands that the request's principal tried and that
// were refused, all of one kind. The first of a kind and minute becomes an event
// of its own, the rest a count, also among several processes. Several requests
// may tell of the same kind, each of others.
type RecordRefusals struct {
	Kind refusal.Kind
	// Count is how many there were.
	Count int64
}

func (x *executor) recordRefusals(ctx context.Context, req Request, c RecordRefusals) (Result[refusal.State], error) {
	of := ref(refusal.Aggregate, c.Kind.ID())
	return resultOf(settle(ctx, x, req, of, c.Kind.OrganizationID, func(s refusal.State) ([]event.Event, error) {
		return s.Record(c.Kind, c.Count, req.at()), nil
	}))
}
