package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	paymentservice "github.com/perfectworks/backend/adapters/payments"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/adapters/stripe"
	"github.com/perfectworks/backend/adapters/stripe/sandbox"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/migrations"
)

// paymentsInFull makes the tests of payments as long as make payments has them.
const paymentsInFull = "PAYMENTS_IN_FULL"

// either is the number for a short run, or for a full one.
func either(short, full int) int {
	if os.Getenv(paymentsInFull) != "" {
		return full
	}
	return short
}

// shop is a running server with an organization that buys.
type shop struct {
	*testing.T
	*App
	buyer access.Principal
}

// paymentsWithin bounds how long a test waits for what must come.
const paymentsWithin = 2 * time.Minute

// shopSettings are those of a server on a database of its own.
func shopSettings(t *testing.T) Settings {
	t.Helper()
	none := int64(0)
	return Settings{
		Environment: Development, Addr: "127.0.0.1:0", SandboxAddr: "127.0.0.1:0", Data: t.TempDir(), WelcomeTokens: &none,
		DatabaseURL: postgrestest.URL(t,
			postgrestest.WithMigrations(migrations.App, migrations.AppTable),
			postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable)),
	}
}

// run runs a server until the test ends.
func run(t *testing.T, settings Settings) *App {
	t.Helper()
	a, err := New(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return a
}

func openShop(t *testing.T, settings Settings) *shop {
	t.Helper()
	s := &shop{T: t, App: run(t, settings)}
	ready, stop := context.WithTimeout(t.Context(), paymentsWithin)
	defer stop()
	if err := s.WaitReady(ready); err != nil {
		t.Fatal(err)
	}
	s.found()
	return s
}

// found registers the organization that buys.
func (s *shop) found() {
	s.Helper()
	s.buyer = access.Principal{Kind: access.KindUser, Identity: access.Identity{
		SubjectHash: "subject", Email: personal.New("ada@example.com"), EmailHash: "address", EmailVerified: true,
	}}
	u, err := s.work.commands.RegisterUser(s.Context(), s.request(s.buyer), commands.RegisterUser{FirstName: personal.New("Ada"), LastName: personal.New("L")})
	if err != nil {
		s.Fatal(err)
	}
	s.buyer.UserID = u.Value.User.ID
	name := "Engines"
	o, err := s.work.commands.CreateOrganization(s.Context(), s.request(s.buyer), commands.CreateOrganization{
		Profile: organization.ProfileChange{Name: &name},
	})
	if err != nil {
		s.Fatal(err)
	}
	s.buyer.OrganizationID, s.buyer.Role = o.Value.Organization.ID, access.Owner
}

func (s *shop) request(p access.Principal) commands.Request {
	s.Helper()
	req, err := newRequest(p)
	if err != nil {
		s.Fatal(err)
	}
	return req
}

// order opens a checkout.
func (s *shop) order() (name id.Payment, session string, err error) {
	r, err := s.work.commands.OpenCheckout(s.Context(), s.request(s.buyer), commands.OpenCheckout{ProductID: "tokens-1000", Quantity: 1})
	return r.Value.Payment.ID, r.Value.Payment.SessionID, err
}

func (s *shop) box() *sandbox.Sandbox { return s.provider.sandbox.box }

func (s *shop) charge(session string) (string, error) {
	o, err := s.provider.client.Observe(s.Context(), session)
	if err != nil || o.Paid == nil {
		return "", fmt.Errorf("the charge of a session: %+v, %w", o.Paid, err)
	}
	return o.Paid.ChargeID, nil
}

// account is the token account of the organization, from its stream.
func (s *shop) account() tokenaccount.State {
	s.Helper()
	p := access.ByPolicy("test", s.buyer.OrganizationID, access.GrantTokens)
	r, err := s.work.commands.SettleTokens(s.Context(), s.request(p), commands.SettleTokens{})
	if err != nil {
		s.Fatal(err)
	}
	return r.Value
}

func (s *shop) eventually(what func() string) {
	s.Helper()
	for deadline := time.Now().Add(paymentsWithin); ; time.Sleep(20 * time.Millisecond) {
		missing := what()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("it did not come about: %s", missing)
		}
	}
}

func (s *shop) count(sql string, args ...any) (n int) {
	s.Helper()
	if err := s.db.pool.QueryRow(s.Context(), sql, args...).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}

// told is what was done at the provider about one payment: the rule judges by it,
// and not by what the product has understood.
type told struct {
	paid     bool
	refunds  map[string]bool // whether the money went back
	amounts  map[string]int64
	lost     map[string]bool // disputes that were lost and not reinstated
	holding  map[string]bool // open disputes that hold the funds
	finished []string
}

const orderPrice, orderTokens = 4900, 1000

// rule is what must come of it, in the words of the contract.
func (x told) rule() (clawed int64, frozen bool) {
	returned := int64(0)
	for name, arrived := range x.refunds {
		if arrived {
			returned += x.amounts[name]
		}
	}
	for name, lost := range x.lost {
		if lost {
			returned += x.amounts[name]
		}
	}
	for _, holds := range x.holding {
		frozen = frozen || holds
	}
	return orderTokens * min(returned, orderPrice) / orderPrice, frozen
}

// live does to a payment at the provider what payers, banks and Stripe do, in a
// random order of which the provider allows each step.
func (s *shop) live(random *rand.Rand, session string) (told, error) {
	x := told{refunds: map[string]bool{}, amounts: map[string]int64{}, lost: map[string]bool{}, holding: map[string]bool{}}
	box := s.box()
	switch random.IntN(7) {
	case 0:
		return x, box.Expire(session)
	case 1:
		if err := box.PayLater(session); err != nil {
			return x, err
		}
		return x, box.Settle(session, false)
	case 2:
		return x, nil // The payer never came.
	case 3:
		if err := box.PayLater(session); err != nil {
			return x, err
		}
		if err := box.Settle(session, true); err != nil {
			return x, err
		}
	case 4:
		if err := box.Decline(session); err != nil {
			return x, err
		}
		fallthrough
	default:
		if err := box.Pay(session); err != nil {
			return x, err
		}
	}
	x.paid = true
	charge, err := s.charge(session)
	if err != nil {
		return x, err
	}
	for range random.IntN(6) {
		s.befall(random, &x, charge)
	}
	return x, nil
}

// befall is one thing that happens to a charge. What the provider refuses changes
// nothing.
func (s *shop) befall(random *rand.Rand, x *told, charge string) {
	box := s.box()
	some := func(all map[string]bool) string {
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		if len(names) == 0 {
			return ""
		}
		slices.Sort(names)
		return names[random.IntN(len(names))]
	}
	amount := int64(1 + random.IntN(orderPrice/2))
	switch random.IntN(8) {
	case 0, 1:
		if name, err := box.Refund(charge, amount, false); err == nil {
			x.refunds[name], x.amounts[name] = true, amount
		}
	case 2:
		if name, err := box.Refund(charge, amount, true); err == nil {
			x.refunds[name], x.amounts[name] = false, amount
		}
	case 3:
		arrived := random.IntN(2) == 0
		if name := some(x.refunds); name != "" && box.SettleRefund(name, arrived) == nil {
			x.refunds[name] = arrived
		}
	case 4:
		inquiry := random.IntN(3) == 0
		if name, err := box.OpenDispute(charge, amount, inquiry); err == nil {
			x.holding[name], x.lost[name], x.amounts[name] = !inquiry, false, amount
		}
	case 5:
		if name := some(x.holding); name != "" && box.EscalateDispute(name) == nil {
			x.holding[name] = true
		}
	case 6:
		end := []sandbox.DisputeEnd{sandbox.DisputeWon, sandbox.DisputeLost, sandbox.InquiryClosed}[random.IntN(3)]
		if name := some(x.holding); name != "" && box.CloseDispute(name, end) == nil {
			x.lost[name] = end == sandbox.DisputeLost && !slices.Contains(x.finished, name)
			x.holding[name] = false
		}
	case 7:
		if name := some(x.holding); name != "" && box.ReinstateFunds(name) == nil {
			x.holding[name], x.lost[name] = false, false
			x.finished = append(x.finished, name)
		}
	}
}

// differs tells how a payment and its grant differ from the rule.
func (s *shop) differs(name id.Payment, x told, account tokenaccount.State) string {
	p, err := s.work.payments.Payments.Get(s.Context(), name)
	if err != nil {
		return err.Error()
	}
	state := p.State()
	grant, granted := account.Grant(commands.GrantOf(state))
	clawed, frozen := x.rule()
	want := tokenaccount.Grant{Amount: orderTokens, ClawedBack: clawed, Available: orderTokens - clawed}
	if frozen {
		want.Available, want.Frozen = 0, want.Available
	}
	switch {
	case granted != x.paid:
		return fmt.Sprintf("%s: granted is %t, paid %t", name, granted, x.paid)
	case granted && (state.TokenTransactionID == "" || grant.Amount != want.Amount || grant.ClawedBack != want.ClawedBack ||
		grant.Available != want.Available || grant.Frozen != want.Frozen):
		return fmt.Sprintf("%s: the grant is %+v, want %+v, after %+v", name, grant, want, x)
	case state.Due() != x.paid || x.paid && (state.ClawedBack() != clawed || state.Disputed() != frozen):
		return fmt.Sprintf("%s: the payment takes back %d (disputed %t), want %d (%t)", name, state.ClawedBack(), state.Disputed(), clawed, frozen)
	}
	return ""
}

// Payments live through random orders of what can happen to them, while webhooks
// come twice, late, in another order or not at all: in the end each is as the rule
// says, and so is the ledger.
func TestPaymentsInRandomOrdersThroughTheStack(t *testing.T) {
	t.Parallel()
	settings := shopSettings(t)
	settings.SandboxChaos = fmt.Sprintf("duplicates=0.3,drops=0.15,delay=500ms,seed=%d", rand.Uint64())
	s := openShop(t, settings)
	seed := rand.Uint64()
	t.Logf("seed %d, %s", seed, settings.SandboxChaos)
	orders := either(20, 200)
	names, all := make([]id.Payment, orders), make([]told, orders)
	errs := make([]error, orders)
	var living sync.WaitGroup
	places := make(chan struct{}, 4)
	for i := range orders {
		living.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			var session string
			if names[i], session, errs[i] = s.order(); errs[i] == nil {
				all[i], errs[i] = s.live(random, session)
			}
		})
	}
	living.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("order %d: %v", i, err)
		}
	}
	s.eventually(func() string {
		if open := s.box().Delivered(); open > 0 {
			return fmt.Sprintf("%d webhooks are not delivered", open)
		}
		return ""
	})
	// What was dropped is found by the reconciler.
	report, err := s.work.payments.Reconcile(t.Context(), time.Now(), paymentservice.Look{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events, of which %d were missed, %d sessions, %d differed", report.Events, report.Missed, report.Sessions, len(report.Drifts))
	s.eventually(func() string {
		account := s.account()
		for i, name := range names {
			if wrong := s.differs(name, all[i], account); wrong != "" {
				return wrong
			}
		}
		return ""
	})
	s.checkLedger(all)
	// Nothing is left to find, and to look again changes nothing.
	revision := s.account().Sequence
	if report, err = s.work.payments.Reconcile(t.Context(), time.Now(), paymentservice.Look{Back: time.Hour}); err != nil || len(report.Drifts) > 0 || report.Sessions != orders {
		t.Errorf("it still differs: %+v, %v", report, err)
	}
	if again := s.account().Sequence; again != revision {
		t.Errorf("looking again wrote %d entries", again-revision)
	}
}

// checkLedger compares the whole account with the sum of the rules.
func (s *shop) checkLedger(all []told) {
	s.Helper()
	var want tokenaccount.Balance
	for _, x := range all {
		if !x.paid {
			continue
		}
		clawed, frozen := x.rule()
		want.Issued -= orderTokens
		want.ClawedBack += clawed
		if frozen {
			want.Frozen += orderTokens - clawed
		} else {
			want.Available += orderTokens - clawed
		}
	}
	if got := s.account().Balance; got != want {
		s.Errorf("the account has %+v, want %+v", got, want)
	}
}

// A burst of webhooks, a tenth of them twice, loses nothing and repeats nothing.
func TestABurstOfWebhooks(t *testing.T) {
	t.Parallel()
	settings := shopSettings(t)
	settings.SandboxChaos = "drops=1" // The test sends them.
	settings.RequestsPerAddress = 1_000_000
	s := openShop(t, settings)
	webhooks := either(100, 1000)
	type sent struct {
		body []byte
		id   string
	}
	var events []sent
	known := map[string]bool{}
	all := []told{}
	for len(events) < webhooks*9/10 {
		for range 10 {
			_, session, err := s.order()
			if err == nil {
				err = s.box().Pay(session)
			}
			charge := ""
			if err == nil {
				charge, err = s.charge(session)
			}
			refund := ""
			if err == nil {
				refund, err = s.box().Refund(charge, 49, false)
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, told{paid: true, refunds: map[string]bool{refund: true}, amounts: map[string]int64{refund: 49}})
		}
		err := s.provider.client.Events(t.Context(), time.Now().Add(-time.Hour), func(body []byte, n stripe.Notice) error {
			if !known[n.EventID] {
				known[n.EventID] = true
				events = append(events, sent{bytes.Clone(body), n.EventID})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	burst := slices.Concat(events, events[:len(events)/9])
	rand.Shuffle(len(burst), func(i, j int) { burst[i], burst[j] = burst[j], burst[i] })
	secret := s.provider.sandbox.options.WebhookSecrets[0]
	queue := make(chan sent)
	var sending sync.WaitGroup
	for range 32 {
		sending.Go(func() {
			for one := range queue {
				if err := hook("http://"+s.Addr().String()+webhookPath, one.body, secret); err != nil {
					t.Error(err)
				}
			}
		})
	}
	began := time.Now()
	for _, one := range burst {
		queue <- one
	}
	close(queue)
	sending.Wait()
	t.Logf("%d webhooks of %d events about %d payments were taken in %v", len(burst), len(events), len(all), time.Since(began))
	s.eventually(func() string {
		if open := s.count("SELECT count(*) FROM payment_inbox WHERE state = 'pending'"); open > 0 {
			return fmt.Sprintf("%d webhooks wait", open)
		}
		return ""
	})
	t.Logf("they were processed in %v", time.Since(began))
	if n := s.count("SELECT count(*) FROM payment_inbox WHERE state = 'done'"); n != len(events) {
		t.Errorf("%d of %d events were processed", n, len(events))
	}
	if n := s.count("SELECT count(*) FROM payment_inbox"); n != len(events) {
		t.Errorf("%d rows for %d events", n, len(events))
	}
	s.eventually(func() string {
		if got := s.account().Balance; got.ClawedBack != 10*int64(len(all)) || got.Available != 990*int64(len(all)) {
			return fmt.Sprintf("the account of %d payments has %+v", len(all), got)
		}
		return ""
	})
	s.checkLedger(all)
	if n := s.count("SELECT count(*) FROM jobs.river_job WHERE state = 'discarded'"); n > 0 {
		t.Errorf("%d jobs have failed", n)
	}
}

// A refund that the provider refuses, because the money went back another way, is
// noted and fails for an operator to see. Once that other refund has failed, the
// money can be asked for again.
func TestRefundsThatAreRefused(t *testing.T) {
	t.Parallel()
	settings := shopSettings(t)
	settings.SandboxChaos = "drops=1"
	s := openShop(t, settings)
	name, session, err := s.order()
	if err == nil {
		err = s.box().Pay(session)
	}
	charge, other := "", ""
	if err == nil {
		charge, err = s.charge(session)
	}
	follower := access.ByPolicy("test", "", access.FollowPayments)
	observe := func() {
		t.Helper()
		if _, err := s.work.commands.ObservePayment(t.Context(), s.request(follower), commands.ObservePayment{SessionID: session}); err != nil {
			t.Fatal(err)
		}
	}
	observe()
	if err == nil {
		other, err = s.box().Refund(charge, 0, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	finance := access.Principal{Kind: access.KindSystem, UserID: "sysuser_1", SystemRoles: []access.SystemRole{access.SystemFinance}}
	refund := func() error {
		_, err := s.work.commands.RefundPayment(t.Context(), s.request(finance), commands.RefundPayment{PaymentID: name, Reason: personal.New("ticket")})
		return err
	}
	if err := refund(); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() string {
		if n := s.count("SELECT count(*) FROM audit.entries WHERE target_id = $1 AND action = 'RefundRefused'", string(name)); n != 1 {
			return fmt.Sprintf("the refusal is noted %d times", n)
		}
		if n := s.count("SELECT count(*) FROM jobs.river_job WHERE kind = 'policy/make-refund' AND state = 'discarded'"); n != 1 {
			return fmt.Sprintf("%d jobs have failed", n)
		}
		return ""
	})
	if err := s.box().SettleRefund(other, false); err != nil {
		t.Fatal(err)
	}
	observe()
	if err := refund(); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() string {
		if b := s.account().Balance; b.ClawedBack != orderTokens {
			return fmt.Sprintf("the account has %+v", b)
		}
		return ""
	})
}

// hook sends a webhook.
func hook(url string, body []byte, secret string) error {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Stripe-Signature", sandbox.Signature(time.Now(), body, secret))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("a webhook is answered %d: %s", response.StatusCode, text)
	}
	return nil
}
