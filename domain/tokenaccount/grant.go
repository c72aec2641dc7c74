package tokenaccount

import (
	"cmp"
	"slices"
	"time"
)

// Source is where a grant comes from.
type Source string

// The sources.
const (
	SourceWelcome    Source = "welcome"
	SourcePurchase   Source = "purchase"
	SourceAdjustment Source = "adjustment"
)

// Priority is the burn order of a source: lower numbers are spent first. Tokens
// that were free go before those that were paid for.
func (s Source) Priority() int {
	switch s {
	case SourceWelcome:
		return 10
	case SourceAdjustment:
		return 20
	default:
		return 30
	}
}

// Grant is what the account knows of one grant. Amounts are tokens.
type Grant struct {
	Reference Reference `json:"reference"`
	Source    Source    `json:"source"`
	Priority  int       `json:"priority"`
	Amount    int64     `json:"amount"`
	ExpireAt  time.Time `json:"expireAt,omitzero"`
	// Sequence is that of the entry that granted it: older grants burn first.
	Sequence int64 `json:"sequence"`

	Available int64 `json:"available"`
	Held      int64 `json:"held"`
	Frozen    int64 `json:"frozen"`
	Expired   int64 `json:"expired"`

	// ClawedBack is the total, Taken where it came from, Disputed whether what
	// is left is frozen. All three are as Version of the payment asked for.
	ClawedBack int64 `json:"clawedBack"`
	Taken      Taken `json:"taken"`
	Disputed   bool  `json:"disputed"`
	Version    int64 `json:"version"`
}

// burnsBefore orders grants as they are spent.
func (g Grant) burnsBefore(o Grant) int {
	return cmp.Or(
		cmp.Compare(g.Priority, o.Priority),
		compareExpiry(g.ExpireAt, o.ExpireAt),
		cmp.Compare(g.Sequence, o.Sequence))
}

// compareExpiry puts the zero time, which says never, last.
func compareExpiry(a, b time.Time) int {
	switch {
	case a.IsZero() || b.IsZero():
		return cmp.Compare(boolToInt(a.IsZero()), boolToInt(b.IsZero()))
	default:
		return a.Compare(b)
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// expired tells whether the grant can no longer be spent at a time.
func (g Grant) expired(at time.Time) bool { return !g.ExpireAt.IsZero() && !at.Before(g.ExpireAt) }

// live tells whether the grant still takes part in spending.
func (g Grant) live() bool { return g.Available > 0 || g.Held > 0 || g.Frozen > 0 || g.Disputed }

// credit adds tokens that become free, which are frozen while the grant is
// disputed.
func (g Grant) credit(amount int64) Grant {
	if g.Disputed {
		g.Frozen += amount
	} else {
		g.Available += amount
	}
	return g
}

// grants are the grants that the account remembers: those that are live in burn
// order, the others by reference. Changing them leaves the earlier value as it
// was.
type grants struct {
	live   []Grant
	closed tree[Grant]
}

func (gs grants) find(r Reference) (Grant, bool) {
	for _, g := range gs.live {
		if g.Reference.same(r) {
			return g, true
		}
	}
	return gs.closed.get(r)
}

// with is the grants with one added or replaced.
func (gs grants) with(g Grant) grants {
	i := slices.IndexFunc(gs.live, func(o Grant) bool { return o.Reference.same(g.Reference) })
	switch {
	case i >= 0 && g.live():
		gs.live = slices.Clone(gs.live)
		gs.live[i] = g
	case i >= 0:
		gs.live = slices.Delete(slices.Clone(gs.live), i, i+1)
		gs.closed = gs.closed.put(g.Reference, g)
	case g.live():
		gs.closed = gs.closed.remove(g.Reference)
		place, _ := slices.BinarySearchFunc(gs.live, g, Grant.burnsBefore)
		gs.live = slices.Insert(slices.Clone(gs.live), place, g)
	default:
		gs.closed = gs.closed.put(g.Reference, g)
	}
	return gs
}

// change replaces a grant that is known to be there.
func (gs grants) change(r Reference, how func(Grant) Grant) grants {
	g, ok := gs.find(r)
	if !ok {
		return gs
	}
	return gs.with(how(g))
}
