package audit

import (
	"context"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/view"
)

// Entry is a line of an organization's audit log. Empty texts are absent.
type Entry struct {
	ID         string    `db:"id"`
	RecordedAt time.Time `db:"recorded_at"`
	// Action is the name of the event, or of the operation that was refused.
	Action  string  `db:"action"`
	Outcome Outcome `db:"outcome"`
	// Code is why something was refused, and Times how often in that minute.
	Code      string          `db:"code"`
	Times     int64           `db:"times"`
	ActorKind event.ActorKind `db:"actor_kind"`
	ActorID   string          `db:"actor_id"`
	// ActorUserID is the person behind the actor. FirstName and LastName are as
	// they are now, and empty for somebody who was erased.
	ActorUserID id.User       `db:"actor_user_id"`
	FirstName   personal.Text `db:"first_name"`
	LastName    personal.Text `db:"last_name"`
	TargetType  string        `db:"target_type"`
	TargetID    string        `db:"target_id"`
	// ClientAddress and UserAgent are empty once they are older than is allowed.
	ClientAddress personal.Text `db:"client_address"`
	UserAgent     personal.Text `db:"user_agent"`
	RequestID     string        `db:"request_id"`
	CorrelationID string        `db:"correlation_id"`
}

// Scope says which entries are asked for: those of an organization, of a time.
type Scope struct {
	OrganizationID id.Organization
	// From and To bound RecordedAt, To excluded; zero says no bound.
	From, To time.Time
	// AddressesFrom is the time before which addresses and agents are not told.
	AddressesFrom time.Time
}

// List declares the list of entries.
var List = list.Spec{
	Sorts:       []list.Sort{{Name: "time", Expression: "e.position", Kind: list.Integer}},
	DefaultSort: "time:desc",
	Filters: []list.Filter{
		{Name: "action", Expression: "e.action", Doc: "Only these actions: names of events, or of operations that were refused."},
		{
			Name: "outcome", Expression: "e.outcome", Values: list.Values(Done, Refused),
			Doc: "Only what was done, or only what was refused.",
		},
		{
			Name: "actorKind", Expression: "e.actor_kind",
			Values: list.Values(event.ActorUser, event.ActorKey, event.ActorSystem, event.ActorPolicy),
			Doc:    "Only acts of these kinds of actor.",
		},
		{Name: "actorId", Expression: "e.actor_id", Doc: "Only acts of these actors."},
		{Name: "userId", Expression: "e.actor_user_id", Doc: "Only acts of these people, by their keys too."},
		{Name: "targetType", Expression: "e.target_type", Doc: "Only acts on things of these types."},
		{Name: "targetId", Expression: "e.target_id", Doc: "Only acts on these things."},
		{Name: "requestId", Expression: "e.request_id", Doc: "Only acts of these requests."},
		{Name: "correlationId", Expression: "e.correlation_id", Doc: "Only what these requests set in motion."},
	},
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// List lists the entries within a scope.
	List func(context.Context, Scope, list.Request) (list.Page[Entry], error)
	// Each yields all entries within a scope that a request selects, in its order.
	// It holds few of them in memory, and no connection while it waits for the
	// reader. It ends with the first error.
	Each func(context.Context, Scope, list.Request) iter.Seq2[Entry, error]
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{List: r.list, Each: r.each}
}

type reader struct{ db view.DB }

var columns = view.Of[Entry]("e", map[string]string{
	"first_name": "coalesce(p.first_name, '')", "last_name": "coalesce(p.last_name, '')",
	"client_address": "CASE WHEN e.recorded_at >= @addresses THEN e.client_address ELSE '' END",
	"user_agent":     "CASE WHEN e.recorded_at >= @addresses THEN e.user_agent ELSE '' END",
})

func source(s Scope) list.Source[Entry] {
	source := list.Source[Entry]{
		Spec: List, Columns: columns, ID: "e.id",
		From: `FROM audit.entries e LEFT JOIN users.profiles p ON p.id = e.actor_user_id WHERE e.organization_id = @organization`,
		Args: pgx.NamedArgs{"organization": string(s.OrganizationID), "addresses": s.AddressesFrom},
	}
	if !s.From.IsZero() {
		source.From += " AND e.recorded_at >= @from"
		source.Args["from"] = s.From
	}
	if !s.To.IsZero() {
		source.From += " AND e.recorded_at < @to"
		source.Args["to"] = s.To
	}
	return source
}

func (r reader) list(ctx context.Context, s Scope, request list.Request) (list.Page[Entry], error) {
	return source(s).Read(ctx, r.db, request)
}

func (r reader) each(ctx context.Context, s Scope, request list.Request) iter.Seq2[Entry, error] {
	return source(s).Each(ctx, r.db, request)
}
