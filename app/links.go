package app

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/clicks"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/clickstats"
	"github.com/perfectworks/backend/projections/readmodels"
	"github.com/perfectworks/backend/projections/referrals"
)

const clicksFolder = "clicks"

// links are the parts that follow clicks on referral links.
type links struct {
	index      *clicks.Links
	spool      *clicks.Spool
	recorder   *clicks.Recorder
	redirector *clicks.Redirector
	logger     *slog.Logger
	// models tells how the read models do.
	models func(context.Context) ([]projections.Status, error)
}

// openLinks begins a spool, and runs nothing.
func (a *App) openLinks(queries *readmodels.Queries) (*links, error) {
	spool, err := clicks.OpenSpool(filepath.Join(a.data, clicksFolder), clicks.SpoolOptions{
		SyncEvery: a.settings.ClickSync, MaxBytes: a.settings.ClickSpool, SegmentAge: a.settings.ClickJudge / 2,
	}, a.logger)
	if err != nil {
		return nil, err
	}
	lost := prometheus.NewCounter(prometheus.CounterOpts{
		Name: metricsPrefix + "referral_clicks_lost_total", Help: "Clicks on referral links that could not be kept, because the spool is full.",
	})
	keeping := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: metricsPrefix + "referral_clicks_not_kept", Help: "1 while the spool of clicks is full or cannot be written.",
	}, func() float64 {
		if _, err := spool.Lost(); err != nil {
			return 1
		}
		return 0
	})
	spooled := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: metricsPrefix + "referral_clicks_spool_bytes", Help: "Bytes of clicks that are not recorded yet, in the spool of this process.",
	}, func() float64 { return float64(spool.Bytes()) })
	room := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: metricsPrefix + "referral_clicks_spool_limit_bytes", Help: "Bytes of clicks that the spool of this process holds at most.",
	}, func() float64 { return float64(spool.MaxBytes()) })
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: metricsPrefix + "referral_clicks_oldest_seconds", Help: "For how long the oldest click that is not recorded has waited.",
	}, func() float64 {
		now := time.Now()
		return now.Sub(spool.AsOf(now)).Seconds()
	})
	for _, c := range []prometheus.Collector{lost, keeping, spooled, room, waiting} {
		if err := a.registry.Register(c); err != nil {
			return nil, err
		}
	}
	key, err := hex.DecodeString(a.keys.Hash("signature of clicks", ""))
	if err != nil {
		return nil, err
	}
	agents, err := a.settings.clickAgents()
	if err != nil {
		return nil, err
	}
	visitors := clicks.NewVisitors(a.db.pool, a.keys, a.settings.clickWindow())
	terms := a.work.referrals
	l := &links{
		models: a.engine.Status, logger: a.logger,
		index: clicks.NewLinks(a.linksOnceServed(queries.Referrals.Links), terms.Destinations, a.logger), spool: spool,
		recorder: &clicks.Recorder{
			Spool: spool, Visitors: visitors, Agents: agents, Record: recordClicks(a.work.commands), Logger: a.logger, After: a.settings.ClickJudge,
		},
	}
	alert := newAlert(a.logger)
	l.redirector = clicks.NewRedirector(clicks.RedirectorConfig{
		Links: l.index, Spool: spool, Visitors: visitors, Signer: clicks.NewSigner(key), Rule: terms.Programme.Current(),
		Destinations: terms.Destinations, CountryHeader: a.settings.CountryHeader,
		Lost: func() { lost.Inc(); alert() },
	})
	return l, nil
}

// newAlert says that clicks are lost, once a minute at most.
func newAlert(logger *slog.Logger) func() {
	due := make(chan struct{}, 1)
	due <- struct{}{}
	return func() {
		select {
		case <-due:
			logger.Error("clicks on referral links are lost: the spool is full, because the event store or the database does not take them")
			time.AfterFunc(time.Minute, func() { due <- struct{}{} })
		default:
		}
	}
}

// recordClicks appends segments as a policy of their own.
func recordClicks(do *commands.Commands) func(context.Context, click.Recorded) error {
	return func(ctx context.Context, segment click.Recorded) error {
		name := string(click.Segment(segment.Writer, segment.Segment))
		req := policies.ByClock("record-clicks", name, segment.OccurredAt, segment.OccurredAt, "", access.FollowReferrals)
		_, err := do.RecordClicks(ctx, req, commands.RecordClicks{Recorded: segment})
		return err
	}
}

// linksOnceServed reads links from the read model. Before a first start has built it
// there are none.
func (a *App) linksOnceServed(read func(context.Context, int64, int) ([]referrals.Link, error)) func(context.Context, int64, int) ([]referrals.Link, error) {
	var served atomic.Bool
	return func(ctx context.Context, since int64, most int) ([]referrals.Link, error) {
		if !served.Load() {
			all, err := a.engine.Status(ctx)
			if err != nil || !slices.ContainsFunc(all, func(s projections.Status) bool { return s.Projection == referrals.Name && s.Generation != 0 }) {
				return nil, err
			}
			served.Store(true)
		}
		return read(ctx, since, most)
	}
}

// Follow implements httpapi.Links.
func (l *links) Follow(r *http.Request, code string, client netip.Addr, direct, head bool) (string, *http.Cookie) {
	return l.redirector.Follow(r, code, client, direct, head)
}

// Click implements httpapi.Links.
func (l *links) Click(signed string) (*user.Click, bool) {
	c, err := l.redirector.Read(signed)
	if err != nil {
		return nil, false
	}
	return commands.ClickOf(c.Place.String(), c.Link, c.At, c.Rule), true
}

// AsOf implements httpapi.Links: clicks wait in the spool, and then for the read
// model.
func (l *links) AsOf(ctx context.Context, now time.Time) (time.Time, error) {
	asOf := l.spool.AsOf(now)
	all, err := l.models(ctx)
	if err != nil {
		return time.Time{}, err
	}
	for _, s := range all {
		if shown := now.Add(-s.Lag); s.Projection == clickstats.Name && shown.Before(asOf) {
			asOf = shown
		}
	}
	return asOf, nil
}

// Cookie implements httpapi.Links.
func (*links) Cookie() string { return clicks.Cookie }

// parts are what runs beside requests.
func (l *links) parts() []func(context.Context) {
	return []func(context.Context){l.index.Run, l.recorder.Run, func(ctx context.Context) {
		l.spool.Run(ctx)
		if err := l.spool.Close(); err != nil {
			l.logger.ErrorContext(ctx, "the spool of clicks could not be closed", slog.Any("error", err))
		}
	}}
}
