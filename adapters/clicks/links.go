package clicks

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/referrals"
)

// Links knows what each code leads to, in memory. It is safe for concurrent use.
type Links struct {
	read         func(ctx context.Context, since int64, most int) ([]referrals.Link, error)
	destinations campaign.Destinations
	logger       *slog.Logger

	mu        sync.RWMutex
	byCode    map[string]*link
	suspended map[id.Referrer]bool
	since     int64
}

// link is what a code leads to.
type link struct {
	click.Link
	to target
	// start and end bound the time in which clicks count; zero for no bound.
	start, end time.Time
}

// target is a destination, with its query written out and parsed.
type target struct {
	whole string
	base  url.URL
	query url.Values
}

func newTarget(u url.URL, more url.Values) target {
	query := u.Query()
	for name, values := range more {
		if !query.Has(name) {
			query[name] = values
		}
	}
	u.RawQuery = query.Encode()
	return target{whole: u.String(), base: u, query: query}
}

// NewLinks returns an index that knows nothing until Run follows the read model,
// whose Links is read.
func NewLinks(read func(ctx context.Context, since int64, most int) ([]referrals.Link, error), d campaign.Destinations, logger *slog.Logger) *Links {
	return &Links{
		read: read, destinations: d, logger: logger,
		byCode: map[string]*link{}, suspended: map[id.Referrer]bool{},
	}
}

const (
	// linksEvery is how often the read model is looked at.
	linksEvery = 100 * time.Millisecond
	linksPage  = 5000
	// linksTimeout bounds one look.
	linksTimeout = 30 * time.Second
)

// Run follows the read model until ctx ends. While the database does not answer,
// the links stay as they are.
func (l *Links) Run(ctx context.Context) {
	failed := false
	for tick := time.NewTicker(linksEvery); ; {
		err := l.Refresh(ctx)
		if err != nil && ctx.Err() == nil && !failed {
			l.logger.WarnContext(ctx, "referral links could not be read: those that are known go on", slog.Any("error", err))
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// Refresh reads what has changed.
func (l *Links) Refresh(ctx context.Context) error {
	for {
		ctx, cancel := context.WithTimeout(ctx, linksTimeout)
		changed, err := l.read(ctx, l.since, linksPage)
		cancel()
		if err != nil {
			return err
		}
		l.put(changed)
		if len(changed) < linksPage {
			return nil
		}
	}
}

func (l *Links) put(changed []referrals.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range changed {
		l.since = c.Changed + 1
		if c.CampaignID == "" {
			l.suspended[c.ReferrerID] = c.Suspended
		}
		utm := url.Values{}
		for name, value := range map[string]string{
			"utm_source": c.UTMSource, "utm_medium": c.UTMMedium, "utm_campaign": c.UTMCampaign, "utm_term": c.UTMTerm, "utm_content": c.UTMContent,
		} {
			if value != "" {
				utm.Set(name, value)
			}
		}
		l.byCode[c.Code] = &link{
			Link: click.Link{ReferrerID: c.ReferrerID, CampaignID: c.CampaignID}, to: newTarget(l.destinations.Resolve(c.Destination), utm),
			start: c.StartAt, end: campaign.EndOf(c.EndAt, c.EndedAt),
		}
	}
}

// find returns what a code leads to at a time; false when clicks on it do not
// count.
func (l *Links) find(code string, at time.Time) (*link, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	found := l.byCode[code]
	if found == nil || l.suspended[found.ReferrerID] ||
		!found.start.IsZero() && at.Before(found.start) || !found.end.IsZero() && !at.Before(found.end) {
		return nil, false
	}
	return found, true
}
