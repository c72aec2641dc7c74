package files

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/view"
)

// Old is a file that has been there for long.
type Old struct {
	ID        id.File   `db:"id"`
	CreatedAt time.Time `db:"created_at"`
}

var oldColumns = view.Of[Old]("f", nil)

func (r reader) before(ctx context.Context, organization id.Organization, before time.Time, after Old, most int) ([]Old, error) {
	rows, err := r.db.Query(ctx, "SELECT "+oldColumns.SQL()+` FROM files.files f
		WHERE f.organization_id = @organization AND f.deleted_at IS NULL AND f.created_at <= @before AND (f.created_at, f.id) > (@after, @id)
		ORDER BY f.created_at, f.id LIMIT @most`,
		pgx.NamedArgs{"organization": string(organization), "before": before, "after": after.CreatedAt, "id": string(after.ID), "most": most})
	return collect(rows, err, oldColumns)
}
