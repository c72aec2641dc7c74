// Package clickstats is the read model of what came of referral links, in
// numbers: clicks, people who registered, payments, commissions.
//
// All numbers are counters that events move, by quarters of an hour, so that a
// rebuild gives the same ones.
package clickstats

import (
	_ "embed"
	"time"

	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "clickstats"

//go:embed schema.sql
var tables string

// Definition is the read model.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 1, Tables: tables,
		Reducers: projections.Join(
			projections.On(recorded), projections.On(attributed), projections.On(earned), projections.On(reversed), projections.On(restored),
		),
	}
}

const (
	quarters = "quarters"
	parts    = "parts"
)

type (
	row    = projections.Row
	change = projections.Change
)

// Dimension is what clicks are told apart by.
type Dimension string

// The dimensions.
const (
	ByCountry Dimension = "country"
	ByDevice  Dimension = "device"
	BySource  Dimension = "source"
)

// Other is the value of sources beyond the most frequent ones.
const Other = "other"

// maxSources bounds how many sources of a link are told apart in one segment:
// those that come first. Anybody can invent them.
const maxSources = 20

// Quarter is the length of the time that a counter is for.
const Quarter = 15 * time.Minute

func quarterOf(at time.Time) time.Time { return at.UTC().Truncate(Quarter) }

// cell is a counter's key.
type cell struct {
	link      click.Link
	dimension Dimension // empty for the totals
	at        time.Time
	value     string
}

type count struct{ clicks, visitors, bots, duplicates int64 }

// recorded folds a segment: its clicks move few counters, each once.
func recorded(e click.Recorded, _ event.Recorded) []change {
	counts := map[cell]*count{}
	var order []cell
	at := func(c cell) *count {
		n := counts[c]
		if n == nil {
			n = &count{}
			counts[c] = n
			order = append(order, c)
		}
		return n
	}
	sources := map[click.Link]map[string]bool{}
	for _, c := range e.Clicks {
		link, quarter := e.Links[c.Link], quarterOf(c.At)
		total := at(cell{link: link, at: quarter})
		switch c.Verdict {
		case click.Bot:
			total.bots++
			continue
		case click.Duplicate:
			total.duplicates++
			continue
		case click.Human:
		}
		source := e.Sources[c.Source]
		if sources[link] == nil {
			sources[link] = map[string]bool{}
		}
		if known := sources[link]; !known[source] {
			if len(known) >= maxSources {
				source = Other
			} else {
				known[source] = true
			}
		}
		for _, n := range []*count{
			total,
			at(cell{link, ByCountry, quarter, c.Country}),
			at(cell{link, ByDevice, quarter, string(c.Device)}),
			at(cell{link, BySource, quarter, source}),
		} {
			n.clicks++
			if c.First {
				n.visitors++
			}
		}
	}
	changes := make([]change, len(order))
	for i, c := range order {
		n := counts[c]
		if c.dimension == "" {
			changes[i] = add(c.link.ReferrerID, c.link.CampaignID, c.at, row{
				"clicks": n.clicks, "visitors": n.visitors, "bots": n.bots, "duplicates": n.duplicates,
			})
			continue
		}
		changes[i] = projections.Add(parts, row{
			"referrer_id": c.link.ReferrerID, "campaign_id": c.link.CampaignID, "dimension": c.dimension, "at": c.at, "value": c.value,
		}, row{"clicks": n.clicks, "visitors": n.visitors})
	}
	return changes
}

func add(of id.Referrer, campaign id.Campaign, at time.Time, deltas row) change {
	return projections.Add(quarters, row{"referrer_id": of, "campaign_id": campaign, "at": quarterOf(at)}, deltas)
}

func attributed(e referral.Attributed, _ event.Recorded) []change {
	return []change{add(e.ReferrerID, e.CampaignID, e.RegisteredAt, row{"signups": 1})}
}

func earned(e referrer.CommissionEarned, _ event.Recorded) []change {
	return []change{add(e.ReferrerID, e.CampaignID, e.OccurredAt, row{"conversions": 1, "earned": e.Amount})}
}

func reversed(e referrer.CommissionReversed, _ event.Recorded) []change {
	return []change{add(e.ReferrerID, e.CampaignID, e.OccurredAt, row{"earned": -e.Amount})}
}

func restored(e referrer.CommissionRestored, _ event.Recorded) []change {
	return []change{add(e.ReferrerID, e.CampaignID, e.OccurredAt, row{"earned": e.Amount})}
}
