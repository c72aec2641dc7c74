package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/readmodeltest"
	"github.com/perfectworks/backend/projections/tokens"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

func newModel(tb testing.TB) (*readmodeltest.Model, tokens.Queries, *pgxpool.Pool) {
	tb.Helper()
	pool := postgrestest.New(tb, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(tb, pool, tokens.Definition()), tokens.NewQueries(pool), pool
}

// account is a token account whose history is told, and kept.
type account struct {
	organization id.Organization
	state        tokenaccount.State
	log          []event.Event
	at           time.Time
}

func newAccount(organization id.Organization) *account {
	return &account{organization: organization, at: start}
}

func ref(name string) tokenaccount.Reference {
	return tokenaccount.Reference{ID: name, At: start.Truncate(time.Millisecond)}
}

func (a *account) ctx() tokenaccount.Context {
	return tokenaccount.Context{OrganizationID: a.organization, At: a.at}
}

// did takes over what was decided; refusals change nothing.
func (a *account) did(events []event.Event, err error) []event.Event {
	if err != nil {
		return nil
	}
	for _, e := range events {
		a.state = tokenaccount.Apply(a.state, e)
	}
	a.log = append(a.log, events...)
	return events
}

func (a *account) after(d time.Duration) *account { a.at = start.Add(d); return a }

func (a *account) grant(name string, amount int64, life time.Duration) *account {
	g := tokenaccount.Granting{Grant: ref(name), Source: tokenaccount.SourcePurchase, Amount: amount}
	if life > 0 {
		g.ExpireAt = start.Add(life)
	}
	a.did(a.state.Bring(a.ctx(), g))
	return a
}

func (a *account) reserve(name string, amount int64, user id.User, file string, hold time.Duration) *account {
	a.did(a.state.Reserve(a.ctx(), tokenaccount.Reservation{
		Reference: ref(name), Amount: amount, Purpose: "accessibility", UserID: user, FileID: file, Hold: hold,
	}))
	return a
}

func (a *account) capture(name string, amount int64) *account {
	a.did(a.state.Capture(a.ctx(), ref(name), amount))
	return a
}

// example is an account with one transaction of most types.
func example() *account {
	const hour = time.Hour
	a := newAccount("org_1").grant("g1", 100, 24*hour).grant("g2", 50, 0).
		after(hour).reserve("r1", 30, "user_1", "file_1", hour).capture("r1", 20).
		reserve("r2", 10, "user_2", "file_2", hour)
	a.did(a.state.Release(a.ctx(), ref("r2")))
	a.did(a.state.Refund(a.ctx(), ref("f1"), ref("r1"), 5))
	a.did(a.state.Adjust(a.ctx(), tokenaccount.Adjustment{
		Reference: ref("adj"), Amount: 3, Reason: tokenaccount.Reason{Text: personal.New("for Ada"), Nonce: personal.New("n")},
	}))
	a.did(a.state.Align(a.ctx(), tokenaccount.Alignment{Grant: ref("g2"), Version: 1, Disputed: true}))
	a.did(a.state.Align(a.ctx(), tokenaccount.Alignment{Grant: ref("g2"), Version: 2, ClawedBack: 20}))
	a.did(a.state.Align(a.ctx(), tokenaccount.Alignment{Grant: ref("g2"), Version: 3, ClawedBack: 10}))
	a.reserve("r3", 7, "user_1", "file_1", hour)
	a.after(3 * hour)
	a.did(a.state.Settle(a.ctx()))
	a.after(30 * hour)
	a.did(a.state.Settle(a.ctx()))
	return a
}

func TestReducers(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, tokens.Definition(), tokenaccount.Aggregate.Schemas)
	for _, s := range tokenaccount.Aggregate.Schemas {
		_, entry := tokenaccount.EntryOf(s.Value(s.New()))
		if known := tokens.Definition().Reducers[s.Type] != nil; known != entry {
			t.Errorf("%s: it is an entry: %t, and is followed: %t", s.Type, entry, known)
		}
	}
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q, _ := newModel(t)
	a := example()
	m.Given("tokenAccount-org_1", a.log...)
	m.Given("tokenAccount-org_2", newAccount("org_2").grant("other", 9, 0).log...)
	all := tokens.Scope{OrganizationID: "org_1"}
	page, err := q.List(ctx, all, tokens.Period{}, list.Request{Limit: 100, Sort: "createdAt:asc"})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i, x := range page.Items {
		lines = append(lines, fmt.Sprint(x.Type, " ", x.Amount, " ", x.Reference, x.Reservation, " ", x.Purpose, x.FileID, x.UserID, x.Reason, " ", x.Available, "/", x.Held))
		if x.Sequence != int64(i+1) || x.Balance().Sum() != 0 || x.OrganizationID != "org_1" {
			t.Errorf("%+v", x)
		}
		one, err := q.Get(ctx, all, x.ID)
		if diff := cmp.Diff(x, one); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	}
	want := []string{
		"grant 100 g1  100/0", "grant 50 g2  150/0",
		"reservation 30 r1 accessibilityfile_1user_1 120/30", "capture 20 r1 accessibilityfile_1user_1 130/0",
		"reservation 10 r2 accessibilityfile_2user_2 120/10", "release 10 r2 accessibilityfile_2user_2 130/0",
		"refund 5 f1r1 accessibilityfile_1user_1 135/0", "adjustment -3 adj for Ada 132/0",
		"freeze 50 g2  82/0", "clawback 20 g2  82/0", "thaw 30 g2  112/0", "clawbackReversal 10 g2  122/0",
		"reservation 7 r3 accessibilityfile_1user_1 115/7", "timeout 7 r3 accessibilityfile_1user_1 122/0",
		"expiry 82 g1  40/0",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for what, c := range map[string]struct {
		scope  tokens.Scope
		period tokens.Period
		r      list.Request
		want   string
	}{
		"newest first":    {all, tokens.Period{}, list.Request{Limit: 2}, "15 14"},
		"by amount":       {all, tokens.Period{}, list.Request{Limit: 2, Sort: "amount"}, "8 7"},
		"of a type":       {all, tokens.Period{}, list.Request{Filters: map[string][]string{"type": {"capture", "refund"}}}, "7 4"},
		"of a file":       {all, tokens.Period{}, list.Request{Filters: map[string][]string{"fileId": {"file_2"}}}, "6 5"},
		"own":             {tokens.Scope{OrganizationID: "org_1", UserID: "user_2"}, tokens.Period{}, list.Request{}, "6 5"},
		"from is in":      {all, tokens.Period{From: start.Add(2 * time.Hour)}, list.Request{}, "15 14"},
		"to is out":       {all, tokens.Period{To: start.Add(time.Hour)}, list.Request{}, "2 1"},
		"of nobody":       {tokens.Scope{OrganizationID: "org_3"}, tokens.Period{}, list.Request{}, ""},
		"from before the": {all, tokens.Period{From: start.Add(2 * time.Hour), To: start.Add(2*time.Hour + time.Millisecond)}, list.Request{}, "14"},
	} {
		page, err := q.List(ctx, c.scope, c.period, c.r)
		var got []string
		for _, x := range page.Items {
			got = append(got, fmt.Sprint(x.Sequence))
		}
		if strings.Join(got, " ") != c.want || err != nil {
			t.Errorf("%s: %v, %v, want %s", what, got, err, c.want)
		}
		if c.r.Limit > 0 {
			continue
		}
		exported, err := q.Export(ctx, c.scope, c.period, c.r)
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		for x, err := range exported {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(x.Sequence))
		}
		if slices.Reverse(got); strings.Join(got, " ") != c.want {
			t.Errorf("%s, exported: %v, want %s", what, got, c.want)
		}
	}
	if _, err := q.Export(ctx, all, tokens.Period{}, list.Request{Filters: map[string][]string{"type": {"gift"}}}); err == nil {
		t.Error("an unknown type was taken for a filter")
	}
	for _, scope := range []tokens.Scope{{OrganizationID: "org_2"}, {OrganizationID: "org_1", UserID: "user_2"}} {
		if _, err := q.Get(ctx, scope, page.Items[3].ID); !errors.Is(err, tokens.ErrNotFound) {
			t.Errorf("%+v finds another's transaction: %v", scope, err)
		}
	}
	granted, err := q.Granted(ctx, "org_1", ref("g2"))
	if err != nil || granted != page.Items[1].ID {
		t.Errorf("g2 was granted by %s, %v", granted, err)
	}
	if _, err := q.Granted(ctx, "org_1", ref("r1")); !errors.Is(err, tokens.ErrNotFound) {
		t.Errorf("a reservation is no grant: %v", err)
	}
}

// Expiry and timeouts hold at the very instant, and before anything records them.
func TestBalanceByTheClock(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q, _ := newModel(t)
	const hour, instant = time.Hour, time.Millisecond
	a := newAccount("org_1").grant("g1", 100, 2*hour).grant("g2", 50, 0).reserve("r1", 30, "", "", hour)
	m.Given("tokenAccount-org_1", a.log...)
	for at, want := range map[time.Duration]string{
		-instant: "0 0 0", 0: "120 30 150", hour - instant: "120 30 150", hour: "150 0 150",
		2*hour - instant: "150 0 150", 2 * hour: "50 0 50", 99 * hour: "50 0 50",
	} {
		b, err := q.Balance(ctx, "org_1", tokens.AsOf{Time: start.Add(at)})
		if got := fmt.Sprint(b.Accounts.Available, b.Accounts.Held, b.Accounts.Settled()); got != want || err != nil {
			t.Errorf("after %s: %s, %v, want %s", at, got, err, want)
		}
	}
	for at, want := range map[time.Duration]string{hour - instant: "", hour: "org_1", 9 * hour: "org_1"} {
		due, err := q.Due(ctx, start.Add(at), "", 10)
		if got := fmt.Sprint(due); got != "["+want+"]" || err != nil {
			t.Errorf("due after %s: %s, %v", at, got, err)
		}
	}
	if due, _ := q.Due(ctx, start.Add(9*hour), "org_1", 10); len(due) > 0 {
		t.Errorf("after org_1 comes %v", due)
	}
	m.Given("tokenAccount-org_1", a.after(9*hour).did(a.state.Settle(a.ctx()))...)
	if due, _ := q.Due(ctx, start.Add(99*hour), "", 10); len(due) > 0 {
		t.Errorf("%v is due again", due)
	}
	if b, err := q.Balance(ctx, "org_2", tokens.AsOf{Time: start}); err != nil || b.Accounts != (tokenaccount.Balance{}) || len(b.Grants) > 0 {
		t.Errorf("an account without entries: %+v, %v", b, err)
	}
}

// At each time and each position the balance is that of the fold of the log up to
// there, by the clock.
func TestBalanceOfThePastAgreesWithTheFold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q, pool := newModel(t)
	m.Given("tokenAccount-org_0", newAccount("org_0").grant("first", 1, 0).log...) // The tables are there then.
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		a := newAccount(id.Organization(fmt.Sprint("org_", n)))
		var holds []string
		for i := range rapid.IntRange(1, 25).Draw(t, "steps") {
			a.at = a.at.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			name, amount := fmt.Sprint(i), rapid.Int64Range(1, 9).Draw(t, "amount")
			hold := "none"
			if len(holds) > 0 {
				hold = rapid.SampledFrom(holds).Draw(t, "hold")
			}
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				a.grant(name, amount*3, time.Duration(rapid.IntRange(0, 300).Draw(t, "life"))*time.Minute)
			case 1, 2:
				a.reserve(name, amount, "user_1", "", time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes held"))*time.Minute)
				holds = append(holds, name)
			case 3:
				a.capture(hold, amount)
			case 4:
				a.did(a.state.Release(a.ctx(), ref(hold)))
			case 5:
				for _, g := range a.state.Grants()[:min(1, len(a.state.Grants()))] {
					a.did(a.state.Align(a.ctx(), tokenaccount.Alignment{
						Grant: g.Reference, Version: int64(i), ClawedBack: rapid.Int64Range(0, g.Amount).Draw(t, "clawed"),
						Disputed: rapid.Bool().Draw(t, "disputed"),
					}))
				}
			}
		}
		stream := "tokenAccount-" + string(a.organization)
		m.Given(stream, a.log...)
		var ats []time.Time
		for _, e := range a.log {
			if entry, ok := tokenaccount.EntryOf(e); ok {
				ats = append(ats, entry.OccurredAt.Add(-time.Millisecond), entry.OccurredAt)
			}
		}
		ats = append(ats, a.at, a.at.Add(24*time.Hour))
		for _, at := range ats {
			want := foldUntil(a, func(e tokenaccount.Entry) bool { return !e.OccurredAt.After(at) })
			got, err := q.Balance(ctx, a.organization, tokens.AsOf{Time: at})
			compare(t, fmt.Sprint("at ", at), want.At(at), got, err)
		}
		state := tokenaccount.State{}
		for _, e := range m.Log.Events() {
			if e.Stream == stream {
				state = tokenaccount.Apply(state, e.Event)
				got, err := q.Balance(ctx, a.organization, tokens.AsOf{Position: e.Position})
				compare(t, "at "+e.Position.String(), state, got, err)
			}
		}
	})
	// The sums of the runs are those of the rows.
	var wrong int
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM tokens.grants g JOIN (
		SELECT organization_id, reference, reference_at, sum(free) free, sum(held) held FROM tokens.grant_runs GROUP BY 1, 2, 3
		) s USING (organization_id, reference, reference_at) WHERE (g.free, g.held) <> (s.free, s.held)`).Scan(&wrong); err != nil || wrong > 0 {
		t.Errorf("%d grants differ from their runs, %v", wrong, err)
	}
}

func foldUntil(a *account, within func(tokenaccount.Entry) bool) tokenaccount.State {
	state := tokenaccount.State{}
	for _, e := range a.log {
		if entry, ok := tokenaccount.EntryOf(e); ok && !within(entry) {
			break
		}
		state = tokenaccount.Apply(state, e)
	}
	return state
}

func compare(t *rapid.T, when string, want tokenaccount.State, got tokens.Balance, err error) {
	t.Helper()
	show := func(b tokenaccount.Balance, grants []tokenaccount.Grant) string {
		text := fmt.Sprintf("%+v", b)
		for _, g := range grants {
			text += fmt.Sprintf("\n%s %s %d/%d: %d available, %d held, %d frozen, %d expired, %d clawed back, %t until %s",
				g.Reference.ID, g.Source, g.Priority, g.Amount, g.Available, g.Held, g.Frozen, g.Expired, g.ClawedBack, g.Disputed, g.ExpireAt.UTC())
		}
		return text
	}
	if diff := cmp.Diff(show(want.Balance, want.Grants()), show(got.Accounts, got.Grants)); diff != "" || err != nil {
		t.Fatalf("%s (-folded +queried): %v\n%s", when, err, diff)
	}
}

// Sums over many runs, and within the last of them.
func TestBalanceOfALongHistory(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q, _ := newModel(t)
	a := newAccount("org_1").grant("g1", 1_000_000, 0).grant("g2", 500, 9*time.Hour)
	for i := range 1200 {
		name := fmt.Sprint("r", i)
		a.after(time.Duration(i)*time.Second).reserve(name, 2, "", "", time.Hour).capture(name, 1)
	}
	m.Given("tokenAccount-org_1", a.log...)
	for _, sequence := range []int64{1, 2, 1023, 1024, 1025, 2047, 2048, 2049, 2402} {
		want := foldUntil(a, func(e tokenaccount.Entry) bool { return e.Sequence <= sequence })
		at := want.LastAt
		want = foldUntil(a, func(e tokenaccount.Entry) bool { return !e.OccurredAt.After(at) })
		got, err := q.Balance(ctx, "org_1", tokens.AsOf{Time: at})
		if diff := cmp.Diff(want.Balance, got.Accounts); diff != "" || err != nil {
			t.Errorf("at %d: %v %s", sequence, err, diff)
		}
		for i, g := range want.Grants() {
			if got.Grants[i].Available != g.Available || got.Grants[i].Held != g.Held {
				t.Errorf("at %d: %+v, want %+v", sequence, got.Grants[i], g)
			}
		}
	}
}

// Purging the organization erases the reasons and leaves the ledger.
func TestErasure(t *testing.T) {
	t.Parallel()
	m, _, _ := newModel(t)
	m.CheckErasure(tokenaccount.Aggregate.Schemas)
}
