package tokenaccount_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// account is a history being told: each call asks for something and applies it.
type account struct {
	t     *testing.T
	state tokenaccount.State
	at    time.Time
	last  []event.Event
	err   error
	low   int64
}

func open(t *testing.T) *account { t.Helper(); return &account{t: t, at: start} }

func ref(id string) tokenaccount.Reference { return tokenaccount.Reference{ID: id, At: start} }

func (a *account) ctx() tokenaccount.Context {
	return tokenaccount.Context{OrganizationID: "org_1", At: a.at, LowBalance: a.low}
}

func (a *account) done(events []event.Event, err error) *account {
	a.t.Helper()
	a.last, a.err = events, err
	for _, e := range events {
		a.state = tokenaccount.Apply(a.state, e)
	}
	return a
}

func (a *account) after(d time.Duration) *account { a.at = start.Add(d); return a }

func (a *account) grant(id string, amount int64, life time.Duration) *account {
	a.t.Helper()
	g := tokenaccount.Granting{Grant: ref(id), Source: tokenaccount.SourcePurchase, Amount: amount}
	if life != 0 {
		g.ExpireAt = start.Add(life)
	}
	return a.done(a.state.Bring(a.ctx(), g)).ok()
}

func (a *account) reserve(id string, amount int64, hold time.Duration) *account {
	a.t.Helper()
	return a.done(a.state.Reserve(a.ctx(), tokenaccount.Reservation{
		Reference: ref(id), Amount: amount, Purpose: "accessibility", Hold: hold,
	}))
}

func (a *account) capture(id string, amount int64) *account {
	a.t.Helper()
	return a.done(a.state.Capture(a.ctx(), ref(id), amount))
}

func (a *account) release(id string) *account {
	a.t.Helper()
	return a.done(a.state.Release(a.ctx(), ref(id)))
}

func (a *account) refund(id, reservation string, amount int64) *account {
	a.t.Helper()
	return a.done(a.state.Refund(a.ctx(), ref(id), ref(reservation), amount))
}

func (a *account) align(id string, version, clawed int64, disputed bool) *account {
	a.t.Helper()
	return a.done(a.state.Align(a.ctx(), tokenaccount.Alignment{
		Grant: ref(id), Version: version, ClawedBack: clawed, Disputed: disputed,
	})).ok()
}

func (a *account) ok() *account {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("refused: %v", a.err)
	}
	return a
}

func (a *account) refused(want error) *account {
	a.t.Helper()
	if !errors.Is(a.err, want) {
		a.t.Fatalf("got %v, want %v", a.err, want)
	}
	if len(a.last) > 0 {
		a.t.Fatalf("a refusal changed something: %v", a.last)
	}
	return a
}

// recorded checks the types of the events of the last step.
func (a *account) recorded(want ...string) *account {
	a.t.Helper()
	var got []string
	for _, e := range a.last {
		got = append(got, e.EventType())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		a.t.Fatalf("recorded %v, want %v", got, want)
	}
	return a
}

// shows checks the balance by the clock: available, held, frozen, debt.
func (a *account) shows(available, held, frozen, debt int64) *account {
	a.t.Helper()
	b := a.state.At(a.at).Balance
	got := fmt.Sprint(b.Available, b.Held, b.Frozen, -b.Debt)
	if want := fmt.Sprint(available, held, frozen, debt); got != want {
		a.t.Fatalf("available, held, frozen, debt are %s, want %s", got, want)
	}
	return a
}

func TestBoundariesAtTheVeryInstant(t *testing.T) {
	t.Parallel()
	const hour, instant = time.Hour, time.Millisecond
	t.Run("a grant can be spent until the instant before its expiry", func(t *testing.T) {
		t.Parallel()
		open(t).grant("g", 10, hour).after(hour-instant).shows(10, 0, 0, 0).reserve("r", 1, hour).ok()
		open(t).grant("g", 10, hour).after(hour).shows(0, 0, 0, 0).reserve("r", 1, hour).refused(tokenaccount.ErrInsufficient)
	})
	t.Run("a reservation can be captured until the instant before its deadline", func(t *testing.T) {
		t.Parallel()
		open(t).grant("g", 10, 0).reserve("r", 4, hour).after(hour-instant).capture("r", 4).ok().shows(6, 0, 0, 0)
		open(t).grant("g", 10, 0).reserve("r", 4, hour).after(hour).capture("r", 4).
			refused(tokenaccount.ErrReservationTimedOut).shows(10, 0, 0, 0)
	})
	t.Run("a late capture is refused, also when the timeout was recorded", func(t *testing.T) {
		t.Parallel()
		a := open(t).grant("g", 10, 0).reserve("r", 4, hour).after(2 * hour)
		a.done(a.state.Settle(a.ctx())).recorded("ReservationReleased")
		a.done(a.state.Settle(a.ctx())).ok().recorded()
		a.capture("r", 4).refused(tokenaccount.ErrReservationTimedOut).release("r").ok().recorded()
	})
	t.Run("a reservation keeps what it holds past the expiry of its grant", func(t *testing.T) {
		t.Parallel()
		open(t).grant("g", 10, hour).reserve("r", 4, 3*hour).after(2*hour).shows(0, 4, 0, 0).
			capture("r", 4).ok().recorded("TokensExpired", "TokensCaptured").shows(0, 0, 0, 0)
	})
	t.Run("what returns to an expired grant expires in the same append", func(t *testing.T) {
		t.Parallel()
		open(t).grant("g", 4, hour).reserve("r", 4, 3*hour).after(2*hour).
			release("r").ok().recorded("ReservationReleased", "TokensExpired").shows(0, 0, 0, 0)
		open(t).grant("g", 4, hour).reserve("r", 4, 3*hour).after(2*hour).
			capture("r", 1).ok().recorded("TokensCaptured", "TokensExpired")
		a := open(t).grant("g", 4, hour).reserve("r", 4, 3*hour).after(3 * hour)
		a.done(a.state.Settle(a.ctx())).recorded("ReservationReleased", "TokensExpired")
		open(t).grant("g", 4, hour).reserve("r", 4, hour/2).capture("r", 4).ok().after(2*hour).
			refund("f", "r", 3).ok().recorded("TokensRefunded", "TokensExpired").shows(0, 0, 0, 0)
	})
	t.Run("what came due is dated at its instant, in order", func(t *testing.T) {
		t.Parallel()
		a := open(t).grant("g", 10, 3*hour).reserve("r", 4, hour).ok().reserve("s", 2, 2*hour).ok().after(9 * hour)
		a.done(a.state.Settle(a.ctx())).recorded("ReservationReleased", "ReservationReleased", "TokensExpired")
		for i, e := range a.last {
			entry, _ := tokenaccount.EntryOf(e)
			if want := start.Add(time.Duration(i+1) * hour); !entry.OccurredAt.Equal(want) {
				t.Errorf("entry %d is dated %s, want %s", i, entry.OccurredAt, want)
			}
		}
	})
	t.Run("a grant that has expired before it comes expires at once", func(t *testing.T) {
		t.Parallel()
		a := open(t).after(2 * hour)
		a.grant("g", 10, hour).recorded("TokensGranted", "TokensExpired").shows(0, 0, 0, 0)
	})
	t.Run("a clock that is behind counts as the time of the last entry", func(t *testing.T) {
		t.Parallel()
		a := open(t).after(hour).grant("g", 10, 2*hour)
		a.at = start
		a.reserve("r", 1, hour).ok()
		entry, _ := tokenaccount.EntryOf(a.last[0])
		if !entry.OccurredAt.Equal(start.Add(hour)) {
			t.Errorf("dated %s", entry.OccurredAt)
		}
	})
}

func TestBurnOrder(t *testing.T) {
	t.Parallel()
	a := open(t)
	bring := func(id string, source tokenaccount.Source, life time.Duration) {
		g := tokenaccount.Granting{Grant: ref(id), Source: source, Amount: 10, Reason: forAda}
		if life > 0 {
			g.ExpireAt = start.Add(life)
		}
		a.done(a.state.Bring(a.ctx(), g)).ok()
	}
	bring("never", tokenaccount.SourcePurchase, 0)
	bring("late", tokenaccount.SourcePurchase, 2*time.Hour)
	bring("soon", tokenaccount.SourcePurchase, time.Hour)
	bring("soon too", tokenaccount.SourcePurchase, time.Hour)
	bring("adjusted", tokenaccount.SourceAdjustment, 0)
	bring("welcome", tokenaccount.SourceWelcome, 9*time.Hour)
	chosen, err := a.state.Quote(a.ctx(), 60)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, c := range chosen {
		order = append(order, c.Grant.ID)
	}
	if got := strings.Join(order, ", "); got != "welcome, adjusted, soon, soon too, late, never" {
		t.Errorf("spent in the order %s", got)
	}
	if _, err := a.state.Quote(a.ctx(), 61); !errors.Is(err, tokenaccount.ErrInsufficient) {
		t.Errorf("more than there is: %v", err)
	}
	a.reserve("r", 25, time.Hour).ok().capture("r", 12).ok().shows(48, 0, 0, 0)
	if g, _ := a.state.Grant(ref("welcome")); g.Available != 0 {
		t.Errorf("the rest must come back to what is spent last, not to %+v", g)
	}
	if g, _ := a.state.Grant(ref("adjusted")); g.Available != 8 {
		t.Errorf("adjusted has %d, want 8", g.Available)
	}
}

func TestClawbackAndDebt(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	t.Run("takes the grant's own, then others, then makes debt that grants repay", func(t *testing.T) {
		t.Parallel()
		open(t).grant("a", 10, 0).reserve("r", 8, hour).capture("r", 8).ok().grant("b", 3, 0).
			align("a", 1, 10, false).recorded("TokensClawedBack").shows(0, 0, 0, 5).
			reserve("s", 1, hour).refused(tokenaccount.ErrInsufficient).
			grant("c", 4, 0).shows(0, 0, 0, 1).grant("d", 4, 0).shows(3, 0, 0, 0)
	})
	t.Run("held tokens repay the debt when they are released", func(t *testing.T) {
		t.Parallel()
		open(t).grant("a", 10, 0).reserve("r", 10, hour).ok().
			align("a", 1, 6, false).shows(0, 10, 0, 6).
			release("r").ok().shows(4, 0, 0, 0)
		open(t).grant("a", 10, 0).reserve("r", 10, hour).ok().align("a", 1, 6, false).
			capture("r", 7).ok().shows(0, 0, 0, 3)
	})
	t.Run("takes what has expired before it takes what is owed by others", func(t *testing.T) {
		t.Parallel()
		open(t).grant("a", 10, hour).after(2*hour).grant("b", 5, 0).
			align("a", 1, 10, false).recorded("TokensClawedBack").shows(5, 0, 0, 0)
	})
	t.Run("a reversal repays debt, and returns what was taken to where it came from", func(t *testing.T) {
		t.Parallel()
		a := open(t).grant("a", 10, 0).reserve("r", 9, hour).capture("r", 9).ok().grant("b", 4, 0).
			align("a", 1, 10, false).shows(0, 0, 0, 5).align("a", 2, 0, false).recorded("ClawbackReversed").shows(5, 0, 0, 0)
		for id, want := range map[string]int64{"a": 1, "b": 4} {
			if g, _ := a.state.Grant(ref(id)); g.Available != want {
				t.Errorf("%s has %d, want %d", id, g.Available, want)
			}
		}
	})
	t.Run("a reversal gives frozen tokens back, frozen while the dispute goes on", func(t *testing.T) {
		t.Parallel()
		open(t).grant("a", 10, 0).align("a", 1, 0, true).align("a", 2, 6, true).shows(0, 0, 4, 0).
			align("a", 3, 1, true).shows(0, 0, 9, 0).align("a", 4, 0, false).shows(10, 0, 0, 0)
	})
	t.Run("a reversal does not revive what had expired before", func(t *testing.T) {
		t.Parallel()
		a := open(t).grant("a", 10, hour).after(2*hour).align("a", 1, 10, false).align("a", 2, 0, false).shows(0, 0, 0, 0)
		b := a.state.Balance
		if g, _ := a.state.Grant(ref("a")); b.Expired != 10 || g.Expired != 10 || b.ClawedBack != 0 {
			t.Errorf("expired are %d, of the grant %d, clawed back %d", b.Expired, g.Expired, b.ClawedBack)
		}
		a.align("a", 3, 10, false).shows(0, 0, 0, 0)
	})
	t.Run("a reversal in part returns first what was taken last", func(t *testing.T) {
		t.Parallel()
		a := open(t).grant("a", 10, 0).reserve("r", 10, hour).capture("r", 10).ok().
			grant("b", 4, hour).grant("c", 4, 2*hour).align("a", 1, 8, false).shows(0, 0, 0, 0).
			align("a", 2, 3, false).shows(5, 0, 0, 0)
		for id, want := range map[string]int64{"b": 1, "c": 4} {
			if g, _ := a.state.Grant(ref(id)); g.Available != want {
				t.Errorf("%s has %d, want %d", id, g.Available, want)
			}
		}
	})
	t.Run("debt of another clawback is repaid from the end of what was taken last", func(t *testing.T) {
		t.Parallel()
		// Both b and c lend to a. Then d's clawback makes debt of 2, which what
		// comes back repays before b and c have it: c's first.
		a := open(t).grant("a", 10, 0).reserve("r", 10, hour).capture("r", 10).ok().
			grant("d", 2, 0).reserve("s", 2, hour).capture("s", 2).ok().
			grant("b", 4, hour).grant("c", 4, 2*hour).align("a", 1, 8, false).align("d", 1, 2, false).shows(0, 0, 0, 2).
			align("a", 2, 0, false).shows(6, 0, 0, 0)
		for id, want := range map[string]int64{"b": 4, "c": 2} {
			if g, _ := a.state.Grant(ref(id)); g.Available != want {
				t.Errorf("%s has %d, want %d", id, g.Available, want)
			}
		}
	})
	t.Run("an older version changes nothing, and neither does the same one", func(t *testing.T) {
		t.Parallel()
		open(t).grant("a", 10, 0).align("a", 4, 0, false).recorded("GrantAligned").
			align("a", 3, 10, true).recorded().align("a", 4, 10, true).recorded().shows(10, 0, 0, 0)
	})
	t.Run("never more than the grant", func(t *testing.T) {
		t.Parallel()
		a := open(t).grant("a", 10, 0)
		a.done(a.state.Align(a.ctx(), tokenaccount.Alignment{Grant: ref("a"), Version: 1, ClawedBack: 11})).refused(domaintest.Invalid)
		a.done(a.state.Align(a.ctx(), tokenaccount.Alignment{Grant: ref("x"), Version: 1})).refused(tokenaccount.ErrGrantNotFound)
	})
}

func TestDispute(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	t.Run("freezes what is left and what returns", func(t *testing.T) {
		t.Parallel()
		open(t).grant("a", 10, 0).reserve("r", 4, hour).ok().
			align("a", 1, 0, true).recorded("TokensFrozen").shows(0, 4, 6, 0).
			reserve("s", 1, hour).refused(tokenaccount.ErrInsufficient).
			release("r").ok().shows(0, 0, 10, 0).
			align("a", 2, 0, false).recorded("TokensThawed").shows(10, 0, 0, 0)
	})
	t.Run("lost in part, the rest thaws", func(t *testing.T) {
		t.Parallel()
		open(t).grant("a", 10, 0).align("a", 1, 0, true).
			align("a", 2, 7, false).recorded("TokensClawedBack", "TokensThawed").shows(3, 0, 0, 0)
	})
	t.Run("frozen tokens do not expire before they thaw", func(t *testing.T) {
		t.Parallel()
		open(t).grant("a", 10, hour).align("a", 1, 0, true).after(2*hour).shows(0, 0, 10, 0).
			align("a", 2, 0, false).recorded("TokensThawed", "TokensExpired").shows(0, 0, 0, 0)
	})
}

func TestReferences(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	t.Run("the same content again changes nothing, other content is refused", func(t *testing.T) {
		t.Parallel()
		a := open(t).grant("g", 10, 0).reserve("r", 4, hour).ok().reserve("r", 4, hour).ok().recorded().
			reserve("r", 5, hour).refused(tokenaccount.ErrReferenceReused)
		a.done(a.state.Reserve(a.ctx(), tokenaccount.Reservation{
			Reference: ref("r"), Amount: 4, Purpose: "conversion", Hold: hour,
		})).refused(tokenaccount.ErrReferenceReused)
		a.capture("r", 3).ok().capture("r", 3).ok().recorded().capture("r", 4).refused(tokenaccount.ErrReservationCaptured).
			release("r").refused(tokenaccount.ErrReservationCaptured).
			reserve("r", 4, hour).ok().recorded().
			refund("f", "r", 2).ok().refund("f", "r", 2).ok().recorded().
			refund("f", "r", 1).refused(tokenaccount.ErrReferenceReused).
			refund("f2", "r", 2).refused(tokenaccount.ErrRefundExceeded).refund("f3", "r", 1).ok().shows(10, 0, 0, 0).
			reserve("f", 1, hour).refused(tokenaccount.ErrReferenceReused)
	})
	t.Run("too old to be known", func(t *testing.T) {
		t.Parallel()
		open(t).grant("g", 10, 0).after(tokenaccount.ReferenceWindow).reserve("r", 1, hour).ok()
		open(t).grant("g", 10, 0).after(tokenaccount.ReferenceWindow+time.Millisecond).reserve("r", 1, hour).
			refused(tokenaccount.ErrReferenceTooOld)
		a := open(t).after(tokenaccount.GrantWindow + time.Millisecond)
		a.done(a.state.Bring(a.ctx(), tokenaccount.Granting{Grant: ref("g"), Amount: 1})).refused(tokenaccount.ErrReferenceTooOld)
	})
	t.Run("an operation that could still be open is never forgotten", func(t *testing.T) {
		t.Parallel()
		open(t).grant("g", 10, 0).after(tokenaccount.ReferenceWindow).reserve("r", 2, tokenaccount.MaxHold).ok().
			after(tokenaccount.ReferenceWindow+tokenaccount.MaxHold-time.Millisecond).reserve("x", 1, hour).
			refused(tokenaccount.ErrReferenceTooOld).capture("r", 2).ok().shows(8, 0, 0, 0)
	})
}

// What the account remembers is bounded by time, not by how much happened.
func TestStateDoesNotGrowForEver(t *testing.T) {
	t.Parallel()
	a := open(t)
	for day := range 60 {
		a.at = start.AddDate(0, 0, day)
		r := tokenaccount.Reference{ID: fmt.Sprint("grant ", day), At: a.at}
		a.done(a.state.Bring(a.ctx(), tokenaccount.Granting{Grant: r, Source: tokenaccount.SourcePurchase, Amount: 50})).ok()
		for i := range 50 {
			r := tokenaccount.Reference{ID: fmt.Sprint("op ", i), At: a.at}
			a.done(a.state.Reserve(a.ctx(), tokenaccount.Reservation{Reference: r, Amount: 1, Hold: time.Hour})).ok()
			a.done(a.state.Capture(a.ctx(), r, 1)).ok()
		}
	}
	saved := a.state.Save()
	if n := len(saved.Operations); n > 9*50 {
		t.Errorf("%d operations are remembered after 60 days of 50", n)
	}
	if n := len(saved.Holds()); n != 0 {
		t.Errorf("%d reservations are open", n)
	}
	if n := len(a.state.Grants()); n != 0 {
		t.Errorf("%d grants are live", n)
	}
}

var forAda = tokenaccount.Reason{Text: personal.New("for Ada"), Nonce: personal.New("nonce")}

func TestAdjust(t *testing.T) {
	t.Parallel()
	a := open(t).grant("g", 10, 0)
	adjust := func(amount int64) *account {
		return a.done(a.state.Adjust(a.ctx(), tokenaccount.Adjustment{
			Reference: ref("adj"), Amount: amount, Reason: forAda,
		}))
	}
	adjust(11).refused(tokenaccount.ErrInsufficient)
	adjust(4).ok().recorded("TokensAdjusted").shows(6, 0, 0, 0)
	e, _ := a.last[0].(tokenaccount.TokensAdjusted)
	if text := e.Commitment(); strings.Contains(text, "Ada") || !strings.Contains(text, e.ReasonDigest) {
		t.Errorf("the chain knows %q", text)
	}
	adjust(4).ok().recorded()
	adjust(5).refused(tokenaccount.ErrReferenceReused)
	for _, reason := range []string{"", " ", "ab", strings.Repeat("a", 501), "a\x00bc"} {
		why := tokenaccount.Reason{Text: personal.New(reason)}
		a.done(a.state.Adjust(a.ctx(), tokenaccount.Adjustment{Reference: ref("x"), Amount: 1, Reason: why})).refused(domaintest.Invalid)
		a.done(a.state.Bring(a.ctx(), tokenaccount.Granting{
			Grant: ref("x"), Source: tokenaccount.SourceAdjustment, Amount: 1, Reason: why,
		})).refused(domaintest.Invalid)
	}
}

func TestSuspension(t *testing.T) {
	t.Parallel()
	a := open(t).grant("g", 10, 0).reserve("r", 4, time.Hour).ok()
	a.done(a.state.Suspend(a.ctx())).recorded("TokenAccountSuspended", "ReservationReleased").shows(10, 0, 0, 0)
	a.done(a.state.Suspend(a.ctx())).ok().recorded()
	a.reserve("s", 1, time.Hour).refused(tokenaccount.ErrSuspended).capture("r", 1).refused(tokenaccount.ErrReservationReleased)
	a.done(a.state.Resume(a.ctx())).recorded("TokenAccountResumed")
	a.done(a.state.Resume(a.ctx())).ok().recorded()
	a.reserve("s", 1, time.Hour).ok()
}

// However many reservations are open, a suspension appends few events at once,
// and repeating it ends them all.
func TestSuspensionIsBounded(t *testing.T) {
	t.Parallel()
	a := open(t).grant("g", 1000, 0)
	for i := range 450 {
		a.reserve(fmt.Sprint("r", i), 1, time.Hour).ok()
	}
	rounds := 0
	for {
		a.done(a.state.Suspend(a.ctx())).ok()
		if len(a.last) == 0 {
			break
		}
		if rounds++; len(a.last) > 201 || rounds > 3 {
			t.Fatalf("%d events in round %d", len(a.last), rounds)
		}
	}
	a.shows(1000, 0, 0, 0)
}

func TestLowBalanceIsSaidOncePerCrossing(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.low = 5
	a.grant("g", 10, 0).recorded("TokensGranted")
	a.reserve("r", 5, time.Hour).recorded("TokensReserved")
	a.reserve("s", 1, time.Hour).recorded("TokensReserved", "LowBalanceReached")
	a.reserve("u", 1, time.Hour).recorded("TokensReserved")
	a.release("s").recorded("ReservationReleased").release("u").recorded("ReservationReleased")
	a.reserve("v", 2, time.Hour).recorded("TokensReserved", "LowBalanceReached")
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, amount := range []int64{0, -1, math.MinInt64, tokenaccount.MaxAmount + 1, math.MaxInt64} {
		a := open(t).grant("g", 10, 0)
		a.reserve("r", amount, time.Hour).refused(domaintest.Invalid)
		a.capture("r", amount).refused(domaintest.Invalid)
		a.refund("f", "r", amount).refused(domaintest.Invalid)
		a.done(a.state.Adjust(a.ctx(), tokenaccount.Adjustment{Reference: ref("x"), Amount: amount})).refused(domaintest.Invalid)
		a.done(a.state.Bring(a.ctx(), tokenaccount.Granting{Grant: ref("x"), Amount: amount})).refused(domaintest.Invalid)
	}
	a := open(t).grant("g", 10, 0)
	for _, hold := range []time.Duration{0, -time.Second, tokenaccount.MaxHold + 1} {
		a.reserve("r", 1, hold).refused(domaintest.Invalid)
	}
	for name, r := range map[string]tokenaccount.Reference{
		"no id":     {At: start},
		"no time":   {ID: "r"},
		"too long":  {ID: strings.Repeat("r", 101), At: start},
		"too exact": {ID: "r", At: start.Add(time.Microsecond)},
	} {
		a.done(a.state.Reserve(a.ctx(), tokenaccount.Reservation{Reference: r, Amount: 1, Hold: time.Hour})).refused(domaintest.Invalid)
		if a.err == nil {
			t.Error(name)
		}
	}
	a.capture("unknown", 1).refused(tokenaccount.ErrReservationNotFound).release("unknown").refused(tokenaccount.ErrReservationNotFound)
	a.reserve("r", 4, time.Hour).ok().capture("r", 5).refused(domaintest.Invalid).refund("f", "r", 1).refused(tokenaccount.ErrReservationNotCaptured)
}

// The account counts in int64, and refuses a grant that it could not count.
func TestOverflowIsRefused(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.state.Balance.Issued = -(math.MaxInt64 - 5)
	a.done(a.state.Bring(a.ctx(), tokenaccount.Granting{Grant: ref("g"), Amount: 6})).refused(domaintest.Invalid)
	a.done(a.state.Bring(a.ctx(), tokenaccount.Granting{Grant: ref("g"), Amount: 5})).ok()
}

// However much has come due while nobody looked, each append is bounded, and
// what the clock shows meanwhile does not change.
func TestWhatHasComeDueIsRecordedInBoundedParts(t *testing.T) {
	t.Parallel()
	a := open(t).grant("g", 1000, 2*time.Hour)
	for i := range 450 {
		a.reserve(fmt.Sprint("r", i), 2, time.Hour+time.Duration(i)*time.Minute).ok()
	}
	a.after(9 * time.Hour)
	rounds := 0
	for {
		a.done(a.state.Bring(a.ctx(), tokenaccount.Granting{Grant: ref("later"), Source: tokenaccount.SourcePurchase, Amount: 5}))
		if a.err == nil {
			break
		}
		a.refused(tokenaccount.ErrOverdue).shows(0, 0, 0, 0)
		a.done(a.state.Settle(a.ctx())).ok()
		if rounds++; len(a.last) > 202 || len(a.last) == 0 || rounds > 5 {
			t.Fatalf("%d events in round %d", len(a.last), rounds)
		}
		if last := a.last[len(a.last)-1]; last.EventType() != "TokensExpired" && a.state.LastAt.After(start.Add(2*time.Hour)) {
			t.Errorf("round %d ends with %s: what returned has not expired", rounds, last.EventType())
		}
	}
	a.shows(5, 0, 0, 0)
	if a.state.Balance.Sum() != 0 || a.state.Balance.Expired != 1000 {
		t.Errorf("the account has %+v", a.state.Balance)
	}
}

// In whatever order timeout, capture and release come, and on whichever side of
// the deadline, one of them wins, and the others change nothing.
func TestEveryInterleavingHasOneWinner(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	steps := map[string]func(*account) *account{
		"capture": func(a *account) *account { return a.capture("r", 3) },
		"release": func(a *account) *account { return a.release("r") },
		"timeout": func(a *account) *account { return a.done(a.state.Settle(a.ctx())) },
	}
	orders := [][]string{
		{"capture", "release", "timeout"},
		{"capture", "timeout", "release"},
		{"release", "capture", "timeout"},
		{"release", "timeout", "capture"},
		{"timeout", "capture", "release"},
		{"timeout", "release", "capture"},
	}
	for _, order := range orders {
		// How many of the steps come before the deadline, the rest at that instant.
		for before := range len(order) + 1 {
			a := open(t).grant("g", 10, 0).reserve("r", 4, hour).ok()
			winner, ended := "timeout", 0
			for i, step := range order {
				at := hour
				if i < before {
					at = hour - time.Millisecond
				}
				steps[step](a.after(at))
				for _, e := range a.last {
					switch e := e.(type) {
					case tokenaccount.TokensCaptured:
						winner, ended = "capture", ended+1
					case tokenaccount.ReservationReleased:
						ended++
						if e.Reason == tokenaccount.ReasonReleased {
							winner = "release"
						}
					}
				}
			}
			a.after(2 * hour)
			want := "timeout"
			for _, step := range order[:before] {
				if step != "timeout" {
					want = step
					break
				}
			}
			b := a.state.At(a.at).Balance
			consumed := map[string]int64{"capture": 3}[want]
			if winner != want || ended > 1 || b.Consumed != consumed || b.Available != 10-consumed || b.Held != 0 || b.Sum() != 0 {
				t.Errorf("%v, %d before the deadline: %s wins with %d ends and %+v, want %s", order, before, winner, ended, b, want)
			}
		}
	}
}

// Texts that could be taken for two in the chain of hashes are refused.
func TestTextsInTheChainAreUnambiguous(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\tb", "a\nb", "a\x00b", "a\xffb"} {
		for _, r := range []tokenaccount.Reservation{
			{Reference: ref("r"), Purpose: text}, {Reference: ref("r"), FileID: text}, {Reference: ref("r"), UserID: id.User(text)}, {Reference: ref(text)},
		} {
			a := open(t).grant("g", 10, 0)
			r.Amount, r.Hold = 1, time.Hour
			a.done(a.state.Reserve(a.ctx(), r)).refused(domaintest.Invalid)
		}
	}
}
