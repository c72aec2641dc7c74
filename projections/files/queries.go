package files

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/view"
)

// File is a file as its readers see it.
type File struct {
	ID             id.File         `db:"id"`
	OrganizationID id.Organization `db:"organization_id"`
	// UserID is the owner; empty for a file of an organization's key.
	UserID   id.User     `db:"user_id"`
	ParentID id.File     `db:"parent_id"`
	Type     file.Type   `db:"type"`
	Format   file.Format `db:"format"`
	Filename string      `db:"filename"`
	Status   file.Status `db:"status"`
	Active   bool        `db:"active"`
	// Size, Pages, Characters and Object are zero until the file has content.
	Size       int64  `db:"size"`
	Pages      int64  `db:"pages"`
	Characters int64  `db:"characters"`
	Object     string `db:"object"`
	SHA256     string `db:"sha256"`
	// Report is the key of the report of the last analysis; empty without one.
	Report string `db:"report"`
	// Receipt is the key of the record of the operation that made the file.
	Receipt    string      `db:"receipt"`
	Problem    file.Reason `db:"problem"`
	UploadedAt time.Time   `db:"uploaded_at"`
	// ProcessedAt and DeletedAt are zero for what has not happened.
	ProcessedAt time.Time      `db:"processed_at"`
	DeletedAt   time.Time      `db:"deleted_at"`
	CreatedAt   time.Time      `db:"created_at"`
	UpdatedAt   time.Time      `db:"updated_at"`
	Revision    event.Revision `db:"revision"`
}

// Of returns a file as the model shows it, but for the revision, which a state does
// not hold.
func Of(s file.State) File {
	f := File{
		ID: s.ID, OrganizationID: s.OrganizationID, UserID: s.UserID, ParentID: s.ParentID, Type: s.Type, Format: s.Format,
		Filename: s.Filename.Reveal(), Status: s.Status, Active: !s.Inactive,
		Size: s.Content.Size, Pages: s.Content.Pages, Characters: s.Content.Characters, Object: s.Content.Object, SHA256: s.Content.SHA256,
		Receipt: s.Receipt, Problem: s.Problem, UploadedAt: s.CreatedAt, ProcessedAt: s.ProcessedAt, DeletedAt: s.DeletedAt,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
	if s.Findings != nil {
		f.Report = s.Findings.Report
	}
	return f
}

// Job is an operation on a file.
type Job struct {
	ID             id.Job          `db:"id"`
	FileID         id.File         `db:"file_id"`
	OrganizationID id.Organization `db:"organization_id"`
	// UserID is the person on whose behalf it is.
	UserID id.User `db:"user_id"`
	// OwnerID is the owner of the file.
	OwnerID   id.User     `db:"owner_id"`
	DerivedID id.File     `db:"derived_id"`
	Kind      file.Kind   `db:"kind"`
	Target    file.Format `db:"target"`
	Phase     file.Phase  `db:"phase"`
	Engine    string      `db:"engine"`
	// Tokens were held, and Charged of them paid for Pages.
	Pages   int64       `db:"pages"`
	Tokens  int64       `db:"tokens"`
	Charged int64       `db:"charged"`
	Reason  file.Reason `db:"reason"`
	Message string      `db:"message"`

	Deadline    time.Time `db:"deadline"`
	RequestedAt time.Time `db:"requested_at"`
	// StartedAt and EndedAt are zero for what has not happened.
	StartedAt time.Time      `db:"started_at"`
	EndedAt   time.Time      `db:"ended_at"`
	Revision  event.Revision `db:"revision"`
}

// Scope says which files a caller may see: those of an organization, or if a user
// is named only that user's own.
type Scope struct {
	OrganizationID id.Organization
	UserID         id.User
}

// List declares the list of files.
var List = list.Spec{
	Sorts: []list.Sort{
		{Name: "createdAt", Expression: "f.created_at", Kind: list.Time},
		{Name: "updatedAt", Expression: "f.updated_at", Kind: list.Time},
		{Name: "uploadDate", Expression: "f.uploaded_at", Kind: list.Time},
		{Name: "filename", Expression: "left(f.filename_folded, 100)", Kind: list.Text},
		{Name: "fileSize", Expression: "f.size", Kind: list.Integer},
		// Files without an analysis come first.
		{Name: "score", Expression: "coalesce(f.score, -1)", Kind: list.Integer},
	},
	DefaultSort: "createdAt:desc",
	Filters: []list.Filter{
		{Name: "fileType", Expression: "f.type", Values: list.Values(file.Types()...), Doc: "Only files of these types."},
		{Name: "fileFormat", Expression: "f.format", Values: list.Values(file.Formats()...), Doc: "Only files of these formats."},
		{
			Name: "status", Expression: "f.status", Values: list.Values(file.Statuses()...),
			Doc: "Only files with one of these statuses. Deleted files are never listed.",
		},
		{Name: "parentFileId", Expression: "f.parent_id", Doc: "Only files that were made of these files."},
	},
	Folded: []string{"f.filename_folded"},
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// Get finds a file within a scope that is not deleted. It fails with
	// file.ErrNotFound.
	Get func(context.Context, Scope, id.File) (File, error)
	// List lists the files within a scope that are not deleted.
	List func(context.Context, Scope, list.Request) (list.Page[File], error)
	// Job finds an operation on a file within a scope. It fails with
	// file.ErrJobNotFound.
	Job func(context.Context, Scope, id.Job) (Job, error)
	// DueForPurge returns deleted files whose bytes are due to be deleted at a time,
	// after one of them.
	DueForPurge func(ctx context.Context, at time.Time, after Due, most int) ([]Due, error)
	// Unended returns operations that were requested before a time and have not ended,
	// after one of them.
	Unended func(ctx context.Context, before time.Time, after Job, most int) ([]Job, error)
	// UnendedOf returns the operations of an organization that have not ended.
	UnendedOf func(context.Context, id.Organization) ([]Job, error)
	// Before returns files of an organization that are not deleted and were created at a
	// time or before, in the order of their creation, after one of them.
	Before func(ctx context.Context, organization id.Organization, at time.Time, after Old, most int) ([]Old, error)
	// InOrganization returns all files of an organization, deleted ones included.
	InOrganization func(context.Context, id.Organization) ([]id.File, error)
	// Stored tells whether an object belongs to a file that has its bytes still.
	Stored func(ctx context.Context, name id.File, object string) (bool, error)
}

// Due is a file that is due to be purged.
type Due struct {
	ID             id.File         `db:"id"`
	OrganizationID id.Organization `db:"organization_id"`
	PurgeAt        time.Time       `db:"purge_at"`
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{
		Get: r.get, List: r.list, Job: r.job, DueForPurge: r.dueForPurge,
		Unended: r.unended, UnendedOf: r.unendedOf, InOrganization: r.inOrganization, Stored: r.stored, Before: r.before,
	}
}

type reader struct{ db view.DB }

var (
	columns    = view.Of[File]("f", nil)
	jobColumns = view.Of[Job]("j", map[string]string{"owner_id": "f.user_id"})
	dueColumns = view.Of[Due]("f", nil)
)

// within returns the files of a scope that are not deleted.
func within(s Scope) (from string, args pgx.NamedArgs) {
	from = "FROM files.files f WHERE f.organization_id = @organization AND f.deleted_at IS NULL"
	args = pgx.NamedArgs{"organization": string(s.OrganizationID)}
	if s.UserID != "" {
		from += " AND f.user_id = @user"
		args["user"] = string(s.UserID)
	}
	return from, args
}

func (r reader) get(ctx context.Context, scope Scope, name id.File) (File, error) {
	from, args := within(scope)
	args["id"] = string(name)
	return columns.First(ctx, r.db, file.ErrNotFound, from+" AND f.id = @id", args)
}

func (r reader) list(ctx context.Context, scope Scope, request list.Request) (list.Page[File], error) {
	from, args := within(scope)
	source := list.Source[File]{Spec: List, Columns: columns, From: from, Args: args, ID: "f.id"}
	if scope.UserID == "" {
		source.Total = "SELECT coalesce(max(t.files), 0) FROM files.totals t WHERE t.organization_id = @organization"
	}
	return source.Read(ctx, r.db, request)
}

const fromJobs = "FROM files.jobs j JOIN files.files f ON f.id = j.file_id "

func (r reader) job(ctx context.Context, scope Scope, name id.Job) (Job, error) {
	from, args := fromJobs+"WHERE j.id = @id AND j.organization_id = @organization", pgx.NamedArgs{
		"id": string(name), "organization": string(scope.OrganizationID),
	}
	if scope.UserID != "" {
		from += " AND f.user_id = @user"
		args["user"] = string(scope.UserID)
	}
	return jobColumns.First(ctx, r.db, file.ErrJobNotFound, from, args)
}

func (r reader) dueForPurge(ctx context.Context, at time.Time, after Due, most int) ([]Due, error) {
	rows, err := r.db.Query(ctx, "SELECT "+dueColumns.SQL()+` FROM files.files f
		WHERE NOT f.purged AND f.purge_at <= @at AND (f.purge_at, f.id) > (@after, @id) ORDER BY f.purge_at, f.id LIMIT @most`,
		pgx.NamedArgs{"at": at, "after": after.PurgeAt, "id": string(after.ID), "most": most})
	return collect(rows, err, dueColumns)
}

func (r reader) unended(ctx context.Context, before time.Time, after Job, most int) ([]Job, error) {
	rows, err := r.db.Query(ctx, "SELECT "+jobColumns.SQL()+" "+fromJobs+`
		WHERE j.phase IN ('waiting', 'running') AND j.requested_at < @before AND (j.requested_at, j.id) > (@after, @id)
		ORDER BY j.requested_at, j.id LIMIT @most`,
		pgx.NamedArgs{"before": before, "after": after.RequestedAt, "id": string(after.ID), "most": most})
	return collect(rows, err, jobColumns)
}

func (r reader) unendedOf(ctx context.Context, organization id.Organization) ([]Job, error) {
	rows, err := r.db.Query(ctx, "SELECT "+jobColumns.SQL()+" "+fromJobs+`
		WHERE j.organization_id = @organization AND j.phase IN ('waiting', 'running') ORDER BY j.requested_at, j.id`,
		pgx.NamedArgs{"organization": string(organization)})
	return collect(rows, err, jobColumns)
}

func collect[T any](rows pgx.Rows, err error, columns view.Columns[T]) ([]T, error) {
	var all []T
	if err == nil {
		all, err = pgx.CollectRows(rows, columns.Scan)
	}
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	return all, nil
}

func (r reader) stored(ctx context.Context, name id.File, object string) (bool, error) {
	rows, err := r.db.Query(ctx, `SELECT EXISTS (SELECT FROM files.files f
		WHERE f.id = @id AND NOT f.purged AND @object IN (f.object, f.report, f.receipt))`,
		pgx.NamedArgs{"id": string(name), "object": object})
	var stored bool
	if err == nil {
		stored, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	}
	if err != nil {
		return false, fmt.Errorf("look for the file of an object: %w", err)
	}
	return stored, nil
}

func (r reader) inOrganization(ctx context.Context, organization id.Organization) ([]id.File, error) {
	rows, err := r.db.Query(ctx, "SELECT f.id FROM files.files f WHERE f.organization_id = @organization ORDER BY f.created_at, f.id",
		pgx.NamedArgs{"organization": string(organization)})
	var all []id.File
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowTo[id.File])
	}
	if err != nil {
		return nil, fmt.Errorf("find the files of an organization: %w", err)
	}
	return all, nil
}
