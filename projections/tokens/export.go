package tokens

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/list"
)

// exportRows is how many rows of an export are in memory at once. Each part is a
// query of its own, so that a slow client keeps no connection.
const exportRows = 1000

func (r reader) export(ctx context.Context, s Scope, p Period, request list.Request) (iter.Seq2[Transaction, error], error) {
	of := source(s, p)
	where, filters, err := of.Where(list.Request{Filters: request.Filters})
	if err != nil {
		return nil, err
	}
	return func(yield func(Transaction, error) bool) {
		after := int64(0)
		for {
			part, err := r.part(ctx, of.From+where, filters, after)
			if err != nil {
				yield(Transaction{}, err)
				return
			}
			for _, t := range part {
				after = t.Sequence
				if !yield(t, nil) {
					return
				}
			}
			if len(part) < exportRows {
				return
			}
		}
	}, nil
}

func (r reader) part(ctx context.Context, from string, args pgx.NamedArgs, after int64) ([]Transaction, error) {
	args = maps.Clone(args)
	args["after"] = after
	rows, err := r.db.Query(ctx, fmt.Sprintf("SELECT %s %s AND t.sequence > @after ORDER BY t.sequence LIMIT %d",
		columns.SQL(), from, exportRows), args)
	if err != nil {
		return nil, fmt.Errorf("read token transactions: %w", err)
	}
	part, err := pgx.CollectRows(rows, columns.Scan)
	if err != nil {
		return nil, fmt.Errorf("read token transactions: %w", err)
	}
	return part, nil
}

func (r reader) due(ctx context.Context, at time.Time, after id.Organization, most int) ([]id.Organization, error) {
	rows, err := r.db.Query(ctx, `
		SELECT organization_id FROM tokens.holds WHERE deadline <= @at AND organization_id > @after
		UNION
		SELECT organization_id FROM tokens.grants
		WHERE due_at <= @at AND free > 0 AND disputed = 0 AND organization_id > @after
		ORDER BY organization_id LIMIT @most`,
		pgx.NamedArgs{"at": at, "after": string(after), "most": most})
	if err != nil {
		return nil, fmt.Errorf("find what is due of token accounts: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowTo[id.Organization])
	if err != nil {
		return nil, fmt.Errorf("find what is due of token accounts: %w", err)
	}
	return due, nil
}
