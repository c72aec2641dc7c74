package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/clickstats"
)

const (
	// clicksPerSecond is the pace at which the latency of redirects is measured.
	clicksPerSecond = 5000
	// clickedDays is how long the clicks of a campaign are spread over.
	clickedDays = 90
	// segmentClicks is how many clicks an event holds.
	segmentClicks = 500
	// recordedWithin bounds how long clicks take until they are counted.
	recordedWithin = 2 * time.Minute
)

// measureRedirects compares redirects whose clicks are kept with a handler that
// does nothing but redirect, and then measures their latency at a steady pace. It
// fails unless each click is counted in the end.
func measureRedirects(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: fmt.Sprintf("redirect of a referral link, %d connections", connections), Unit: "requests/s",
		LimitedBy: "bare 302 on the same router", Aim: 0.6,
	}
	var paced measurement
	err := withServer(ctx, func(server *child, c client) error {
		c.http.CheckRedirect = stay
		campaign, err := c.createCampaign(ctx)
		if err != nil {
			return err
		}
		var kept atomic.Int64
		follow := func(ctx context.Context, visitor int) error { return c.follow(ctx, campaign.Code, visitor, &kept) }
		if err := eventually(ctx, func() (bool, error) {
			err := follow(ctx, 0)
			return kept.Load() > 0, err
		}); err != nil {
			return err
		}
		err = withChild(ctx, childConfig{Kind: emptyChild}, func(empty *child) error {
			bare := client{http: newHTTPClient(), api: "http://" + empty.Address + "/api/v0"}
			bare.http.CheckRedirect = stay
			defer bare.http.CloseIdleConnections()
			compared, err := compare(ctx, p.rounds, driven(connections, follow), driven(connections, func(ctx context.Context, visitor int) error {
				return bare.follow(ctx, campaign.Code, visitor, new(atomic.Int64))
			}))
			row = row.from(compared)
			return err
		})
		if err != nil {
			return err
		}
		if paced, err = atPace(ctx, clicksPerSecond, p.lasting, follow); err != nil {
			return err
		}
		return countedAll(ctx, server.DatabaseURL, kept.Load())
	})
	paced.What, paced.Unit, paced.AimP99 = fmt.Sprintf("redirect of a referral link, %d/s, no click lost", clicksPerSecond), "requests/s", 5
	paced.Least = clicksPerSecond * 0.95
	return []measurement{row, paced}, err
}

// stay keeps a client from following redirects.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// createdCampaign is a campaign with its referrer.
type createdCampaign struct {
	ID, Code string
	referrer id.Referrer
}

func (c client) createCampaign(ctx context.Context) (createdCampaign, error) {
	var referrer struct{ Data struct{ ID id.Referrer } }
	if err := c.post(ctx, "/referrers", `{"termsAccepted": true}`, &referrer); err != nil {
		return createdCampaign{}, err
	}
	var campaign struct{ Data createdCampaign }
	err := c.post(ctx, "/referrer-campaigns", `{"name": "measured", "destinationPath": "/pricing?plan=a", "utm": {"source": "bench"}}`, &campaign)
	campaign.Data.referrer = referrer.Data.ID
	return campaign.Data, err
}

// follow follows a link, and counts it when the click was kept.
func (c client) follow(ctx context.Context, code string, visitor int, kept *atomic.Int64) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api+"/referral-links/"+code+"?source=letter", nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 100+visitor%connections))
	response, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // It has been read.
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusFound {
		return fmt.Errorf("a link is answered %s", response.Status)
	}
	if response.Header.Get("Set-Cookie") != "" {
		kept.Add(1)
	}
	return nil
}

// countedAll waits until so many clicks are in the read model. That more are there
// is an error as well.
func countedAll(ctx context.Context, databaseURL string, clicks int64) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var counted int64
	err = eventually(ctx, func() (bool, error) {
		err := conn.QueryRow(ctx, "SELECT coalesce(sum(clicks + bots + duplicates), 0) FROM clickstats.quarters").Scan(&counted)
		return counted >= clicks, err
	})
	if err == nil && counted != clicks {
		err = errors.New("more clicks are counted than there were")
	}
	if err != nil {
		err = fmt.Errorf("of %d clicks that were kept, %d are counted: %w", clicks, counted, err)
	}
	return err
}

// eventually asks until the answer is yes.
func eventually(ctx context.Context, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, recordedWithin)
	defer cancel()
	for {
		done, err := ask()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// measureAnalytics measures the answers about a campaign with many clicks. The
// clicks are written into the log of a server, which projects them.
func measureAnalytics(ctx context.Context, p plan) ([]measurement, error) {
	var rows []measurement
	err := withServer(ctx, func(server *child, c client) error {
		campaign, err := c.createCampaign(ctx)
		if err != nil {
			return err
		}
		pool, err := postgres.Open(ctx, server.DatabaseURL, postgres.Options{MaxConns: 16})
		if err != nil {
			return err
		}
		defer pool.Close()
		link := click.Link{ReferrerID: campaign.referrer, CampaignID: id.Campaign(campaign.ID)}
		until := time.Now().UTC().Truncate(24 * time.Hour)
		err = withNode(ctx, pool, func(_ *child, client *eventstore.Client) error {
			codec, err := eventstore.NewCodec(eventstore.Schemas(), noKeys{})
			if err != nil {
				return err
			}
			// There are clicks in each quarter of an hour: more than that is not read.
			return fillClicks(ctx, client, codec, link, until, until.Sub(until.AddDate(0, 0, -clickedDays))*segmentClicks/time.Duration(p.events), p.events)
		})
		if err != nil {
			return err
		}
		if err := countedAll(ctx, server.DatabaseURL, int64(p.events)); err != nil {
			return err
		}
		query := url.Values{
			"interval": {"hour"}, "timezone": {"Europe/Berlin"},
			"from": {until.AddDate(0, 0, -clickedDays).Format(time.RFC3339)}, "to": {until.Format(time.RFC3339)},
		}
		for _, by := range []string{"", "country", "source"} {
			query.Del("groupBy")
			what := "of"
			if by != "" {
				query.Set("groupBy", by)
				what = "by " + by + " of"
			}
			path := "/referrer-campaigns/" + campaign.ID + "/analytics?" + query.Encode()
			l, err := drive(ctx, 1, p.lasting, func(ctx context.Context, _ int) error {
				body, err := c.do(ctx, http.MethodGet, path, "", c.bearer())
				if err == nil && strings.Count(string(body), `"at":`) != clickedDays*24 {
					err = errors.New("the series is not whole")
				}
				return err
			})
			if err != nil {
				return err
			}
			rows = append(rows, measurement{
				What: fmt.Sprintf("analytics %s a campaign with %d clicks, %d days by hour", what, p.events, clickedDays), Unit: "requests/s",
				Value: l.perSecond(), P50: percentile(l.Latencies, .5), P99: percentile(l.Latencies, .99), AimP99: 50,
			})
		}
		return nil
	})
	return rows, err
}

// measureClickRebuild compares rebuilding the numbers of clicks with reading the
// same log by the client alone.
func measureClickRebuild(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: fmt.Sprintf("rebuild of %d clicks into analytics", p.events),
		Unit: "clicks/s", LimitedBy: "bare read of the same events by the client", Aim: 0.6,
	}
	err := withFilledLog(ctx, func(ctx context.Context, client *eventstore.Client, codec *eventstore.Codec) error {
		link := click.Link{ReferrerID: id.FromUUID[id.Referrer](uuid.New()), CampaignID: id.FromUUID[id.Campaign](uuid.New())}
		// Segments of the spool: hundreds of clicks within seconds.
		return fillClicks(ctx, client, codec, link, time.Now().UTC().Truncate(24*time.Hour), 5*time.Second, p.events)
	}, func(pool *pgxpool.Pool, node *child, client *eventstore.Client, codec *eventstore.Codec) error {
		c, err := compareRebuild(ctx, pool, node, client, codec, clickstats.Definition(), p.events)
		row = row.from(c)
		return err
	})
	return []measurement{row}, err
}

// fillClicks appends segments with so many clicks on a link, each of which lasts for a
// time, spread over the days before another.
func fillClicks(ctx context.Context, client *eventstore.Client, codec *eventstore.Codec, link click.Link, until time.Time, lasting time.Duration, clicks int) error {
	begin := until.AddDate(0, 0, -clickedDays)
	pace := until.Sub(begin) / time.Duration((clicks+segmentClicks-1)/segmentClicks)
	agents, sources := make([]string, 40), make([]string, 15)
	for i := range agents {
		agents[i] = fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 100+i)
	}
	for i := range sources {
		sources[i] = fmt.Sprintf("site-%d.example", i)
	}
	countries := strings.Fields("DE FR US GB NL AT CH IT ES PL SE NO DK FI IE BE PT CZ JP AU")
	devices := []click.Device{click.Desktop, click.Desktop, click.Mobile, click.Tablet}
	writer := strings.ReplaceAll(uuid.NewString(), "-", "")[:16]
	for first := 0; first < clicks; first += segmentClicks {
		segment := click.Recorded{
			Writer: writer, Segment: int64(first/segmentClicks + 1), Links: []click.Link{link}, Agents: agents, Sources: sources,
			Clicks: make([]click.Click, min(segmentClicks, clicks-first)),
		}
		for i := range segment.Clicks {
			n := first + i
			c := click.Click{
				Index: i, At: begin.Add(time.Duration(n/segmentClicks)*pace + time.Duration(i)*lasting/segmentClicks).Truncate(time.Millisecond),
				Agent: n * 7 % len(agents), Source: n * 11 % len(sources), Visitor: fmt.Sprintf("%024x", uint64(n)*0x9e3779b97f4a7c15),
				Country: countries[n*13%len(countries)], Device: devices[n*3%len(devices)], Verdict: click.Human, First: n%3 > 0, Rule: 1,
			}
			switch n % 10 {
			case 0:
				c.Verdict, c.Reason, c.First = click.Bot, click.ReasonAgent, false
			case 1:
				c.Verdict, c.Reason, c.First = click.Duplicate, click.ReasonRepeated, false
			}
			segment.Clicks[i], segment.OccurredAt = c, c.At
		}
		data, err := codec.Encode(ctx, event.Draft{ID: event.ID(uuid.New()), Event: segment})
		if err != nil {
			return err
		}
		stream := click.Aggregate.Stream(click.Segment(segment.Writer, segment.Segment))
		if _, _, err := client.Append(ctx, stream, event.NoStream, []esdb.EventData{data}); err != nil {
			return err
		}
	}
	return nil
}
