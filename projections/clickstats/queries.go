package clickstats

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/view"
)

// Scope says what is counted: the links of a referrer, or one of its campaigns, in
// the whole quarters of an hour that begin at From or later, and before To.
type Scope struct {
	ReferrerID id.Referrer
	// CampaignID is empty for all links.
	CampaignID id.Campaign
	From, To   time.Time
}

// Numbers are what came of links.
type Numbers struct {
	// Clicks are those of humans.
	Clicks int64 `db:"clicks"`
	// Visitors are different ones on each UTC day and link.
	Visitors    int64 `db:"visitors"`
	Bots        int64 `db:"bots"`
	Duplicates  int64 `db:"duplicates"`
	Signups     int64 `db:"signups"`
	Conversions int64 `db:"conversions"`
	// Earned is in the minor unit of the programme's currency.
	Earned int64 `db:"earned"`
}

// Plus adds numbers.
func (n Numbers) Plus(m Numbers) Numbers {
	return Numbers{
		n.Clicks + m.Clicks, n.Visitors + m.Visitors, n.Bots + m.Bots, n.Duplicates + m.Duplicates,
		n.Signups + m.Signups, n.Conversions + m.Conversions, n.Earned + m.Earned,
	}
}

// AtQuarter are the numbers of one quarter of an hour.
type AtQuarter struct {
	At time.Time `db:"at"`
	Numbers
}

// OfCampaign are the numbers of a campaign, or of the referrer's own code.
type OfCampaign struct {
	CampaignID id.Campaign `db:"campaign_id"`
	Name       string      `db:"name"`
	Numbers
}

// Part is a part of the clicks.
type Part struct {
	Value    string `db:"value"`
	Clicks   int64  `db:"clicks"`
	Visitors int64  `db:"visitors"`
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// Quarters returns the quarters of an hour in which anything happened, in order.
	Quarters func(context.Context, Scope) ([]AtQuarter, error)
	// Campaigns returns the campaigns with most clicks.
	Campaigns func(ctx context.Context, s Scope, most int) ([]OfCampaign, error)
	// Parts returns the most frequent values of a dimension; the rest is added up as
	// Other.
	Parts func(ctx context.Context, s Scope, by Dimension, most int) ([]Part, error)
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{Quarters: r.quarters, Campaigns: r.campaigns, Parts: r.parts}
}

type reader struct{ db view.DB }

// where is the condition of a scope.
func (s Scope) where() (string, pgx.NamedArgs) {
	condition := "q.referrer_id = @referrer AND q.at >= @from AND q.at < @to"
	args := pgx.NamedArgs{"referrer": string(s.ReferrerID), "from": s.From, "to": s.To}
	if s.CampaignID != "" {
		condition += " AND q.campaign_id = @campaign"
		args["campaign"] = string(s.CampaignID)
	}
	return condition, args
}

const sums = `coalesce(sum(q.clicks), 0)::bigint AS clicks, coalesce(sum(q.visitors), 0)::bigint AS visitors, coalesce(sum(q.bots), 0)::bigint AS bots,
	coalesce(sum(q.duplicates), 0)::bigint AS duplicates, coalesce(sum(q.signups), 0)::bigint AS signups,
	coalesce(sum(q.conversions), 0)::bigint AS conversions, coalesce(sum(q.earned), 0)::bigint AS earned`

func collect[R any](ctx context.Context, db view.DB, sql string, args pgx.NamedArgs) ([]R, error) {
	rows, err := db.Query(ctx, sql, args)
	var all []R
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByName[R])
	}
	if err != nil {
		return nil, fmt.Errorf("read numbers of clicks: %w", err)
	}
	return all, nil
}

// quarters reads thousands of rows: those of a campaign as they are, and each row
// without reflection.
func (r reader) quarters(ctx context.Context, s Scope) ([]AtQuarter, error) {
	condition, args := s.where()
	columns, group := "q.clicks, q.visitors, q.bots, q.duplicates, q.signups, q.conversions, q.earned", ""
	if s.CampaignID == "" {
		columns, group = sums, " GROUP BY q.at"
	}
	rows, err := r.db.Query(ctx, "SELECT q.at, "+columns+" FROM clickstats.quarters q WHERE "+condition+group+" ORDER BY q.at", args)
	var all []AtQuarter
	if err == nil {
		var q AtQuarter
		_, err = pgx.ForEachRow(rows, []any{&q.At, &q.Clicks, &q.Visitors, &q.Bots, &q.Duplicates, &q.Signups, &q.Conversions, &q.Earned}, func() error {
			all = append(all, q)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read numbers of clicks: %w", err)
	}
	return all, nil
}

func (r reader) campaigns(ctx context.Context, s Scope, most int) ([]OfCampaign, error) {
	condition, args := s.where()
	args["most"] = most
	return collect[OfCampaign](ctx, r.db, `SELECT t.*, coalesce(c.name, '') AS name FROM (
		SELECT q.campaign_id, `+sums+" FROM clickstats.quarters q WHERE "+condition+` GROUP BY q.campaign_id
		ORDER BY 2 DESC, 1 LIMIT @most) t LEFT JOIN referrals.campaigns c ON c.id = t.campaign_id ORDER BY t.clicks DESC, t.campaign_id`, args)
}

// parts reads whole blocks by their sums, and of the blocks at the ends the quarters
// that are within.
func (r reader) parts(ctx context.Context, s Scope, by Dimension, most int) ([]Part, error) {
	condition, args := s.where()
	first, last := s.From.UTC().Truncate(Block), s.To.UTC().Truncate(Block)
	args["from"], args["to"] = first, last.Add(Block)
	args["dimension"], args["most"], args["other"] = string(by), most, Other
	args["first"], args["last"] = first, last
	within := func(columns [inBlock]string) string {
		var sum []string
		for i, column := range columns {
			sum = append(sum, fmt.Sprintf("CASE WHEN q.at + interval '%d minutes' >= @since AND q.at + interval '%[1]d minutes' < @until THEN q.%s ELSE 0 END",
				i*int(Quarter/time.Minute), column))
		}
		return strings.Join(sum, " + ")
	}
	args["since"], args["until"] = s.From, s.To
	count := func(whole string, columns [inBlock]string) string {
		return "sum(CASE WHEN q.at > @first AND q.at < @last THEN q." + whole + " ELSE " + within(columns) + " END)::bigint"
	}
	return collect[Part](ctx, r.db, `WITH summed AS (
		SELECT q.value, `+count("clicks", clicksIn)+" AS clicks, "+count("visitors", visitorsIn)+` AS visitors
		FROM clickstats.parts q WHERE `+condition+` AND q.dimension = @dimension GROUP BY q.value),
		ranked AS (SELECT *, row_number() OVER (ORDER BY value = @other, clicks DESC, value COLLATE "C") AS place FROM summed WHERE clicks > 0),
		capped AS (SELECT CASE WHEN place > @most THEN @other ELSE value END AS value, clicks, visitors FROM ranked)
		SELECT value, sum(clicks)::bigint AS clicks, sum(visitors)::bigint AS visitors FROM capped GROUP BY value
		ORDER BY value = @other, 2 DESC, value COLLATE "C"`, args)
}
