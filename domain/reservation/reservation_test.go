package reservation_test

import (
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/reservation"
)

type (
	given = []event.Event
	then  = []event.Event
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(time.Hour)
	until = start.AddDate(0, 0, 90)
)

func claim(owner string) reservation.Claim {
	return reservation.Claim{Kind: reservation.Slug, ValueHash: "h", OwnerID: owner}
}

func reserved(owner string, at time.Time) reservation.Reserved {
	return reservation.Reserved{Kind: reservation.Slug, ValueHash: "h", OwnerID: owner, OccurredAt: at}
}

func released(owner string, available, at time.Time) reservation.Released {
	return reservation.Released{
		Kind: reservation.Slug, ValueHash: "h", OwnerID: owner, AvailableAt: available, OccurredAt: at,
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	byA := func(s reservation.State) ([]event.Event, error) { return s.Claim(claim("a"), now) }
	domaintest.Run(t, reservation.Apply, []domaintest.Case[reservation.State]{
		{Name: "takes what nobody has", When: byA, Then: then{reserved("a", now)}},
		{Name: "renews", Given: given{reserved("a", start)}, When: byA, Then: then{reserved("a", now)}},
		{Name: "refuses what somebody has", Given: given{reserved("b", start)}, When: byA, Fails: reservation.ErrHeld},
		{
			Name: "takes back what one released", Given: given{reserved("a", start), released("a", until, start)},
			When: byA, Then: then{reserved("a", now)},
		},
		{
			Name:  "refuses what somebody released, whose use of it is to be looked at",
			Given: given{reserved("b", start), released("b", start, start)}, When: byA, Fails: reservation.ErrHeld,
		},
	})
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	byA := func(s reservation.State) ([]event.Event, error) { return s.TakeOver(claim("a"), now), nil }
	domaintest.Run(t, reservation.Apply, []domaintest.Case[reservation.State]{
		{
			Name: "takes from the holder", Given: given{reserved("b", start)}, When: byA,
			Then: then{released("b", now, now), reserved("a", now)},
		},
		{
			Name: "takes what was released", Given: given{reserved("b", start), released("b", start, start)},
			When: byA, Then: then{reserved("a", now)},
		},
	})
	s := domaintest.Fold(reservation.Apply, reserved("b", start), released("b", until, start), reserved("a", now))
	if s.OwnerID != "a" || s.Released || !s.ReservedAt.Equal(now) {
		t.Errorf("after a take-over: %+v", s)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	byA := func(s reservation.State) ([]event.Event, error) { return s.Release(claim("a"), until, now), nil }
	domaintest.Run(t, reservation.Apply, []domaintest.Case[reservation.State]{
		{Name: "releases", Given: given{reserved("a", start)}, When: byA, Then: then{released("a", until, now)}},
		{Name: "does nothing again", Given: given{reserved("a", start), released("a", until, now)}, When: byA},
		{Name: "does nothing for others", Given: given{reserved("b", start)}, When: byA},
		{Name: "does nothing without a reservation", When: byA},
	})
}

func TestContestable(t *testing.T) {
	t.Parallel()
	held := domaintest.Fold(reservation.Apply, reserved("a", start))
	gone := reservation.Apply(held, released("a", until, start))
	for name, c := range map[string]struct {
		s    reservation.State
		at   time.Time
		want bool
	}{
		"within the grace":   {held, start.Add(time.Minute - 1), false},
		"after the grace":    {held, start.Add(time.Minute), true},
		"in quarantine":      {gone, until.Add(-1), false},
		"after quarantine":   {gone, until, true},
		"claimed once again": {reservation.Apply(gone, reserved("a", until)), until, false},
	} {
		if got := c.s.Contestable(c.at, time.Minute); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestHashFolds(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"acme", "ACME"}, {"acme", " acme\n"}, {"acme", "ａｃｍｅ"}, {"é", "E\u0301"}, {"ﬁ", "FI"},
	} {
		if reservation.Hash(same[0]) != reservation.Hash(same[1]) {
			t.Errorf("%q and %q differ", same[0], same[1])
		}
	}
	if reservation.Hash("acme") == reservation.Hash("acm") || reservation.Hash("e") == reservation.Hash("é") {
		t.Error("two values have one hash")
	}
	// What the sha256sum program says.
	const golden = "822b33ad87c148a0a20a5ba7cd5ebcaa68d36a18e7aad165554903f52ca82757"
	if got := reservation.IDOf(reservation.Slug, reservation.Hash("Acme")); got != "slug:"+golden {
		t.Errorf("got %s", got)
	}
}
