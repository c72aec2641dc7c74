// Package clickstats is the read model of what came of referral links, in
// numbers: clicks, people who registered, payments, commissions.
//
// All numbers are counters that events move, by quarters of an hour, so that a
// rebuild gives the same ones.
package clickstats

import (
	_ "embed"
	"strconv"
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
		Name: Name, Version: 2, Tables: tables,
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

// Block is the length of the time that a row of parts is for, and inBlock how many
// quarters it has.
const (
	Block   = 4 * time.Hour
	inBlock = int(Block / Quarter)
)

// clicksIn and visitorsIn are the columns of the quarters of a block.
var clicksIn, visitorsIn = numbered("c"), numbered("v")

func numbered(prefix string) (names [inBlock]string) {
	for i := range names {
		names[i] = prefix + strconv.Itoa(i)
	}
	return names
}

// totals are the counters of a link in a quarter.
type totals struct{ clicks, visitors, bots, duplicates int64 }

// part names a row of parts within a link and a block.
type part struct {
	dimension Dimension
	value     string
}

// inQuarters are the counters of a part in the quarters of a block.
type inQuarters struct{ clicks, visitors [inBlock]int64 }

// block is what a segment counts for a link in a block.
type block struct {
	link   click.Link
	at     time.Time
	totals [inBlock]totals
	parts  map[part]*inQuarters
	order  []part
}

func (b *block) add(of part, quarter int, first bool) {
	n := b.parts[of]
	if n == nil {
		n = &inQuarters{}
		b.parts[of] = n
		b.order = append(b.order, of)
	}
	n.clicks[quarter]++
	if first {
		n.visitors[quarter]++
	}
}

// recorded folds a segment: its clicks move few counters, each once.
func recorded(e click.Recorded, _ event.Recorded) []change {
	var blocks []*block
	sources := make([]map[int]bool, len(e.Links)) // by link
	of := func(link int, at time.Time) *block {
		for i := len(blocks) - 1; i >= 0; i-- { // Mostly it is the last one.
			if b := blocks[i]; b.link == e.Links[link] && b.at.Equal(at) {
				return b
			}
		}
		b := &block{link: e.Links[link], at: at, parts: map[part]*inQuarters{}}
		blocks = append(blocks, b)
		return b
	}
	for i := range e.Clicks {
		c := &e.Clicks[i]
		begin := c.At.UTC().Truncate(Block)
		b, quarter := of(c.Link, begin), int(c.At.Sub(begin)/Quarter)
		total := &b.totals[quarter]
		switch c.Verdict {
		case click.Bot:
			total.bots++
			continue
		case click.Duplicate:
			total.duplicates++
			continue
		case click.Human:
		}
		total.clicks++
		if c.First {
			total.visitors++
		}
		source := e.Sources[c.Source]
		known := sources[c.Link]
		if known == nil {
			known = map[int]bool{}
			sources[c.Link] = known
		}
		if !known[c.Source] {
			if len(known) >= maxSources {
				source = Other
			} else {
				known[c.Source] = true
			}
		}
		b.add(part{ByCountry, c.Country}, quarter, c.First)
		b.add(part{ByDevice, string(c.Device)}, quarter, c.First)
		b.add(part{BySource, source}, quarter, c.First)
	}
	var changes []change
	for _, b := range blocks {
		for i, t := range b.totals {
			if t != (totals{}) {
				changes = append(changes, add(b.link.ReferrerID, b.link.CampaignID, b.at.Add(time.Duration(i)*Quarter), row{
					"clicks": t.clicks, "visitors": t.visitors, "bots": t.bots, "duplicates": t.duplicates,
				}))
			}
		}
		for _, of := range b.order {
			var clicks, visitors int64
			deltas := row{}
			for i, n := range b.parts[of].clicks {
				if n > 0 {
					deltas[clicksIn[i]] = n
					clicks += n
				}
			}
			for i, n := range b.parts[of].visitors {
				if n > 0 {
					deltas[visitorsIn[i]] = n
					visitors += n
				}
			}
			deltas["clicks"], deltas["visitors"] = clicks, visitors
			changes = append(changes, projections.Add(parts, row{
				"referrer_id": b.link.ReferrerID, "campaign_id": b.link.CampaignID, "dimension": of.dimension, "at": b.at, "value": of.value,
			}, deltas))
		}
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
