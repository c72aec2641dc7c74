package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/list"
	ledger "github.com/perfectworks/backend/projections/tokens"
)

// TokenAccounts is what stands on the accounts of the double entry.
type TokenAccounts struct {
	Issued     int64 `json:"issued" doc:"Minus all that ever came in." example:"-1000"`
	Available  int64 `json:"available" doc:"What can be spent." example:"940"`
	Held       int64 `json:"held" doc:"What reservations hold." example:"20"`
	Frozen     int64 `json:"frozen" doc:"What a dispute about a payment withholds." example:"0"`
	Consumed   int64 `json:"consumed" doc:"What was spent." example:"40"`
	Expired    int64 `json:"expired" example:"0"`
	ClawedBack int64 `json:"clawedBack" doc:"What was taken back because its payment was returned." example:"0"`
	Debt       int64 `json:"debt" doc:"Zero or negative: what is owed after tokens were taken back that had been spent." example:"0"`
}

func accountsOf(b tokenaccount.Balance) TokenAccounts {
	return TokenAccounts{
		Issued: b.Issued, Available: b.Available, Held: b.Held, Frozen: b.Frozen,
		Consumed: b.Consumed, Expired: b.Expired, ClawedBack: b.ClawedBack, Debt: b.Debt,
	}
}

// TokenActor is who caused a transaction.
type TokenActor struct {
	Kind string `json:"kind" enum:"user,key,system,policy" example:"policy"`
	ID   string `json:"id" doc:"The id of the person or key, or the name of the policy." example:"capture-tokens-of-remediated-file"`
}

// TokenMovement is what a transaction adds to an account.
type TokenMovement struct {
	Account string `json:"account" enum:"issued,available,held,frozen,consumed,expired,clawedBack,debt" example:"held"`
	Amount  int64  `json:"amount" doc:"Negative when tokens leave the account. The movements of a transaction sum to zero." example:"-20"`
}

// TokenTransaction is an entry of the organization's token account.
type TokenTransaction struct {
	ID            string          `json:"id" example:"txn_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Type          string          `json:"type" enum:"grant,adjustment,reservation,capture,release,timeout,refund,expiry,clawback,clawbackReversal,freeze,thaw" example:"capture"`
	Amount        int64           `json:"amount" doc:"How many tokens it is about. Only a correction downwards is negative." example:"20"`
	BalanceAfter  *int64          `json:"balanceAfter,omitempty" doc:"What could be spent afterwards. Members do not get it." example:"960"`
	AccountsAfter *TokenAccounts  `json:"accountsAfter,omitempty" doc:"What stood on all accounts afterwards. Members do not get it."`
	Movements     []TokenMovement `json:"movements,omitempty" doc:"Members do not get them."`
	Reference     string          `json:"reference" doc:"Names the operation or the grant: a reservation and what ends it have the same one." example:"remediation/file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Reservation   *string         `json:"reservation" example:"" doc:"The reference of the reservation that a refund gives back; else null."`
	Purpose       *string         `json:"purpose" doc:"What tokens were reserved for; null for other transactions." example:"accessibility"`
	FileID        *string         `json:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	UserID        *string         `json:"userId" doc:"On whose behalf tokens were spent." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Actor         TokenActor      `json:"actor"`
	Reason        *string         `json:"reason" example:"" doc:"Why the account was corrected by hand; else null."`
	ExpireAt      *Time           `json:"expireAt" nullable:"true" example:"" doc:"When what was granted expires, or what was reserved times out; null for other transactions, and for grants that do not expire."`
	CreatedAt     Time            `json:"createdAt"`
}

// transactionOf shows a transaction to those who see all, or its own to a member.
func transactionOf(t ledger.Transaction, all bool) TokenTransaction {
	out := TokenTransaction{
		ID: string(t.ID), Type: string(t.Type), Amount: t.Amount,
		Reference: t.Reference, Reservation: optional(t.Reservation),
		Purpose: optional(t.Purpose), FileID: optional(t.FileID), UserID: optional(string(t.UserID)),
		Actor: TokenActor{Kind: string(t.ActorKind), ID: t.ActorID}, Reason: optional(t.Reason),
		ExpireAt: optionalTime(t.ExpireAt), CreatedAt: Time{t.OccurredAt},
	}
	if all {
		accounts := accountsOf(t.Balance())
		out.BalanceAfter, out.AccountsAfter, out.Movements = &accounts.Available, &accounts, movementsOf(t.Movements)
	}
	return out
}

func movementsOf(text string) []TokenMovement {
	out := []TokenMovement{}
	for movement := range strings.FieldsSeq(text) {
		account, amount, _ := strings.Cut(movement, "=")
		n, err := strconv.ParseInt(amount, 10, 64)
		if err == nil {
			out = append(out, TokenMovement{Account: account, Amount: n})
		}
	}
	return out
}

// TokenGrant is a part of the balance.
type TokenGrant struct {
	Reference string `json:"reference" example:"payment/pay_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Source    string `json:"source" enum:"welcome,purchase,adjustment" example:"purchase"`
	Priority  int    `json:"priority" doc:"Grants with lower numbers are spent first; among equals the one that expires first, then the oldest." example:"30"`
	Amount    int64  `json:"amount" doc:"How many tokens were granted." example:"1000"`
	Available int64  `json:"available" example:"940"`
	Held      int64  `json:"held" example:"20"`
	Frozen    int64  `json:"frozen" example:"0"`
	ExpireAt  *Time  `json:"expireAt" nullable:"true" doc:"The instant from which it can no longer be spent; null if it does not expire."`
}

// TokenBalance is the organization's token account at a time.
type TokenBalance struct {
	Available int64         `json:"available" doc:"What can be spent: settled minus held and frozen." example:"940"`
	Held      int64         `json:"held" doc:"What reservations hold." example:"20"`
	Frozen    int64         `json:"frozen" doc:"What a dispute about a payment withholds." example:"0"`
	Settled   int64         `json:"settled" doc:"All that belongs to the organization." example:"960"`
	Debt      int64         `json:"debt" doc:"What is owed; new grants repay it first, and nothing can be spent until then." example:"0"`
	Accounts  TokenAccounts `json:"accounts" doc:"What stands on the accounts of the double entry. They sum to zero."`
	Grants    []TokenGrant  `json:"grants" doc:"The grants that are not spent, in the order in which they are."`
	AsOf      Time          `json:"asOf" doc:"The time that the balance is of."`
}

func balanceOf(b ledger.Balance) TokenBalance {
	out := TokenBalance{
		Available: b.Accounts.Available, Held: b.Accounts.Held, Frozen: b.Accounts.Frozen,
		Settled: b.Accounts.Settled(), Debt: -b.Accounts.Debt,
		Accounts: accountsOf(b.Accounts), Grants: []TokenGrant{}, AsOf: Time{b.At},
	}
	for _, g := range b.Grants {
		out.Grants = append(out.Grants, TokenGrant{
			Reference: g.Reference.ID, Source: string(g.Source), Priority: g.Priority, Amount: g.Amount,
			Available: g.Available, Held: g.Held, Frozen: g.Frozen, ExpireAt: optionalTime(g.ExpireAt),
		})
	}
	return out
}

var tagTokens = tag{"Token transactions", "The tokens of the organization, and what became of them."}

// tokenExportTimeout bounds how long the whole of an account may take to be written.
const tokenExportTimeout = 30 * time.Minute

func (a *API) registerTokens() {
	read := permitted(access.ReadTokens)
	register(a, operation{
		id: "listTokenTransactions", method: http.MethodGet, path: "/token-transactions", tag: tagTokens,
		summary: "List token transactions",
		description: "Members see only what was spent on their own behalf, without the balance. " +
			"With `format=csv` the answer has all transactions that match, oldest first; page, limit, cursor and sort then mean nothing.",
		authorization: read, reads: []string{ledger.Name}, list: &ledger.List, message: "the token transactions",
		produces: []string{mediaCSV}, timeout: tokenExportTimeout,
	}, a.listTokenTransactions)
	register(a, operation{
		id: "getTokenBalance", method: http.MethodGet, path: "/token-transactions/balance", tag: tagTokens,
		summary: "Get token balance",
		description: "What has expired or timed out by the clock counts from that instant on. " +
			"Of the past, the balance is the one after the last transaction at the time or position.",
		authorization: read, reads: []string{ledger.Name}, message: "the token balance",
	}, a.getTokenBalance)
	a.registerStatements()
	register(a, operation{
		id: "getTokenTransaction", method: http.MethodGet, path: "/token-transactions/{id}", tag: tagTokens,
		summary: "Get token transaction", description: "Members see only what was spent on their own behalf, without the balance.",
		authorization: read, reads: []string{ledger.Name}, message: "the token transaction",
		fails: []error{ledger.ErrNotFound},
	}, a.getTokenTransaction)
}

// visibleTransactions returns what a caller may see, and whether that is all.
func visibleTransactions(p access.Principal) (scope ledger.Scope, all bool, err error) {
	scope = ledger.Scope{OrganizationID: p.OrganizationID}
	if p.May(access.ReadTokensOfOthers) {
		return scope, true, nil
	}
	if scope.UserID = p.UserID; scope.UserID == "" {
		return scope, false, access.ErrForbidden
	}
	return scope, false, nil
}

// PeriodInput limits a list to a time.
type PeriodInput struct {
	From string `query:"from" format:"date-time" doc:"Only what happened at this time or later." example:"2025-12-01T00:00:00.000Z"`
	To   string `query:"to" format:"date-time" doc:"Only what happened before this time." example:"2026-01-01T00:00:00.000Z"`
}

func (in PeriodInput) period(wrong *failure.Fields) ledger.Period {
	p := ledger.Period{From: timeIn(wrong, "from", in.From), To: timeIn(wrong, "to", in.To)}
	if !p.To.IsZero() && p.To.Before(p.From) {
		wrong.Add("to", input.CodeRange, "must not be before from")
	}
	return p
}

// timeIn reads a time from a query; the zero time when there is none.
func timeIn(wrong *failure.Fields, field, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	// Beyond these years, Postgres and RFC 3339 do not agree.
	if err != nil || strings.Contains(text, ",") || at.Year() < 1 || at.Year() > 9999 {
		wrong.Add(field, input.CodeFormat, "must be an RFC 3339 time")
		return time.Time{}
	}
	return at.UTC()
}

type listTokenTransactionsInput struct {
	ListInput
	PeriodInput
	Format string `query:"format" enum:"json,csv" doc:"json (the default) or csv." example:"json"`
}

func (a *API) listTokenTransactions(ctx context.Context, x *exchange, in *listTokenTransactionsInput) (reply[Page[TokenTransaction]], error) {
	var wrong failure.Fields
	period := in.period(&wrong)
	scope, all, err := visibleTransactions(x.principal)
	if wrong.Err() != nil {
		err = wrong.Err()
	}
	if err != nil {
		return reply[Page[TokenTransaction]]{}, err
	}
	if in.Format == "csv" {
		return a.exportTokenTransactions(ctx, scope, period, in.request(x), all)
	}
	page, err := a.queries.Tokens.List(ctx, scope, period, in.request(x))
	if err != nil {
		return reply[Page[TokenTransaction]]{}, err
	}
	return reply[Page[TokenTransaction]]{data: pageOf(page, func(t ledger.Transaction) TokenTransaction {
		return transactionOf(t, all)
	})}, nil
}

func (a *API) getTokenTransaction(ctx context.Context, x *exchange, in *struct {
	ID string `path:"id" example:"txn_01jd9z3q5we8x9v6m2k4t7r1b9"`
},
) (reply[TokenTransaction], error) {
	scope, all, err := visibleTransactions(x.principal)
	if err != nil {
		return reply[TokenTransaction]{}, err
	}
	if !id.Valid(id.TokenTransaction(in.ID)) {
		return reply[TokenTransaction]{}, ledger.ErrNotFound
	}
	t, err := a.queries.Tokens.Get(ctx, scope, id.TokenTransaction(in.ID))
	if err != nil {
		return reply[TokenTransaction]{}, err
	}
	return reply[TokenTransaction]{data: transactionOf(t, all)}, nil
}

func (a *API) getTokenBalance(ctx context.Context, x *exchange, in *struct {
	AsOf string `query:"asOf" doc:"A time, or a position as X-Position gives it: the balance is then the one of the past. By default it is that of now." example:"2025-12-31T23:59:59.000Z"`
},
) (reply[TokenBalance], error) {
	as, err := asOf(in.AsOf, time.Now())
	if err != nil {
		return reply[TokenBalance]{}, err
	}
	if _, err := a.fresh.await(ctx, x.op.reads, as.Position); err != nil {
		return reply[TokenBalance]{}, err
	}
	b, err := a.queries.Tokens.Balance(ctx, x.principal.OrganizationID, as)
	if err != nil {
		return reply[TokenBalance]{}, err
	}
	return reply[TokenBalance]{data: balanceOf(b)}, nil
}

// asOf reads what a balance is asked for; by default, now.
func asOf(text string, now time.Time) (ledger.AsOf, error) {
	var wrong failure.Fields
	as := ledger.AsOf{Time: now}
	switch {
	case text == "":
	case strings.HasPrefix(text, "C:"):
		var err error
		if as.Position, err = event.ParsePosition(text); err != nil || as.Position.IsZero() {
			wrong.Add("asOf", input.CodeFormat, "must be an RFC 3339 time, or a position as X-Position gives it")
		}
	default:
		if as.Time = timeIn(&wrong, "asOf", text); as.Time.After(now) {
			wrong.Add("asOf", input.CodeRange, "must not lie in the future")
		}
	}
	return as, wrong.Err()
}

// exportTokenTransactions answers with all transactions as comma-separated
// values. They carry no hashes: what is filtered is no proof.
func (a *API) exportTokenTransactions(ctx context.Context, scope ledger.Scope, period ledger.Period, request list.Request, all bool) (reply[Page[TokenTransaction]], error) {
	rows, err := a.queries.Tokens.Export(ctx, scope, period, request)
	if err != nil {
		return reply[Page[TokenTransaction]]{}, err
	}
	columns := []string{"id", "createdAt", "type", "amount", "reference", "reservation", "purpose", "fileId", "userId", "actorKind", "actorId", "reason", "expireAt"}
	if all {
		columns = append(columns, "balanceAfter")
		for _, account := range tokenaccount.Accounts {
			columns = append(columns, string(account)+"After")
		}
	}
	out := reply[Page[TokenTransaction]]{raw: csvOf(columns, func(yield func([]string, error) bool) {
		row := make([]string, 0, len(columns))
		for t, err := range rows {
			row = append(row[:0],
				string(t.ID), t.OccurredAt.UTC().Format(timeLayout), string(t.Type), strconv.FormatInt(t.Amount, 10), t.Reference, t.Reservation,
				t.Purpose, t.FileID, string(t.UserID), string(t.ActorKind), t.ActorID, t.Reason, timeCell(t.ExpireAt))
			if b := t.Balance(); all {
				row = append(row, strconv.FormatInt(b.Available, 10))
				for _, account := range tokenaccount.Accounts {
					row = append(row, strconv.FormatInt(b.Of(account), 10))
				}
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	})}
	out.header = http.Header{"Content-Disposition": {`attachment; filename="token-transactions.csv"`}}
	return out, nil
}

func timeCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}
