package tokens

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// AsOf says when a balance is asked for: at a time, by the clock, or if Position
// is set when the log was there, with what was recorded by then.
type AsOf struct {
	Time     time.Time
	Position event.Position
}

// Balance is what stands on the accounts, and on the grants that are not spent,
// in burn order.
type Balance struct {
	Accounts tokenaccount.Balance
	Grants   []tokenaccount.Grant
	// Sequence is that of the last entry that counts, 0 for none. At a time there
	// may be more: what has come due since then by the clock.
	Sequence int64
	// At is the time that the balance is of: the one asked for, or that of the last
	// entry.
	At time.Time
}

// current is the account as it is recorded, in one look.
type current struct {
	Transaction
	CommitPosition  int64      `db:"commit_position"`
	PreparePosition int64      `db:"prepare_position"`
	Grants          []grantRow `db:"grants"`
	Holds           []holdRow  `db:"holds"`
}

// grantRow is a grant with the sums of its changes.
type grantRow struct {
	Reference tokenaccount.Reference `json:"reference"`
	Source    tokenaccount.Source    `json:"source"`
	Priority  int                    `json:"priority"`
	Amount    int64                  `json:"amount"`
	ExpireAt  time.Time              `json:"expireAt"`
	Sequence  int64                  `json:"sequence"`

	Free       int64 `json:"free"`
	Held       int64 `json:"held"`
	Expired    int64 `json:"expired"`
	ClawedBack int64 `json:"clawedBack"`
	Disputed   int64 `json:"disputed"`
}

func (g grantRow) grant() tokenaccount.Grant {
	grant := tokenaccount.Grant{
		Reference: g.Reference, Source: g.Source, Priority: g.Priority, Amount: g.Amount, ExpireAt: g.ExpireAt, Sequence: g.Sequence,
		Available: g.Free, Held: g.Held, Expired: g.Expired, ClawedBack: g.ClawedBack,
	}
	if g.Disputed > 0 {
		grant.Disputed, grant.Available, grant.Frozen = true, 0, g.Free
	}
	return grant
}

type holdRow struct {
	Reference   tokenaccount.Reference    `json:"reference"`
	Amount      int64                     `json:"amount"`
	Allocations []tokenaccount.Allocation `json:"allocations"`
	Deadline    time.Time                 `json:"deadline"`
}

// recorded is the state that the rows are of, but for what it remembers of
// references.
func (c current) recorded() tokenaccount.State {
	saved := tokenaccount.Saved{
		OrganizationID: c.OrganizationID, Balance: c.Balance(), Sequence: c.Sequence, LastAt: c.OccurredAt,
		Grants: grantsOf(c.Grants),
	}
	for _, h := range c.Holds {
		saved.Operations = append(saved.Operations, tokenaccount.SavedOperation{Reference: h.Reference, Operation: tokenaccount.Operation{
			Status: tokenaccount.StatusHeld, Kind: (tokenaccount.TokensReserved{}).EventType(),
			Amount: h.Amount, Allocations: h.Allocations, Deadline: h.Deadline,
		}})
	}
	return tokenaccount.Load(saved)
}

func grantsOf(rows []grantRow) []tokenaccount.Grant {
	grants := make([]tokenaccount.Grant, len(rows))
	for i, g := range rows {
		grants[i] = g.grant()
	}
	return grants
}

// grantJSON is a grantRow as JSON, of the columns of g and its sums.
func grantJSON(sum func(column string) string) string {
	return fmt.Sprintf(`jsonb_build_object('reference', jsonb_build_object('id', g.reference, 'at', g.reference_at),
		'source', g.source, 'priority', g.priority, 'amount', g.amount, 'sequence', g.sequence,
		'expireAt', coalesce(g.expire_at, '0001-01-01T00:00:00Z'),
		'free', %s, 'held', %s, 'expired', %s, 'clawedBack', %s, 'disputed', %s)`,
		sum("free"), sum("held"), sum("expired"), sum("clawed_back"), sum("disputed"))
}

// balance is that of a time or a position. What was recorded later, and dated
// earlier, does not exist: entries are in log order.
func (r reader) balance(ctx context.Context, organization id.Organization, as AsOf) (Balance, error) {
	now, err := r.current(ctx, organization)
	switch {
	case err != nil:
		return Balance{}, err
	case now.Sequence == 0:
		return Balance{At: as.Time, Grants: []tokenaccount.Grant{}}, nil
	case as.Position.IsZero() && !as.Time.Before(now.OccurredAt):
		shown := now.recorded().At(as.Time)
		return Balance{Accounts: shown.Balance, Grants: shown.Grants(), Sequence: now.Sequence, At: as.Time}, nil
	}
	return r.past(ctx, organization, as)
}

// current returns the last entry, the grants and the open reservations as they
// are at one moment; an empty one for an account without entries.
func (r reader) current(ctx context.Context, organization id.Organization) (current, error) {
	rows, err := r.db.Query(ctx, fmt.Sprintf(`
		SELECT %s, t.commit_position, t.prepare_position,
			(SELECT coalesce(jsonb_agg(%s), '[]') FROM tokens.grants g
				WHERE g.organization_id = @organization AND (g.free <> 0 OR g.held <> 0 OR g.disputed <> 0)) AS grants,
			(SELECT coalesce(jsonb_agg(jsonb_build_object('reference', jsonb_build_object('id', h.reference, 'at', h.reference_at),
				'amount', h.amount, 'allocations', h.allocations, 'deadline', h.deadline)), '[]') FROM tokens.holds h
				WHERE h.organization_id = @organization) AS holds
		FROM tokens.transactions t WHERE t.organization_id = @organization ORDER BY t.sequence DESC LIMIT 1`,
		columns.SQL(), grantJSON(func(column string) string { return "g." + column })),
		pgx.NamedArgs{"organization": string(organization)})
	if err != nil {
		return current{}, fmt.Errorf("read a token account: %w", err)
	}
	found, err := pgx.CollectOneRow(rows, pgx.RowToStructByName[current])
	if errors.Is(err, pgx.ErrNoRows) {
		return current{}, nil
	}
	if err != nil {
		return current{}, fmt.Errorf("read a token account: %w", err)
	}
	return found, nil
}

// past is the balance after the last entry of a time or a position.
func (r reader) past(ctx context.Context, organization id.Organization, as AsOf) (Balance, error) {
	args := pgx.NamedArgs{"organization": string(organization)}
	last := "t.occurred_at <= @at ORDER BY t.occurred_at DESC, t.sequence DESC"
	if as.Position.IsZero() {
		args["at"] = as.Time
	} else {
		last = "(t.commit_position, t.prepare_position) <= (@commit, @prepare) ORDER BY t.commit_position DESC, t.sequence DESC"
		args["commit"], args["prepare"] = signed(as.Position.Commit), signed(as.Position.Prepare)
	}
	t, err := columns.First(ctx, r.db, ErrNotFound, "FROM tokens.transactions t WHERE t.organization_id = @organization AND "+last+" LIMIT 1", args)
	if errors.Is(err, ErrNotFound) {
		return Balance{At: as.Time, Grants: []tokenaccount.Grant{}}, nil
	}
	if err != nil {
		return Balance{}, err
	}
	b := Balance{Accounts: t.Balance(), Sequence: t.Sequence, At: as.Time}
	if !as.Position.IsZero() {
		b.At = t.OccurredAt
	}
	b.Grants, err = r.grantsAt(ctx, organization, t.Sequence)
	return b, err
}

// signed is how the model stores a part of a position.
func signed(part uint64) int64 { return int64(min(part, math.MaxInt64)) }

// grantsAt are the grants after an entry, in burn order: the sums of whole runs,
// and of the entries of the last one.
func (r reader) grantsAt(ctx context.Context, organization id.Organization, sequence int64) ([]tokenaccount.Grant, error) {
	rows, err := r.db.Query(ctx, fmt.Sprintf(`
		SELECT %s FROM (
			SELECT reference, reference_at, sum(free) AS free, sum(held) AS held, sum(expired) AS expired,
				sum(clawed_back) AS clawed_back, sum(disputed) AS disputed
			FROM (
				SELECT reference, reference_at, free, held, expired, clawed_back, disputed
				FROM tokens.grant_runs WHERE organization_id = @organization AND run < @run
				UNION ALL
				SELECT c."grant"->>'id', (c."grant"->>'at')::timestamptz, coalesce(c.free, 0), coalesce(c.held, 0),
					coalesce(c.expired, 0), coalesce(c."clawedBack", 0), coalesce(c.disputed, 0)
				FROM tokens.transactions t, jsonb_to_recordset(t.grants)
					AS c("grant" jsonb, free bigint, held bigint, expired bigint, "clawedBack" bigint, disputed bigint)
				WHERE t.organization_id = @organization AND t.sequence BETWEEN @first AND @last
			) changes GROUP BY reference, reference_at
		) s JOIN tokens.grants g ON g.organization_id = @organization AND g.reference = s.reference AND g.reference_at = s.reference_at
		WHERE s.free <> 0 OR s.held <> 0 OR s.disputed <> 0
		ORDER BY g.priority, g.expire_at NULLS LAST, g.sequence`, grantJSON(func(column string) string { return "s." + column })),
		pgx.NamedArgs{
			"organization": string(organization), "run": sequence / runLength,
			"first": sequence / runLength * runLength, "last": sequence,
		})
	if err != nil {
		return nil, fmt.Errorf("read grants of the past: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[grantRow])
	if err != nil {
		return nil, fmt.Errorf("read grants of the past: %w", err)
	}
	return grantsOf(found), nil
}
