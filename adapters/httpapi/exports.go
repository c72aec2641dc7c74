package httpapi

import (
	"context"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/perfectworks/backend/adapters/exporter"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/erasures"
	"github.com/perfectworks/backend/projections/files"
	"github.com/perfectworks/backend/projections/referrals"
)

// Exports collects what is stored about a person or an organization.
type Exports interface {
	User(ctx context.Context, person id.User) iter.Seq2[exporter.Record, error]
	Organization(ctx context.Context, name id.Organization) iter.Seq2[exporter.Record, error]
}

// Export is what is stored about a person or an organization.
type Export struct {
	ExportedAt Time           `json:"exportedAt"`
	Kind       string         `json:"kind" enum:"user,organization" example:"user"`
	ID         string         `json:"id" format:"subject-id" pattern:"^(user|org)_[0-7][0-9a-hjkmnp-tv-z]{25}$" example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Records    []ExportRecord `json:"records" doc:"Everything that is recorded, in the order of each stream."`
}

// ExportRecord is a stored event.
type ExportRecord struct {
	Stream     string         `json:"stream" doc:"What the record belongs to: its kind and its id." example:"user-user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Revision   int64          `json:"revision" doc:"The number of the record in its stream, from 0." example:"0"`
	Type       string         `json:"type" example:"UserRegistered"`
	RecordedAt Time           `json:"recordedAt"`
	Data       map[string]any `json:"data" doc:"What was recorded. The members follow from the type. Texts that were erased are null."`
	Metadata   map[string]any `json:"metadata" doc:"Who recorded it, and in which request."`
}

// exportTimeout bounds an export, which is as long as what is stored.
const exportTimeout = 5 * time.Minute

func (a *API) registerExports() {
	register(a, operation{
		id: "exportUser", method: http.MethodGet, path: "/users/profile/export", tag: tagUsers,
		summary: "Export own data",
		description: "Everything that is stored about the caller, as a file: the account, the API keys, and what in organizations is about the caller " +
			"or was done by them. It works also while the account is deactivated. The answer is streamed: if it breaks off, request it again. One export is written at a time.",
		authorization: ownAccount(), reads: []string{erasures.Name, apikeys.Name, referrals.Name}, timeout: exportTimeout,
		message: "the data of the caller", fails: []error{user.ErrNotFound},
	}, a.exportUser)
	register(a, operation{
		id: "exportOrganization", method: http.MethodGet, path: "/organizations/current/export", tag: tagOrganizations,
		summary: "Export organization data",
		description: "Everything that is stored about the organization, as a file: its profile, members and invitations, API keys without the keys, tokens, and what is recorded of its files. " +
			"Only owners can export it. The answer is streamed: if it breaks off, request it again. One export is written at a time.",
		authorization: permitted(access.ExportOrganization), reads: []string{erasures.Name, apikeys.Name, files.Name}, timeout: exportTimeout,
		message: "the data of the organization",
	}, a.exportOrganization)
}

func (a *API) exportUser(ctx context.Context, x *exchange, _ *struct{}) (reply[Export], error) {
	person := x.principal.UserID
	return a.exportOf("user", string(person), a.exports.User(ctx, person), x.op.message), nil
}

func (a *API) exportOrganization(ctx context.Context, x *exchange, _ *struct{}) (reply[Export], error) {
	name := x.principal.OrganizationID
	return a.exportOf("organization", string(name), a.exports.Organization(ctx, name), x.op.message), nil
}

// exportOf is an envelope whose records are written as they are read.
func (a *API) exportOf(kind, name string, records iter.Seq2[exporter.Record, error], message string) reply[Export] {
	header := http.Header{"Content-Disposition": {`attachment; filename="` + name + `.json"`}}
	return reply[Export]{header: header, raw: a.exporting.limited(name, &rawAnswer{write: func(_ context.Context, w *rawWriter, _ *http.Request) error {
		w.Header()["Content-Type"] = contentJSON
		var empty strings.Builder
		if err := writeJSON(&empty, Envelope[Export]{
			Success: true, Message: message,
			Data: Export{ExportedAt: Time{time.Now()}, Kind: kind, ID: name, Records: []ExportRecord{}},
		}); err != nil {
			return err
		}
		const list = `"records":[`
		before, after, _ := strings.Cut(empty.String(), list)
		out, separator := newRowWriter(w), before+list
		for r, err := range records {
			if err != nil {
				return err
			}
			if err := out.row(func(to io.Writer) error {
				if _, err := io.WriteString(to, separator); err != nil {
					return err
				}
				return writeJSON(to, ExportRecord{
					Stream: r.Stream, Revision: int64(r.Revision), Type: r.Type, RecordedAt: Time{r.At}, Data: r.Data, Metadata: r.Metadata,
				})
			}); err != nil {
				return err
			}
			separator = ","
		}
		if separator != "," {
			after = separator + after
		}
		if err := out.row(func(to io.Writer) error { _, err := io.WriteString(to, after); return err }); err != nil {
			return err
		}
		return out.end()
	}})}
}
