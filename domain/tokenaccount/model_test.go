package tokenaccount_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// model is the ledger told another way: every token is a thing of its own that
// lies in some place, and debts are counted. It is slow and has no balances,
// no allocations and no entries.
type model struct {
	tokens    []*token
	grants    map[string]*modelGrant
	holds     map[string]*modelHold
	order     []string // grants in the order in which they came
	debt      int
	now       time.Time
	suspended bool
}

type token struct {
	grant string
	place string // available, held, frozen, consumed, expired, clawedBack, repaid, removed
	hold  string
	// for a clawback, whose and from where
	taker  string
	from   string
	serial int
}

type modelGrant struct {
	priority int
	expireAt time.Time
	version  int64
	disputed bool
	clawed   int
	debts    int // clawed back tokens of this grant that became debt
}

type modelHold struct {
	deadline time.Time
	status   string
	amount   int
	captured int
	refunded int
}

func newModel() *model {
	return &model{grants: map[string]*modelGrant{}, holds: map[string]*modelHold{}}
}

func (m *model) expired(grant string, at time.Time) bool {
	e := m.grants[grant].expireAt
	return !e.IsZero() && !at.Before(e)
}

// burnOrder is the available tokens as they are spent.
func (m *model) burnOrder() []*token {
	var free []*token
	for _, t := range m.tokens {
		if t.place == "available" {
			free = append(free, t)
		}
	}
	slices.SortStableFunc(free, func(a, b *token) int {
		g, h := m.grants[a.grant], m.grants[b.grant]
		switch {
		case g.priority != h.priority:
			return g.priority - h.priority
		case g.expireAt.IsZero() != h.expireAt.IsZero():
			if g.expireAt.IsZero() {
				return 1
			}
			return -1
		case !g.expireAt.Equal(h.expireAt):
			return g.expireAt.Compare(h.expireAt)
		}
		return slices.Index(m.order, a.grant) - slices.Index(m.order, b.grant)
	})
	return free
}

// tick lets time pass, one instant after another.
func (m *model) tick(to time.Time) {
	for ; !m.now.After(to); m.now = m.now.Add(time.Minute) {
		for _, ref := range m.holdOrder() {
			if h := m.holds[ref]; h.status == "held" && !m.now.Before(h.deadline) {
				h.status = "timedOut"
				m.giveBack(m.heldBy(ref))
			}
		}
		m.lapse()
	}
	m.now = to
}

func (m *model) holdOrder() []string {
	var refs []string
	for ref := range m.holds {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b string) int {
		if c := m.holds[a].deadline.Compare(m.holds[b].deadline); c != 0 {
			return c
		}
		if a < b {
			return -1
		}
		return 1
	})
	return refs
}

func (m *model) heldBy(ref string) []*token {
	var held []*token
	for _, t := range m.tokens {
		if t.place == "held" && t.hold == ref {
			held = append(held, t)
		}
	}
	slices.SortStableFunc(held, func(a, b *token) int { return a.serial - b.serial })
	return held
}

// lapse expires what is available of expired grants.
func (m *model) lapse() {
	for _, t := range m.tokens {
		if t.place == "available" && m.expired(t.grant, m.now) {
			t.place = "expired"
		}
	}
}

// giveBack makes tokens free, each of which first repays a token of debt.
func (m *model) giveBack(tokens []*token) {
	for _, t := range tokens {
		switch {
		case m.debt > 0:
			m.debt--
			t.place = "repaid"
		case m.grants[t.grant].disputed:
			t.place = "frozen"
		default:
			t.place = "available"
		}
	}
}

func (m *model) grant(ref string, priority, amount int, expireAt time.Time) {
	m.grants[ref] = &modelGrant{priority: priority, expireAt: expireAt}
	m.order = append(m.order, ref)
	var coins []*token
	for range amount {
		coins = append(coins, &token{grant: ref})
	}
	m.tokens = append(m.tokens, coins...)
	m.giveBack(coins)
	m.lapse()
}

func (m *model) reserve(ref string, amount int, deadline time.Time) bool {
	free := m.burnOrder()
	if m.suspended || amount > len(free) {
		return false
	}
	for i, t := range free[:amount] {
		t.place, t.hold, t.serial = "held", ref, i
	}
	m.holds[ref] = &modelHold{deadline: deadline, status: "held", amount: amount}
	return true
}

func (m *model) capture(ref string, amount int) bool {
	h := m.holds[ref]
	if h.status != "held" {
		return h.status == "captured" && h.captured == amount
	}
	if amount > h.amount {
		return false
	}
	h.status, h.captured = "captured", amount
	held := m.heldBy(ref)
	for _, t := range held[:amount] {
		t.place = "consumed"
	}
	m.giveBack(held[amount:])
	m.lapse()
	return true
}

func (m *model) release(ref string) bool {
	h := m.holds[ref]
	if h.status == "captured" {
		return false
	}
	if h.status == "held" {
		h.status = "released"
		m.giveBack(m.heldBy(ref))
		m.lapse()
	}
	return true
}

func (m *model) refund(ref string, amount int) bool {
	h := m.holds[ref]
	if h.status != "captured" || amount > h.captured-h.refunded {
		return false
	}
	h.refunded += amount
	var spent []*token
	for _, t := range m.tokens {
		if t.place == "consumed" && t.hold == ref {
			spent = append(spent, t)
		}
	}
	slices.SortStableFunc(spent, func(a, b *token) int { return a.serial - b.serial })
	m.giveBack(spent[len(spent)-amount:])
	m.lapse()
	return true
}

func (m *model) adjust(amount int) bool {
	free := m.burnOrder()
	if amount > len(free) {
		return false
	}
	for _, t := range free[:amount] {
		t.place = "removed"
	}
	return true
}

// align only keeps totals: how much of a grant is clawed back, and from where a
// token at a time is taken.
func (m *model) align(ref string, version int64, clawed int, disputed bool) {
	g := m.grants[ref]
	if version <= g.version {
		return
	}
	g.version = version
	for ; g.clawed < clawed; g.clawed++ {
		m.claw(ref)
	}
	m.unclaw(ref, clawed)
	if disputed != g.disputed {
		g.disputed = disputed
		for _, t := range m.tokens {
			switch {
			case t.grant != ref:
			case disputed && t.place == "available":
				t.place = "frozen"
			case !disputed && t.place == "frozen":
				m.giveBack([]*token{t})
			}
		}
	}
	m.lapse()
}

func (m *model) claw(ref string) {
	for _, place := range []string{"available", "frozen", "expired"} {
		for _, t := range m.tokens {
			if t.grant == ref && t.place == place {
				t.place, t.taker, t.from = "clawedBack", ref, place
				return
			}
		}
	}
	if free := m.burnOrder(); len(free) > 0 {
		free[0].place, free[0].taker, free[0].from = "clawedBack", ref, "other"
		free[0].serial = len(m.tokens) + m.grants[ref].clawed
		return
	}
	m.debt++
	m.grants[ref].debts++
}

func (m *model) unclaw(ref string, to int) {
	g := m.grants[ref]
	n := g.clawed - to
	if n <= 0 {
		return
	}
	g.clawed = to
	var back []*token
	for ; n > 0 && g.debts > 0; n-- {
		g.debts--
		coin := &token{grant: ref, place: "reborn"}
		m.tokens = append(m.tokens, coin)
		back = append(back, coin)
	}
	var others []*token
	for _, t := range m.tokens {
		if t.place == "clawedBack" && t.taker == ref && t.from == "other" {
			others = append(others, t)
		}
	}
	slices.SortStableFunc(others, func(a, b *token) int { return b.serial - a.serial })
	taken := min(n, len(others))
	back, n = append(back, others[:taken]...), n-taken
	for _, t := range m.tokens {
		if n > 0 && t.place == "clawedBack" && t.taker == ref && t.from == "expired" {
			t.place, n = "expired", n-1
		}
	}
	for _, place := range []string{"frozen", "available"} {
		for _, t := range m.tokens {
			if n > 0 && t.place == "clawedBack" && t.taker == ref && t.from == place {
				back, n = append(back, t), n-1
			}
		}
	}
	m.giveBack(back)
}

func (m *model) suspend() {
	m.suspended = true
	for _, ref := range m.holdOrder() {
		if h := m.holds[ref]; h.status == "held" {
			h.status = "released"
			m.giveBack(m.heldBy(ref))
		}
	}
	m.lapse()
}

func (m *model) count(place string) (n int64) {
	for _, t := range m.tokens {
		if t.place == place {
			n++
		}
	}
	return n
}

// Random histories: the ledger and the model agree on every account after each
// step, and the ledger keeps its invariants.
func TestLedgerAgreesWithTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := &ledger{m: newModel(), at: start}
		l.m.now = start
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.step(t)
		}
	})
}

type ledger struct {
	m      *model
	state  tokenaccount.State
	log    []event.Event
	at     time.Time
	n      int
	grants []tokenaccount.Reference
	holds  []tokenaccount.Reference
}

func (l *ledger) ref(kind string) tokenaccount.Reference {
	l.n++
	return tokenaccount.Reference{ID: fmt.Sprintf("%s-%03d", kind, l.n), At: l.at}
}

func (l *ledger) ctx() tokenaccount.Context {
	return tokenaccount.Context{OrganizationID: "org_1", At: l.at, LowBalance: 5}
}

// take applies what was decided, and reports whether it was allowed.
func (l *ledger) take(t *rapid.T, what string, events []event.Event, err error) bool {
	if err != nil && len(events) > 0 {
		t.Fatalf("%s: events beside %v", what, err)
	}
	for _, e := range events {
		l.state = tokenaccount.Apply(l.state, e)
	}
	l.log = append(l.log, events...)
	return err == nil
}

func (l *ledger) step(t *rapid.T) {
	l.at = l.at.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "minutes")) * time.Minute)
	l.m.tick(l.at)
	amount := rapid.Int64Range(1, 12).Draw(t, "amount")
	pick := func(of []tokenaccount.Reference, label string) (tokenaccount.Reference, bool) {
		if len(of) == 0 {
			return tokenaccount.Reference{}, false
		}
		return rapid.SampledFrom(of).Draw(t, label), true
	}
	kind := rapid.SampledFrom([]string{
		"grant", "grant", "reserve", "reserve", "reserve", "capture", "capture", "release",
		"refund", "adjust", "align", "align", "align", "align", "settle", "suspend", "resume", "repeat",
	}).Draw(t, "kind")
	var got, want bool
	switch kind {
	case "grant":
		source := rapid.SampledFrom([]tokenaccount.Source{
			tokenaccount.SourceWelcome, tokenaccount.SourcePurchase, tokenaccount.SourceAdjustment,
		}).Draw(t, "source")
		var expireAt time.Time
		if rapid.Bool().Draw(t, "expires") {
			expireAt = l.at.Add(time.Duration(rapid.IntRange(-30, 300).Draw(t, "life")) * time.Minute)
		}
		r := l.ref("grant")
		l.grants = append(l.grants, r)
		events, err := l.state.Bring(l.ctx(), tokenaccount.Granting{Grant: r, Source: source, Amount: amount, ExpireAt: expireAt, Reason: forAda})
		got, want = l.take(t, kind, events, err), true
		l.m.grant(r.ID, source.Priority(), int(amount), expireAt)
	case "reserve":
		r := l.ref("hold")
		hold := time.Duration(rapid.IntRange(1, 120).Draw(t, "hold")) * time.Minute
		events, err := l.state.Reserve(l.ctx(), tokenaccount.Reservation{Reference: r, Amount: amount, Purpose: "test", Hold: hold})
		got, want = l.take(t, kind, events, err), l.m.reserve(r.ID, int(amount), l.at.Add(hold))
		if want {
			l.holds = append(l.holds, r)
		}
	case "capture":
		r, ok := pick(l.holds, "hold")
		if !ok {
			return
		}
		events, err := l.state.Capture(l.ctx(), r, amount)
		got, want = l.take(t, kind, events, err), l.m.capture(r.ID, int(amount))
	case "release":
		r, ok := pick(l.holds, "hold")
		if !ok {
			return
		}
		events, err := l.state.Release(l.ctx(), r)
		got, want = l.take(t, kind, events, err), l.m.release(r.ID)
	case "refund":
		r, ok := pick(l.holds, "hold")
		if !ok {
			return
		}
		events, err := l.state.Refund(l.ctx(), l.ref("refund"), r, amount)
		got, want = l.take(t, kind, events, err), l.m.refund(r.ID, int(amount))
	case "adjust":
		events, err := l.state.Adjust(l.ctx(), tokenaccount.Adjustment{Reference: l.ref("adjust"), Amount: amount, Reason: forAda})
		got, want = l.take(t, kind, events, err), l.m.adjust(int(amount))
	case "align":
		r, ok := pick(l.grants, "grant")
		if !ok {
			return
		}
		g, _ := l.state.Grant(r)
		version := rapid.Int64Range(1, 8).Draw(t, "version")
		clawed := rapid.Int64Range(0, g.Amount).Draw(t, "clawed")
		disputed := rapid.Bool().Draw(t, "disputed")
		events, err := l.state.Align(l.ctx(), tokenaccount.Alignment{Grant: r, Version: version, ClawedBack: clawed, Disputed: disputed})
		got, want = l.take(t, kind, events, err), true
		l.m.align(r.ID, version, int(clawed), disputed)
	case "settle":
		events, err := l.state.Settle(l.ctx())
		got, want = l.take(t, kind, events, err), true
	case "suspend":
		events, err := l.state.Suspend(l.ctx())
		got, want = l.take(t, kind, events, err), true
		l.m.suspend()
	case "resume":
		events, err := l.state.Resume(l.ctx())
		got, want = l.take(t, kind, events, err), true
		l.m.suspended = false
	case "repeat":
		l.repeat(t)
		return
	}
	if got != want {
		t.Fatalf("%s of %d at %s: allowed is %t, the model says %t", kind, amount, l.at, got, want)
	}
	l.compare(t, kind)
}

// repeat asks again for what was granted: nothing may happen.
func (l *ledger) repeat(t *rapid.T) {
	for _, e := range l.log {
		if e, ok := e.(tokenaccount.TokensGranted); ok {
			events, err := l.state.Bring(l.ctx(), tokenaccount.Granting{
				Grant: e.Grant, Source: e.Source, Amount: e.Amount, ExpireAt: e.ExpireAt,
			})
			if err != nil || len(events) > 0 {
				t.Fatalf("the same grant again gives %v and %v", events, err)
			}
			_, err = l.state.Bring(l.ctx(), tokenaccount.Granting{
				Grant: e.Grant, Source: e.Source, Amount: e.Amount + 1, ExpireAt: e.ExpireAt,
			})
			if !errors.Is(err, tokenaccount.ErrReferenceReused) {
				t.Fatalf("another grant of the same reference gives %v", err)
			}
		}
	}
}

func (l *ledger) compare(t *rapid.T, after string) {
	shown := l.state.At(l.at)
	b := shown.Balance
	for account, want := range map[tokenaccount.Account]int64{
		tokenaccount.Available: l.m.count("available"),
		tokenaccount.Held:      l.m.count("held"),
		tokenaccount.Frozen:    l.m.count("frozen"),
		tokenaccount.Consumed:  l.m.count("consumed"),
		tokenaccount.Expired:   l.m.count("expired"),
		tokenaccount.Debt:      -int64(l.m.debt),
	} {
		if got := b.Of(account); got != want {
			t.Fatalf("after %s at %s: %s is %d, the model says %d\n%+v", after, l.at, account, got, want, b)
		}
	}
	var clawed int64
	for _, g := range l.m.grants {
		clawed += int64(g.clawed)
	}
	var available, held, frozen int64
	for _, g := range shown.Grants() {
		available, held, frozen = available+g.Available, held+g.Held, frozen+g.Frozen
	}
	switch {
	case b.ClawedBack != clawed:
		t.Fatalf("clawed back is %d, the model says %d", b.ClawedBack, clawed)
	case b.Sum() != 0:
		t.Fatalf("the accounts sum to %d: %+v", b.Sum(), b)
	case b.Available < 0 || b.Held < 0 || b.Frozen < 0 || b.Consumed < 0 || b.Expired < 0 || b.ClawedBack < 0:
		t.Fatalf("an account is negative: %+v", b)
	case b.Debt < 0 && b.Available > 0:
		t.Fatalf("tokens can be spent while there is debt: %+v", b)
	case available != b.Available || held != b.Held || frozen != b.Frozen:
		t.Fatalf("the grants have %d, %d, %d, the accounts %+v", available, held, frozen, b)
	}
	l.checkChain(t)
	l.checkChanges(t)
	if again, _ := shown.Settle(l.ctx()); len(again) > 0 {
		t.Fatalf("what had come due is due again: %v", again)
	}
}

// checkChanges adds up what each event changes in the grants.
func (l *ledger) checkChanges(t *rapid.T) {
	sums := map[tokenaccount.Reference]tokenaccount.GrantChange{}
	for _, e := range l.log {
		for _, c := range tokenaccount.ChangesOf(e) {
			s := sums[c.Grant]
			sums[c.Grant] = tokenaccount.GrantChange{
				Grant: c.Grant, Free: s.Free + c.Free, Held: s.Held + c.Held, Expired: s.Expired + c.Expired,
				ClawedBack: s.ClawedBack + c.ClawedBack, Disputed: s.Disputed + c.Disputed,
			}
		}
	}
	for _, r := range l.grants {
		g, _ := l.state.Grant(r)
		want := tokenaccount.GrantChange{
			Grant: r, Free: g.Available + g.Frozen, Held: g.Held, Expired: g.Expired, ClawedBack: g.ClawedBack,
		}
		if g.Disputed {
			want.Disputed = 1
		}
		if sums[r] != want {
			t.Fatalf("the changes of %s sum to %+v, the state has %+v", r.ID, sums[r], want)
		}
	}
}

// checkChain recomputes balances, hashes and times of the whole log.
func (l *ledger) checkChain(t *rapid.T) {
	var folded tokenaccount.State
	var before tokenaccount.Entry
	for _, e := range l.log {
		folded = tokenaccount.Apply(folded, e)
		posted, ok := e.(interface {
			event.Event
			Commitment() string
		})
		if !ok {
			continue
		}
		entry, _ := tokenaccount.EntryOf(e)
		sum := int64(0)
		for _, m := range entry.Movements {
			sum += m.Amount
		}
		switch {
		case sum != 0:
			t.Fatalf("the movements of %T sum to %d: %+v", e, sum, entry.Movements)
		case entry.Sequence != before.Sequence+1 || entry.PreviousHash != before.Hash:
			t.Fatalf("entry %d does not follow %d", entry.Sequence, before.Sequence)
		case entry.OccurredAt.Before(before.OccurredAt):
			t.Fatalf("entry %d goes back in time", entry.Sequence)
		case entry.Hash != entry.ChainHash(e.EventType(), posted.Commitment()):
			t.Fatalf("the hash of entry %d is another", entry.Sequence)
		}
		before = entry
	}
	if folded.Balance != l.state.Balance {
		t.Fatalf("folded again: %+v, not %+v", folded.Balance, l.state.Balance)
	}
	// Going on from a snapshot is the same as going on.
	stored, err := json.Marshal(l.state.Save())
	if err != nil {
		t.Fatal(err)
	}
	var read tokenaccount.Saved
	if err := json.Unmarshal(stored, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l.state.Save(), tokenaccount.Load(read).Save(), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("a snapshot changes the state (-before +after):\n%s", diff)
	}
	l.state = tokenaccount.Load(read)
}
