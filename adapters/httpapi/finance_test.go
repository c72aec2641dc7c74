package httpapi_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
)

// mismatched is a payment of an organization whose session at the provider is for
// another amount: as if somebody had changed it there.
func (s *server) mismatched(organization, name string, amount int) (session string) {
	s.t.Helper()
	s.append(payment.Aggregate.Stream(id.Payment(name)), payment.CheckoutRequested{
		PaymentID: id.Payment(name), OrganizationID: id.Organization(organization), ProductID: "tokens-1000", Quantity: 1,
		UnitAmount: 4900, Currency: "eur", Tokens: 1000, OccurredAt: time.Now().UTC().Truncate(time.Millisecond),
	})
	x := s.till()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, x.url+"/v1/checkout/sessions", strings.NewReader(url.Values{
		"mode": {"payment"}, "success_url": {"http://127.0.0.1/a"}, "cancel_url": {"http://127.0.0.1/b"},
		"metadata[payment_id]": {name}, "line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"eur"},
		"line_items[0][price_data][unit_amount]": {fmt.Sprint(amount)}, "line_items[0][price_data][product_data][name]": {"tokens"},
	}.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+x.key)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	_, session, _ = strings.Cut(string(text), `"id":"`)
	session, _, _ = strings.Cut(session, `"`)
	if response.StatusCode != http.StatusOK || session == "" {
		s.t.Fatalf("the session is answered %d: %s", response.StatusCode, text)
	}
	x.pay(session)
	return session
}

// available waits for a balance.
func (p *person) available(want float64) {
	p.t.Helper()
	var got any
	eventually(p.t, func() bool {
		got = p.get("/token-transactions/balance").data(p.t, 200)["available"]
		return got == want
	}, func() string { return fmt.Sprintf("%v are available, want %v", got, want) })
}

// held waits until as many payments as that are kept back or decided about.
func (p *person) held(holding string, n int) []object {
	p.t.Helper()
	var items []object
	eventually(p.t, func() bool {
		items = p.get("/admin/payments?sort=createdAt:asc&holding=" + holding).items(p.t)
		return len(items) == n
	}, func() string { return fmt.Sprintf("%d payments are %s, want %d", len(items), holding, n) })
	return items
}

const why = `{"reason":"Checked by phone: ticket 4711"}`

// Finance finds what is quarantined, and releases, rejects and refunds it; each
// decision stands in the audit log of the organization.
func TestFinanceDecidesAboutPayments(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	organization := str(ada.get("/organizations/current").data(t, 200), "id")
	fay := s.bootstrapped("grace").systemUser("fay", "finance")
	released, rejected := "pay_01h455vb4pex5vsknk084sn02q", "pay_01h455vb4pex5vsknk084sn02r"
	session := s.mismatched(organization, released, 4800)
	s.mismatched(organization, rejected, 100)
	items := fay.held("quarantined", 2)
	if first := items[0]; first["id"] != released || first["holding"] != "quarantined" || first["quarantineReason"] != "amount" ||
		first["organizationId"] != organization || first["sessionId"] != session || first["amountExpected"] != 4900.0 || first["amountSubtotal"] != 4800.0 ||
		first["tokens"] != 1000.0 || first["fulfilledAt"] != nil || first["paymentStatus"] != "quarantined" {
		t.Errorf("%v", first)
	}
	path := "/admin/payments/" + released
	for body, want := range map[string]string{
		`{}`:              "reason REQUIRED",
		`{"reason":"no"}`: "reason TOO_SHORT",
		`{"reason":"` + strings.Repeat("a", 501) + `"}`: "reason TOO_LONG",
	} {
		for _, act := range []string{"/release", "/reject", "/refund"} {
			fay.post(path+act, body).refused(t, "400 VALIDATION_FAILED "+want)
		}
	}
	for _, act := range []string{"/release", "/reject", "/refund"} {
		for _, name := range []string{"pay_01h455vb4pex5vsknk084sn02s", "nonsense", organization} {
			fay.post("/admin/payments/"+name+act, why).refused(t, "404 PAYMENT_NOT_FOUND")
			fay.get("/admin/payments/"+name).refused(t, "404 PAYMENT_NOT_FOUND")
		}
	}
	fay.get("/admin/payments?holding=lost").refused(t, "400 VALIDATION_FAILED holding[0] VALUE_UNKNOWN")
	ada.available(0)

	if got := fay.post(path+"/release", why).data(t, 200); got["holding"] != "released" || got["paymentStatus"] != "paid" {
		t.Errorf("%v", got)
	}
	ada.available(1000)
	fay.post(path+"/release", why).data(t, 200) // Again, it changes nothing.
	fay.post(path+"/reject", why).refused(t, "409 PAYMENT_DECIDED")

	path = "/admin/payments/" + rejected
	if got := fay.post(path+"/reject", why).data(t, 200); got["holding"] != "rejected" {
		t.Errorf("%v", got)
	}
	fay.post(path+"/release", why).refused(t, "409 PAYMENT_DECIDED")
	for body, want := range map[string]string{
		`{"reason":"too much","amount":101}`: "409 PAYMENT_REFUND_EXCEEDED",
		`{"reason":"nothing","amount":0}`:    "400 VALIDATION_FAILED amount OUT_OF_RANGE",
		`{"reason":"negative","amount":-1}`:  "400 VALIDATION_FAILED amount OUT_OF_RANGE",
	} {
		fay.post(path+"/refund", body).refused(t, want)
	}
	again := func() object {
		return fay.call(http.MethodPost, path+"/refund", `{"reason":"the first half","amount":50}`, "Idempotency-Key", "half").data(t, 200)
	}
	again()
	again()
	fay.post(path+"/refund", why).data(t, 200)
	fay.post(path+"/refund", why).refused(t, "409 PAYMENT_REFUND_EXCEEDED")
	var got object
	eventually(t, func() bool {
		got = fay.get(path).data(t, 200)
		return got["paymentStatus"] == "refunded"
	}, func() string { return fmt.Sprint(got) })
	if refunds := got["refunds"].([]any); len(refunds) != 2 || got["amountReturned"] != 100.0 || got["tokensClawedBack"] != 0.0 {
		t.Errorf("%v", got)
	}
	fay.held("quarantined,parked", 0)
	fay.held("rejected", 1)
	ada.available(1000)

	acts := map[string]int{}
	for _, entry := range ada.get("/audit-logs?limit=100&actorKind=system").items(t) {
		acts[str(entry, "action")]++
		if actor := entry["actor"].(object); actor["id"] != fay.id {
			t.Errorf("the actor is %v", actor)
		}
	}
	if acts["PaymentReleased"] != 1 || acts["PaymentRejected"] != 1 || acts["RefundRequested"] != 2 {
		t.Errorf("the audit log has %v", acts)
	}
}

// What is paid for an organization that was deleted meanwhile is parked: seen by
// finance, refunded, and never credited.
func TestPaymentsOfDeletedOrganizations(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, till := s.owner("ada"), s.till()
	current := ada.get("/organizations/current").data(t, 200)
	fay := s.bootstrapped("grace").systemUser("fay", "finance")
	unpaid, session := ada.checkout(twoProducts), ada.checkout(twoProducts)
	ada.call(http.MethodDelete, "/organizations/current", `{"confirmSlug":"`+str(current, "slug")+`"}`).data(t, 200)
	till.pay(session)
	parked := fay.held("parked", 1)[0]
	if parked["sessionId"] != session || parked["amountTotal"] != 9800.0 || parked["paymentStatus"] != "parked" {
		t.Errorf("%v", parked)
	}
	open := fay.get("/admin/payments?sessionId=" + unpaid).items(t)
	for act, want := range map[string]string{
		"refund": "409 PAYMENT_UNPAID", "release": "409 PAYMENT_NOT_WITHHELD", "reject": "409 PAYMENT_NOT_WITHHELD",
	} {
		fay.post("/admin/payments/"+str(open[0], "id")+"/"+act, why).refused(t, want)
	}
	fay.post("/admin/payments/"+str(parked, "id")+"/refund", why).data(t, 200)
	refunded := fay.held("refunded", 1)[0]
	if refunded["amountReturned"] != 9800.0 || refunded["tokenTransactionId"] != nil {
		t.Errorf("%v", refunded)
	}
	fay.held("parked", 0)
}

func TestFinanceAdjustsTokens(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	organization := str(ada.get("/organizations/current").data(t, 200), "id")
	fay := s.bootstrapped("grace").systemUser("fay", "finance")
	adjust := func(body string, header ...string) answer {
		return fay.call(http.MethodPost, "/admin/tokens/adjust", body, append(header, "X-Organization-Id", organization)...)
	}
	fay.post("/admin/tokens/adjust", `{"amount":5,"reason":"nowhere"}`).refused(t, "409 NO_ACTIVE_ORGANIZATION")
	for body, want := range map[string]string{
		`{"amount":0,"reason":"nothing"}`:                                 "amount OUT_OF_RANGE",
		fmt.Sprintf(`{"amount":%d,"reason":"all"}`, int64(math.MinInt64)): "amount OUT_OF_RANGE",
		fmt.Sprintf(`{"amount":%d,"reason":"all"}`, int64(math.MaxInt64)): "amount OUT_OF_RANGE",
		`{"amount":5}`:               "reason REQUIRED",
		`{"amount":5,"reason":"  "}`: "reason REQUIRED",
		`{"amount":-5,"reason":"x"}`: "reason TOO_SHORT",
		`{"reason":"goodwill"}`:      "amount REQUIRED",
	} {
		adjust(body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	for body, want := range map[string]string{
		`{"amount":5,"reason":"late","expireAt":"2020-01-01T00:00:00Z"}`:  "expireAt NOT_IN_THE_FUTURE",
		`{"amount":-5,"reason":"down","expireAt":"2999-01-01T00:00:00Z"}`: "expireAt OUT_OF_RANGE",
	} {
		adjust(body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	up := adjust(`{"amount":50,"reason":"goodwill","expireAt":"2999-01-01T00:00:00.000Z"}`, "Idempotency-Key", "one")
	if got := up.data(t, 200); got["balance"].(object)["available"] != 50.0 || !strings.HasPrefix(str(got, "reference"), "adjustment:") {
		t.Errorf("%v", got)
	}
	if twice := adjust(`{"amount":50,"reason":"goodwill","expireAt":"2999-01-01T00:00:00.000Z"}`, "Idempotency-Key", "one"); string(twice.body) != string(up.body) {
		t.Errorf("repeated, it is answered %s", twice.body)
	}
	adjust(`{"amount":50,"reason":"other"}`, "Idempotency-Key", "one").refused(t, "422 IDEMPOTENCY_KEY_REUSED")
	adjust(`{"amount":-51,"reason":"too much"}`).refused(t, "402 TOKENS_INSUFFICIENT")
	if got := adjust(`{"amount":-10,"reason":"=SUM(A1)"}`).data(t, 200); got["balance"].(object)["available"] != 40.0 {
		t.Errorf("%v", got)
	}
	ada.available(40)
	var reasons []string
	for _, item := range ada.get("/token-transactions?type=adjustment&sort=createdAt:asc").items(t) {
		reasons = append(reasons, fmt.Sprint(item["type"], " ", item["reason"], " ", item["actor"].(object)["kind"], " ", item["actor"].(object)["id"] == fay.id))
	}
	if got := strings.Join(reasons, ", "); got != "adjustment goodwill system true, adjustment =SUM(A1) system true" {
		t.Errorf("%s", got)
	}
	for _, action := range []string{"TokensGranted", "TokensAdjusted"} {
		if entries := ada.get("/audit-logs?action=" + action).items(t); len(entries) != 1 {
			t.Errorf("the audit log has %d of %s", len(entries), action)
		}
	}
}

// A newcomer's organization has tokens for its first documents; the next one of the
// same person has none.
func TestNewcomersAreGivenTokens(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(func(settings *app.Settings) { settings.WelcomeTokens = nil })
	ada := s.owner("ada")
	ada.available(1000)
	grants := ada.get("/token-transactions/balance").data(t, 200)["grants"].([]any)
	if first := grants[0].(object); len(grants) != 1 || first["source"] != "welcome" || first["priority"] != 10.0 || first["expireAt"] == nil {
		t.Errorf("%v", grants)
	}
	second := str(ada.post("/organizations", `{"name":"Second"}`).data(t, 201), "id")
	eve := s.owner("eve") // What is granted to her was decided after that.
	eve.available(1000)
	if got := ada.in(second, http.MethodGet, "/token-transactions/balance", "").data(t, 200); got["settled"] != 0.0 {
		t.Errorf("the second organization has %v", got)
	}
}
