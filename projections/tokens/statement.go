package tokens

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// Point is where an account stands between two entries.
type Point struct {
	// Sequence, OccurredAt and Hash are those of the entry before; zero at the
	// beginning.
	Sequence   int64
	OccurredAt time.Time
	Hash       string
	Balance    tokenaccount.Balance
}

// Statement is a contiguous range of entries.
type Statement struct {
	Opening, Closing Point
	// Lines are the entries between, as lines of comma-separated values that end
	// with CR and LF, many at a time. What is yielded may change afterwards. The
	// columns are "entry", sequence, time, event type, movements, the balances in
	// the order of tokenaccount.Accounts, what the chain knows of the details, and
	// hash.
	Lines iter.Seq2[[]byte, error]
}

// statementRows is how many entries are in memory at once.
const statementRows = 4096

// ErrGap says that an entry is missing in the read model: its event could not be
// taken in.
var ErrGap = errors.New("the read model has a gap in the entries of a token account")

func (r reader) statement(ctx context.Context, organization id.Organization, p Period) (Statement, error) {
	opening, closing := Point{}, Point{}
	var err error
	if !p.From.IsZero() {
		opening, err = r.before(ctx, organization, p.From)
	}
	if err == nil {
		closing, err = r.before(ctx, organization, p.To)
	}
	if err != nil {
		return Statement{}, err
	}
	if closing.Sequence < opening.Sequence {
		closing = opening
	}
	return Statement{Opening: opening, Closing: closing, Lines: func(yield func([]byte, error) bool) {
		var lines []byte
		for first := opening.Sequence + 1; first <= closing.Sequence; first += statementRows {
			var err error
			lines, err = r.lines(ctx, organization, first, min(first+statementRows-1, closing.Sequence), lines[:0])
			if !yield(lines, err) || err != nil {
				return
			}
		}
	}}, nil
}

// before is the point before a time, or for the zero time the last one.
func (r reader) before(ctx context.Context, organization id.Organization, at time.Time) (Point, error) {
	condition := ""
	if !at.IsZero() {
		condition = "AND t.occurred_at < @at"
	}
	rows, err := r.db.Query(ctx, fmt.Sprintf(`
		SELECT %s, t.hash FROM tokens.transactions t WHERE t.organization_id = @organization %s
		ORDER BY t.occurred_at DESC, t.sequence DESC LIMIT 1`, columns.SQL(), condition),
		pgx.NamedArgs{"organization": string(organization), "at": at})
	if err != nil {
		return Point{}, fmt.Errorf("read a statement: %w", err)
	}
	t, err := pgx.CollectOneRow(rows, pgx.RowToStructByName[hashed])
	if errors.Is(err, pgx.ErrNoRows) {
		return Point{}, nil
	}
	if err != nil {
		return Point{}, fmt.Errorf("read a statement: %w", err)
	}
	return Point{Sequence: t.Sequence, OccurredAt: t.OccurredAt, Hash: t.Hash, Balance: t.Balance()}, nil
}

type hashed struct {
	Transaction
	Hash string `db:"hash"`
}

// lines appends the lines of some entries, which Postgres writes: it is quick at
// that.
func (r reader) lines(ctx context.Context, organization id.Organization, first, last int64, dst []byte) ([]byte, error) {
	rows, err := r.db.Query(ctx, `
		SELECT concat('entry,', sequence, ',', to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), ',',
			event_type, ',', movements, ',', issued, ',', available, ',', held, ',', frozen, ',', consumed, ',', expired, ',',
			clawed_back, ',', debt, ',"', replace(details, '"', '""'), '",', hash)
		FROM tokens.transactions WHERE organization_id = @organization AND sequence BETWEEN @first AND @last ORDER BY sequence`,
		pgx.NamedArgs{"organization": string(organization), "first": first, "last": last})
	if err != nil {
		return dst, fmt.Errorf("read a statement: %w", err)
	}
	defer rows.Close()
	found := int64(0)
	for ; rows.Next(); found++ {
		dst = append(append(dst, rows.RawValues()[0]...), '\r', '\n')
	}
	if err := rows.Err(); err != nil {
		return dst, fmt.Errorf("read a statement: %w", err)
	}
	if found != last-first+1 {
		return dst, fmt.Errorf("%w: %d of entries %d to %d", ErrGap, found, first, last)
	}
	return dst, nil
}
