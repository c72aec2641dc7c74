package statistics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/view"
)

// Statistics are an organization's numbers at one moment.
type Statistics struct {
	// Members are those of the list of members, suspended ones included.
	Members int64 `db:"members"`
	// PendingInvitations can still be accepted, and APIKeys have not ended, though
	// they may sleep.
	PendingInvitations int64 `db:"invitations"`
	APIKeys            int64 `db:"api_keys"`

	// FilesDeleted are in no other number of files.
	FilesUploaded   int64 `db:"files_uploaded"`
	FilesProcessing int64 `db:"files_processing"`
	FilesProcessed  int64 `db:"files_processed"`
	FilesFailed     int64 `db:"files_failed"`
	FilesDeleted    int64 `db:"files_deleted"`
	FilesOriginal   int64 `db:"files_original"`
	FilesAccessible int64 `db:"files_accessible"`
	FilesConverted  int64 `db:"files_converted"`
	Bytes           int64 `db:"bytes"`
	PagesProcessed  int64 `db:"pages_processed"`

	// TokensDebt is what is owed, as a positive number.
	TokensAvailable int64 `db:"tokens_available"`
	TokensHeld      int64 `db:"tokens_held"`
	TokensFrozen    int64 `db:"tokens_frozen"`
	TokensConsumed  int64 `db:"tokens_consumed"`
	TokensDebt      int64 `db:"tokens_debt"`
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// Of returns the numbers of an organization at a time: zeros for one of which
	// nothing is known.
	Of func(context.Context, id.Organization, time.Time) (Statistics, error)
	// Stored returns how many files all organizations have that are not deleted, and
	// the bytes of their contents.
	Stored func(context.Context) (files, bytes int64, err error)
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{Of: r.of, Stored: r.stored}
}

type reader struct{ db view.DB }

// without subtracts what of a kind has ended.
func without(count, kind string) string {
	const ended = `(SELECT count(*) FROM statistics.endings e WHERE e.organization_id = @id AND e.kind = '%s' AND %s)`
	return "c." + count + " - " + fmt.Sprintf(ended, kind, "e.orphaned") +
		" - " + fmt.Sprintf(ended, kind, "NOT e.orphaned AND e.end_at <= @now")
}

var columns = view.Of[Statistics]("c", map[string]string{
	"invitations": without("invitations", kindInvitation), "api_keys": without("api_keys", kindKey),
})

var errNothing = errors.New("nothing is counted of this organization")

func (r reader) of(ctx context.Context, name id.Organization, now time.Time) (Statistics, error) {
	s, err := columns.First(ctx, r.db, errNothing, "FROM statistics.counts c WHERE c.organization_id = @id",
		pgx.NamedArgs{"id": string(name), "now": now})
	if errors.Is(err, errNothing) {
		return Statistics{}, nil
	}
	return s, err
}

func (r reader) stored(ctx context.Context) (count, bytes int64, err error) {
	type sums struct{ Files, Bytes int64 }
	rows, err := r.db.Query(ctx, `SELECT coalesce(sum(files_original + files_accessible + files_converted), 0)::bigint, coalesce(sum(bytes), 0)::bigint
		FROM statistics.counts`)
	var s sums
	if err == nil {
		s, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[sums])
	}
	if err != nil {
		return 0, 0, fmt.Errorf("count the files of all organizations: %w", err)
	}
	return s.Files, s.Bytes, nil
}
