package referrals

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/view"
)

// ErrTransactionNotFound says that there is no such transaction, or none that the
// caller may see.
var ErrTransactionNotFound = failure.New(failure.NotFound, "REFERRER_TRANSACTION_NOT_FOUND",
	"there is no such referrer transaction")

// Referrer is a referrer.
type Referrer struct {
	ID           id.Referrer     `db:"id"`
	UserID       id.User         `db:"user_id"`
	Code         string          `db:"code"`
	TermsVersion string          `db:"terms_version"`
	PayoutMethod referrer.Method `db:"payout_method"`
	PayoutEmail  personal.Text   `db:"payout_email"`
	Suspended    bool            `db:"suspended"`
	EnrolledAt   time.Time       `db:"enrolled_at"`
	UpdatedAt    time.Time       `db:"updated_at"`
	Revision     event.Revision  `db:"revision"`
}

// Of returns a referrer as the model shows it, but for the revision, which a state
// does not hold.
func Of(s referrer.State) Referrer {
	return Referrer{
		ID: s.ID, UserID: s.UserID, Code: s.Code, TermsVersion: s.TermsVersion, PayoutMethod: s.PayoutMethod,
		PayoutEmail: s.PayoutEmail, Suspended: s.Suspended, EnrolledAt: s.EnrolledAt, UpdatedAt: s.UpdatedAt,
	}
}

// Campaign is a campaign of a referrer.
type Campaign struct {
	ID          id.Campaign `db:"id"`
	ReferrerID  id.Referrer `db:"referrer_id"`
	Name        string      `db:"name"`
	Code        string      `db:"code"`
	Destination string      `db:"destination"`
	UTMSource   string      `db:"utm_source"`
	UTMMedium   string      `db:"utm_medium"`
	UTMCampaign string      `db:"utm_campaign"`
	UTMTerm     string      `db:"utm_term"`
	UTMContent  string      `db:"utm_content"`
	// StartAt, EndAt and EndedAt are zero for none.
	StartAt   time.Time      `db:"start_at"`
	EndAt     time.Time      `db:"end_at"`
	EndedAt   time.Time      `db:"ended_at"`
	CreatedAt time.Time      `db:"created_at"`
	UpdatedAt time.Time      `db:"updated_at"`
	Revision  event.Revision `db:"revision"`
}

// Status is where the campaign is at a time.
func (c Campaign) Status(at time.Time) campaign.Status {
	return campaign.State{StartAt: c.StartAt, EndAt: c.EndAt, EndedAt: c.EndedAt}.Status(at)
}

// UTM are the parameters of the campaign.
func (c Campaign) UTM() campaign.UTM {
	return campaign.UTM{Source: c.UTMSource, Medium: c.UTMMedium, Name: c.UTMCampaign, Term: c.UTMTerm, Content: c.UTMContent}
}

// CampaignOf returns a campaign as the model shows it, but for the revision.
func CampaignOf(s campaign.State) Campaign {
	return Campaign{
		ID: s.ID, ReferrerID: s.ReferrerID, Name: s.Name, Code: s.Code, Destination: s.Destination,
		UTMSource: s.UTM.Source, UTMMedium: s.UTM.Medium, UTMCampaign: s.UTM.Name, UTMTerm: s.UTM.Term, UTMContent: s.UTM.Content,
		StartAt: s.StartAt, EndAt: s.EndAt, EndedAt: s.EndedAt, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

// Transaction is an entry of a referrer's account.
type Transaction struct {
	ID         string      `db:"id"`
	ReferrerID id.Referrer `db:"referrer_id"`
	Sequence   int64       `db:"sequence"`
	Type       Type        `db:"type"`
	// Amount is what the entry adds to the account: negative for withdrawals, and for
	// reversals that were not undone.
	Amount       int64           `db:"amount"`
	Currency     string          `db:"currency"`
	PaymentID    id.Payment      `db:"payment_id"`
	CampaignID   id.Campaign     `db:"campaign_id"`
	WithdrawalID string          `db:"withdrawal_id"`
	PayoutMethod referrer.Method `db:"payout_method"`
	// Status is as of the time of the query.
	Status string `db:"status"`
	// Remaining is what is left of a commission, MaturesAt when it can be withdrawn;
	// both are zero for the other types.
	Remaining int64     `db:"remaining"`
	MaturesAt time.Time `db:"matures_at"`
	Approvals int64     `db:"approvals"`
	CreatedAt time.Time `db:"created_at"`
	UpdatedAt time.Time `db:"updated_at"`
}

// The statuses of a commission. Those of a withdrawal are referrer.Status; all
// other entries are booked.
const (
	StatusHeld      = "held"
	StatusAvailable = "available"
	StatusDisputed  = "disputed"
	StatusReversed  = "reversed"
	StatusBooked    = statusBooked
)

// Statuses returns all statuses of transactions.
func Statuses() []string {
	return append([]string{StatusHeld, StatusAvailable, StatusDisputed, StatusReversed, StatusBooked}, list.Values(
		referrer.StatusRequested, referrer.StatusApproved, referrer.StatusSent, referrer.StatusUncertain, referrer.StatusPaid,
		referrer.StatusFailed, referrer.StatusRejected, referrer.StatusStopped, referrer.StatusReturned)...)
}

// status is that of a transaction at a time.
const status = `CASE WHEN t.type <> 'commission' THEN t.status WHEN c.net = 0 THEN 'reversed' WHEN c.disputed THEN 'disputed'
	WHEN c.matures_at > @now THEN 'held' ELSE 'available' END`

// Period is a time from From on and before To; zero ends are open.
type Period struct{ From, To time.Time }

// TransactionList declares the list of transactions.
var TransactionList = list.Spec{
	Sorts: []list.Sort{
		{Name: "createdAt", Expression: "t.created_at", Kind: list.Time},
		{Name: "amount", Expression: "t.amount", Kind: list.Integer},
	},
	DefaultSort: "createdAt:desc",
	Filters: []list.Filter{
		{
			Name: "type", Expression: "t.type", Values: list.Values(TypeCommission, TypeReversal, TypeWithdrawal, TypeReturn),
			Doc: "Only transactions of one of these types.",
		},
		{Name: "status", Expression: status, Values: Statuses(), Doc: "Only transactions with one of these statuses."},
		{Name: "campaignId", Expression: "t.campaign_id", Doc: "Only commissions and reversals of these campaigns."},
	},
}

// campaignStatus is that of campaign.State.Status.
const campaignStatus = `CASE WHEN c.ended_at <= @now OR c.end_at <= @now THEN 'ended' WHEN c.start_at > @now THEN 'scheduled' ELSE 'active' END`

// CampaignList declares the list of campaigns.
var CampaignList = list.Spec{
	Sorts: []list.Sort{
		{Name: "createdAt", Expression: "c.created_at", Kind: list.Time},
		{Name: "updatedAt", Expression: "c.updated_at", Kind: list.Time},
		{Name: "name", Expression: "lower(c.name)", Kind: list.Text},
	},
	DefaultSort: "createdAt:desc",
	Filters: []list.Filter{{
		Name: "status", Expression: campaignStatus,
		Values: list.Values(campaign.StatusScheduled, campaign.StatusActive, campaign.StatusEnded),
		Doc:    "Only campaigns with one of these statuses.",
	}},
	Search: []string{"c.name", "c.code"},
}

// Link is what a code leads to.
type Link struct {
	Code       string      `db:"code"`
	ReferrerID id.Referrer `db:"referrer_id"`
	// CampaignID is empty for a referrer's own code, and so is all that follows but
	// Suspended and Changed.
	CampaignID  id.Campaign `db:"campaign_id"`
	Destination string      `db:"destination"`
	UTMSource   string      `db:"utm_source"`
	UTMMedium   string      `db:"utm_medium"`
	UTMCampaign string      `db:"utm_campaign"`
	UTMTerm     string      `db:"utm_term"`
	UTMContent  string      `db:"utm_content"`
	StartAt     time.Time   `db:"start_at"`
	EndAt       time.Time   `db:"end_at"`
	EndedAt     time.Time   `db:"ended_at"`
	Suspended   bool        `db:"suspended"`
	// Changed is where in the log the link changed last.
	Changed int64 `db:"changed"`
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// Get finds a referrer. It fails with referrer.ErrNotFound.
	Get func(context.Context, id.Referrer) (Referrer, error)
	// Balance is where a referrer's money is at a time.
	Balance func(context.Context, id.Referrer, time.Time) (referrer.Balance, error)
	// Transaction finds a transaction of a referrer, as it is at a time; of any
	// referrer if that is empty. It fails with ErrTransactionNotFound.
	Transaction func(ctx context.Context, of id.Referrer, name string, now time.Time) (Transaction, error)
	// Transactions lists the transactions of a referrer, or of all if that is empty.
	Transactions func(context.Context, id.Referrer, Period, time.Time, list.Request) (list.Page[Transaction], error)
	// Campaign finds a campaign of a referrer. It fails with campaign.ErrNotFound.
	Campaign func(context.Context, id.Referrer, id.Campaign) (Campaign, error)
	// Campaigns lists the campaigns of a referrer, as they are at a time.
	Campaigns func(context.Context, id.Referrer, time.Time, list.Request) (list.Page[Campaign], error)
	// CampaignsOf returns the ids of all campaigns of a referrer.
	CampaignsOf func(context.Context, id.Referrer) ([]id.Campaign, error)
	// Links returns some of the links that changed at a place of the log or later, in
	// the order of their changes.
	Links func(ctx context.Context, since int64, most int) ([]Link, error)
	// Due returns referrers with commissions that have matured by the clock and are
	// not recorded so, in order, after one of them.
	Due func(ctx context.Context, at time.Time, after id.Referrer, most int) ([]id.Referrer, error)
	// Withdrawals returns the ids of withdrawals with one of some statuses that have
	// it since a time or longer, in order, after one of them.
	Withdrawals func(ctx context.Context, since time.Time, after string, most int, statuses ...referrer.Status) ([]string, error)
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{
		Get: r.get, Balance: r.balance, Transaction: r.transaction, Transactions: r.transactions,
		Campaign: r.campaign, Campaigns: r.campaigns, CampaignsOf: r.campaignsOf, Links: r.links, Due: r.due, Withdrawals: r.withdrawals,
	}
}

type reader struct{ db view.DB }

var (
	referrerColumns    = view.Of[Referrer]("r", nil)
	campaignColumns    = view.Of[Campaign]("c", nil)
	transactionColumns = view.Of[Transaction]("t", map[string]string{
		"status": status, "remaining": "coalesce(c.net, 0)", "matures_at": "c.matures_at",
		"approvals": "(SELECT count(*) FROM referrals.approvals a WHERE a.transaction_id = t.id)",
	})
	linkColumns = view.Of[Link]("l", nil)
)

func (r reader) get(ctx context.Context, name id.Referrer) (Referrer, error) {
	return referrerColumns.First(ctx, r.db, referrer.ErrNotFound, "FROM referrals.referrers r WHERE r.id = @id", pgx.NamedArgs{"id": string(name)})
}

type sums struct {
	Earned      int64 `db:"earned"`
	Held        int64 `db:"held"`
	Withdrawing int64 `db:"withdrawing"`
	Withdrawn   int64 `db:"withdrawn"`
}

var sumColumns = view.Of[sums]("s", map[string]string{
	"earned": "coalesce((SELECT sum(c.net) FROM referrals.commissions c WHERE c.referrer_id = @id), 0)::bigint",
	"held": `coalesce((SELECT sum(c.net) FROM referrals.commissions c
		WHERE c.referrer_id = @id AND (c.disputed OR c.matures_at > @now)), 0)::bigint`,
	"withdrawing": `coalesce((SELECT -sum(t.amount) FROM referrals.transactions t WHERE t.referrer_id = @id
		AND t.type = 'withdrawal' AND t.status IN ('requested', 'approved', 'sent', 'uncertain')), 0)::bigint`,
	"withdrawn": `coalesce((SELECT -sum(t.amount) FROM referrals.transactions t WHERE t.referrer_id = @id
		AND t.type = 'withdrawal' AND t.status = 'paid'), 0)::bigint`,
})

func (r reader) balance(ctx context.Context, name id.Referrer, now time.Time) (referrer.Balance, error) {
	s, err := sumColumns.First(ctx, r.db, errors.New("no sums"), "FROM (SELECT 1) s", pgx.NamedArgs{"id": string(name), "now": now})
	return referrer.BalanceOf(s.Earned, s.Held, s.Withdrawing, s.Withdrawn), err
}

// entries is the list of a referrer's transactions.
func entries(of id.Referrer, p Period, now time.Time) list.Source[Transaction] {
	from := `FROM referrals.transactions t LEFT JOIN referrals.commissions c ON c.payment_id = t.payment_id AND t.type = 'commission'
		WHERE true`
	args := pgx.NamedArgs{"now": now}
	if of != "" {
		from += " AND t.referrer_id = @referrer"
		args["referrer"] = string(of)
	}
	if !p.From.IsZero() {
		from += " AND t.created_at >= @from"
		args["from"] = p.From
	}
	if !p.To.IsZero() {
		from += " AND t.created_at < @to"
		args["to"] = p.To
	}
	return list.Source[Transaction]{Spec: TransactionList, Columns: transactionColumns, From: from, Args: args, ID: "t.id"}
}

func (r reader) transaction(ctx context.Context, of id.Referrer, name string, now time.Time) (Transaction, error) {
	source := entries(of, Period{}, now)
	source.Args["id"] = name
	return transactionColumns.First(ctx, r.db, ErrTransactionNotFound, source.From+" AND t.id = @id", source.Args)
}

func (r reader) transactions(ctx context.Context, of id.Referrer, p Period, now time.Time, request list.Request) (list.Page[Transaction], error) {
	return entries(of, p, now).Read(ctx, r.db, request)
}

func (r reader) campaign(ctx context.Context, of id.Referrer, name id.Campaign) (Campaign, error) {
	return campaignColumns.First(ctx, r.db, campaign.ErrNotFound,
		"FROM referrals.campaigns c WHERE c.id = @id AND c.referrer_id = @referrer", pgx.NamedArgs{"id": string(name), "referrer": string(of)})
}

func (r reader) campaigns(ctx context.Context, of id.Referrer, now time.Time, request list.Request) (list.Page[Campaign], error) {
	return list.Source[Campaign]{
		Spec: CampaignList, Columns: campaignColumns, From: "FROM referrals.campaigns c WHERE c.referrer_id = @referrer",
		Args: pgx.NamedArgs{"referrer": string(of), "now": now}, ID: "c.id",
	}.Read(ctx, r.db, request)
}

func (r reader) campaignsOf(ctx context.Context, of id.Referrer) ([]id.Campaign, error) {
	rows, err := r.db.Query(ctx, "SELECT id FROM referrals.campaigns WHERE referrer_id = $1 ORDER BY id", string(of))
	if err != nil {
		return nil, fmt.Errorf("read the campaigns of a referrer: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.Campaign])
}

func (r reader) links(ctx context.Context, since int64, most int) ([]Link, error) {
	rows, err := r.db.Query(ctx, "SELECT "+linkColumns.SQL()+` FROM (
		(SELECT c.code, c.referrer_id, c.id AS campaign_id, c.destination, c.utm_source, c.utm_medium, c.utm_campaign, c.utm_term,
			c.utm_content, c.start_at, c.end_at, c.ended_at, false AS suspended, c.changed
		FROM referrals.campaigns c WHERE c.changed >= @since ORDER BY c.changed LIMIT @most)
		UNION ALL
		(SELECT r.code, r.id, '', '', '', '', '', '', '', NULL, NULL, NULL, r.suspended, r.changed
		FROM referrals.referrers r WHERE r.changed >= @since ORDER BY r.changed LIMIT @most)
		) l ORDER BY l.changed LIMIT @most`, pgx.NamedArgs{"since": since, "most": most})
	if err != nil {
		return nil, fmt.Errorf("read referral links: %w", err)
	}
	return pgx.CollectRows(rows, linkColumns.Scan)
}

func (r reader) due(ctx context.Context, at time.Time, after id.Referrer, most int) ([]id.Referrer, error) {
	rows, err := r.db.Query(ctx, `SELECT DISTINCT c.referrer_id FROM referrals.commissions c
		WHERE NOT c.matured AND NOT c.disputed AND c.matures_at <= @at AND c.referrer_id > @after
		ORDER BY c.referrer_id LIMIT @most`, pgx.NamedArgs{"at": at, "after": string(after), "most": most})
	if err != nil {
		return nil, fmt.Errorf("find commissions that have matured: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.Referrer])
}

func (r reader) withdrawals(ctx context.Context, since time.Time, after string, most int, statuses ...referrer.Status) ([]string, error) {
	rows, err := r.db.Query(ctx, `SELECT t.id FROM referrals.transactions t
		WHERE t.type = 'withdrawal' AND t.status = ANY(@statuses) AND t.updated_at <= @since AND t.id > @after ORDER BY t.id LIMIT @most`,
		pgx.NamedArgs{"statuses": list.Values(statuses...), "since": since, "after": after, "most": most})
	if err != nil {
		return nil, fmt.Errorf("find withdrawals: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
