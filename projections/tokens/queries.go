package tokens

import (
	"context"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/view"
)

// ErrNotFound says that there is no such transaction, or none that the caller may
// see.
var ErrNotFound = failure.New(failure.NotFound, "TOKEN_TRANSACTION_NOT_FOUND", "there is no such token transaction")

// Transaction is an entry of a token account.
type Transaction struct {
	ID             id.TokenTransaction `db:"id"`
	OrganizationID id.Organization     `db:"organization_id"`
	// Sequence numbers the entries of an account from 1, without gaps.
	Sequence int64 `db:"sequence"`
	Type     Type  `db:"type"`
	// Amount is negative for a correction downwards only.
	Amount int64 `db:"amount"`
	// Reference names the operation or the grant, Reservation what a refund gives
	// back. Those that do not apply are empty, here and below.
	Reference   string          `db:"reference"`
	Reservation string          `db:"reservation"`
	Purpose     string          `db:"purpose"`
	FileID      string          `db:"file_id"`
	UserID      id.User         `db:"user_id"`
	ActorKind   event.ActorKind `db:"actor_kind"`
	ActorID     string          `db:"actor_id"`
	Reason      string          `db:"reason"`
	// ExpireAt is when a grant expires or a reservation times out; zero for never.
	ExpireAt   time.Time `db:"expire_at"`
	OccurredAt time.Time `db:"occurred_at"`
	// Movements are account=amount, separated by spaces.
	Movements string `db:"movements"`

	// What stands on the accounts after the entry.

	Issued     int64 `db:"issued"`
	Available  int64 `db:"available"`
	Held       int64 `db:"held"`
	Frozen     int64 `db:"frozen"`
	Consumed   int64 `db:"consumed"`
	Expired    int64 `db:"expired"`
	ClawedBack int64 `db:"clawed_back"`
	Debt       int64 `db:"debt"`
}

// Balance is what stands on the accounts after the entry.
func (t Transaction) Balance() tokenaccount.Balance {
	return tokenaccount.Balance{
		Issued: t.Issued, Available: t.Available, Held: t.Held, Frozen: t.Frozen,
		Consumed: t.Consumed, Expired: t.Expired, ClawedBack: t.ClawedBack, Debt: t.Debt,
	}
}

// Scope says which entries a caller may see: those of an organization, or if a
// user is named only what was spent on that user's behalf.
type Scope struct {
	OrganizationID id.Organization
	UserID         id.User
}

// Period is a time from From on and before To; zero ends are open.
type Period struct{ From, To time.Time }

// List declares the list of transactions. Within an account the sequence is the
// order in time.
var List = list.Spec{
	Sorts: []list.Sort{
		{Name: "createdAt", Expression: "t.sequence", Kind: list.Integer},
		{Name: "amount", Expression: "t.amount", Kind: list.Integer},
	},
	DefaultSort: "createdAt:desc",
	Filters: []list.Filter{
		{Name: "type", Expression: "t.type", Values: list.Values(Types...), Doc: "Only transactions of one of these types."},
		{Name: "fileId", Expression: "t.file_id", Doc: "Only what was reserved and spent for these files."},
	},
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// Get finds a transaction within a scope. It fails with ErrNotFound.
	Get func(context.Context, Scope, id.TokenTransaction) (Transaction, error)
	// List lists the transactions within a scope.
	List func(context.Context, Scope, Period, list.Request) (list.Page[Transaction], error)
	// Export reads all transactions of a list, oldest first, a few at a time. Only
	// the filters of the request count.
	Export func(context.Context, Scope, Period, list.Request) (iter.Seq2[Transaction, error], error)
	// Balance is what stands on the accounts now or in the past.
	Balance func(context.Context, id.Organization, AsOf) (Balance, error)
	// Statement reads what a statement of a period consists of.
	Statement func(context.Context, id.Organization, Period) (Statement, error)
	// Due returns organizations whose accounts have something due at a time, in
	// order, after one of them.
	Due func(ctx context.Context, at time.Time, after id.Organization, most int) ([]id.Organization, error)
	// Granted finds the transaction that granted tokens. It fails with ErrNotFound.
	Granted func(context.Context, id.Organization, tokenaccount.Reference) (id.TokenTransaction, error)
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{
		Get: r.get, List: r.list, Export: r.export, Balance: r.balance, Statement: r.statement, Due: r.due, Granted: r.granted,
	}
}

type reader struct{ db view.DB }

var columns = view.Of[Transaction]("t", nil)

// source is the list of a scope and a period.
func source(s Scope, p Period) list.Source[Transaction] {
	from, args := "FROM tokens.transactions t WHERE t.organization_id = @organization", pgx.NamedArgs{"organization": string(s.OrganizationID)}
	if s.UserID != "" {
		from += " AND t.user_id = @user"
		args["user"] = string(s.UserID)
	}
	if !p.From.IsZero() {
		from += " AND t.occurred_at >= @from"
		args["from"] = p.From
	}
	if !p.To.IsZero() {
		from += " AND t.occurred_at < @to"
		args["to"] = p.To
	}
	return list.Source[Transaction]{Spec: List, Columns: columns, From: from, Args: args, ID: "t.id"}
}

func (r reader) get(ctx context.Context, s Scope, name id.TokenTransaction) (Transaction, error) {
	of := source(s, Period{})
	of.Args["id"] = string(name)
	return columns.First(ctx, r.db, ErrNotFound, of.From+" AND t.id = @id", of.Args)
}

func (r reader) list(ctx context.Context, s Scope, p Period, request list.Request) (list.Page[Transaction], error) {
	return source(s, p).Read(ctx, r.db, request)
}

func (r reader) granted(ctx context.Context, organization id.Organization, g tokenaccount.Reference) (id.TokenTransaction, error) {
	found, err := view.Of[grantedBy]("g", nil).First(ctx, r.db, ErrNotFound, `FROM tokens.grants g
		WHERE g.organization_id = @organization AND g.reference = @reference AND g.reference_at = @at AND g.transaction_id <> ''`,
		pgx.NamedArgs{"organization": string(organization), "reference": g.ID, "at": g.At})
	return found.ID, err
}

type grantedBy struct {
	ID id.TokenTransaction `db:"transaction_id"`
}
