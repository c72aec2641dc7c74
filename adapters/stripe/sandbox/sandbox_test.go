package sandbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/stripe/sandbox"
)

const key = "sk_test_1"

type object = map[string]any

// box is a sandbox with what a program would do to it.
type box struct {
	*testing.T
	*sandbox.Sandbox
}

func open(t *testing.T, options sandbox.Options) box {
	t.Helper()
	options.SecretKey, options.PageURL = key, "http://sandbox.test"
	s, err := sandbox.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return box{t, s}
}

func (b box) call(method, path, form string, header ...string) (int, object) {
	b.Helper()
	r := httptest.NewRequest(method, "http://sandbox.test"+path, strings.NewReader(form))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	var o object
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
		b.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
	}
	return w.Code, o
}

func (b box) get(path string) object {
	b.Helper()
	status, o := b.call(http.MethodGet, path, "")
	if status != 200 {
		b.Fatalf("%s: %d %v", path, status, o)
	}
	return o
}

const oneProduct = "mode=payment&success_url=https://shop.example/ok?s={CHECKOUT_SESSION_ID}&cancel_url=https://shop.example/no" +
	"&line_items[0][quantity]=2&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=4900" +
	"&line_items[0][price_data][product_data][name]=Tokens&payment_intent_data[metadata][order]=7"

func (b box) session(more string) string {
	b.Helper()
	status, o := b.call(http.MethodPost, "/v1/checkout/sessions", oneProduct+more)
	if status != 200 {
		b.Fatalf("%d %v", status, o)
	}
	return o["id"].(string)
}

// paid is a session that was paid, with its charge.
func (b box) paid() (sessionID, chargeID string) {
	b.Helper()
	id := b.session("")
	b.must(b.Pay(id))
	cs := b.get("/v1/checkout/sessions/" + id + "?expand[]=payment_intent")
	return id, cs["payment_intent"].(object)["latest_charge"].(string)
}

func (b box) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b box) events() []string {
	b.Helper()
	var types []string
	for _, e := range b.get("/v1/events?limit=100")["data"].([]any) {
		types = append(types, e.(object)["type"].(string))
	}
	slices.Reverse(types)
	return types
}

func TestASessionIsPaid(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Options{})
	id := b.session("&invoice_creation[enabled]=true&automatic_tax[enabled]=true&client_reference_id=c")
	open := b.get("/v1/checkout/sessions/" + id)
	if open["url"] != "http://sandbox.test/pay/"+id || open["status"] != "open" || open["payment_status"] != "unpaid" ||
		open["amount_subtotal"] != 9800.0 || open["amount_total"] != 11662.0 || open["payment_intent"] != nil {
		t.Errorf("%v", open)
	}
	b.must(b.Decline(id))
	if cs := b.get("/v1/checkout/sessions/" + id + "?expand[]=payment_intent"); cs["status"] != "open" ||
		cs["payment_intent"].(object)["last_payment_error"].(object)["code"] != "card_declined" {
		t.Errorf("declined: %v", cs)
	}
	b.must(b.Pay(id))
	cs := b.get("/v1/checkout/sessions/" + id + "?expand[]=payment_intent.latest_charge&expand[]=invoice&expand[]=line_items")
	pi := cs["payment_intent"].(object)
	ch := pi["latest_charge"].(object)
	if cs["status"] != "complete" || cs["payment_status"] != "paid" || cs["url"] != nil || pi["status"] != "succeeded" ||
		ch["paid"] != true || ch["amount"] != 11662.0 || pi["metadata"].(object)["order"] != "7" ||
		cs["invoice"].(object)["total"] != 11662.0 || len(cs["line_items"].(object)["data"].([]any)) != 1 {
		t.Errorf("%v", cs)
	}
	want := []string{
		"payment_intent.created", "charge.failed", "payment_intent.payment_failed",
		"invoice.paid", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
	}
	if got := b.events(); !slices.Equal(got, want) {
		t.Errorf("the events are %v", got)
	}
	for name, err := range map[string]error{"paid": b.Pay(id), "declined": b.Decline(id), "expired": b.Expire(id), "paid later": b.PayLater(id)} {
		if err == nil {
			t.Errorf("a complete session is %s again", name)
		}
	}
}

func TestMoneyThatComesLater(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Options{})
	for _, arrives := range []bool{true, false} {
		id := b.session("")
		b.must(b.PayLater(id))
		if cs := b.get("/v1/checkout/sessions/" + id); cs["status"] != "complete" || cs["payment_status"] != "unpaid" {
			t.Errorf("%v", cs)
		}
		b.must(b.Settle(id, arrives))
		cs := b.get("/v1/checkout/sessions/" + id + "?expand[]=payment_intent")
		if status := cs["payment_intent"].(object)["status"]; (cs["payment_status"] == "paid") != arrives || (status == "succeeded") != arrives {
			t.Errorf("%t: %v", arrives, cs)
		}
		if b.Settle(id, true) == nil {
			t.Error("it is settled twice")
		}
	}
}

func TestRefunds(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Options{})
	_, ch := b.paid()
	status, first := b.call(http.MethodPost, "/v1/refunds", "charge="+ch+"&amount=800&metadata[request]=r1")
	if status != 200 || first["status"] != "succeeded" || first["metadata"].(object)["request"] != "r1" {
		t.Errorf("%d %v", status, first)
	}
	pending, err := b.Refund(ch, 1000, true)
	b.must(err)
	rest, err := b.Refund(ch, 0, false)
	b.must(err)
	if got := b.get("/v1/charges/" + ch); got["amount_refunded"] != 9800.0 || got["refunded"] != true {
		t.Errorf("%v", got)
	}
	if _, err := b.Refund(ch, 0, false); err == nil {
		t.Error("more is returned than was paid")
	}
	b.must(b.SettleRefund(pending, true))
	b.must(b.SettleRefund(rest, false))
	if b.SettleRefund(rest, false) == nil || b.SettleRefund(pending, true) == nil {
		t.Error("a refund ends twice")
	}
	if got := b.get("/v1/charges/" + ch); got["amount_refunded"] != 1800.0 || got["refunded"] != false {
		t.Errorf("%v", got)
	}
	var statuses []string
	for _, r := range b.get("/v1/refunds?charge=" + ch)["data"].([]any) {
		statuses = append(statuses, r.(object)["status"].(string))
	}
	if !slices.Equal(statuses, []string{"failed", "succeeded", "succeeded"}) {
		t.Errorf("%v", statuses)
	}
}

func TestDisputes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		inquiry bool
		then    func(box, string) error
		status  string
		held    float64
	}{
		"opened":    {false, func(box, string) error { return nil }, "needs_response", -9800},
		"inquiry":   {true, func(box, string) error { return nil }, "warning_needs_response", 0},
		"escalated": {true, func(b box, d string) error { return b.EscalateDispute(d) }, "needs_response", -9800},
		"closed":    {true, func(b box, d string) error { return b.CloseDispute(d, sandbox.InquiryClosed) }, "warning_closed", 0},
		"won":       {false, func(b box, d string) error { return b.CloseDispute(d, sandbox.DisputeWon) }, "won", 0},
		"lost":      {false, func(b box, d string) error { return b.CloseDispute(d, sandbox.DisputeLost) }, "lost", -9800},
		"reinstated": {false, func(b box, d string) error {
			return errors.Join(b.CloseDispute(d, sandbox.DisputeLost), b.ReinstateFunds(d))
		}, "lost", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, sandbox.Options{})
			_, ch := b.paid()
			id, err := b.OpenDispute(ch, 0, c.inquiry)
			b.must(err)
			b.must(c.then(b, id))
			d := b.get("/v1/disputes/" + id)
			held := 0.0
			for _, each := range d["balance_transactions"].([]any) {
				held += each.(object)["amount"].(float64)
			}
			if d["status"] != c.status || held != c.held {
				t.Errorf("%v", d)
			}
			if b.CloseDispute(id, "nonsense") == nil {
				t.Error("it ends as nobody knows")
			}
		})
	}
}

func TestCallsAreChecked(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Options{})
	for form, want := range map[string]string{
		"":                                     "parameter_missing",
		oneProduct + "&nonsense=1":             "parameter_unknown nonsense",
		oneProduct + "&line_items[0][color]=1": "parameter_unknown line_items[0][color]",
		strings.Replace(oneProduct, "payment", "subscription", 1):        "parameter_invalid mode",
		strings.Replace(oneProduct, "https://shop.example/no", "/no", 1): "url_invalid cancel_url",
		strings.Replace(oneProduct, "=2&", "=0&", 1):                     "parameter_invalid line_items[0][quantity]",
		strings.Replace(oneProduct, "4900", "-1", 1):                     "parameter_invalid line_items[0][price_data][unit_amount]",
		strings.Replace(oneProduct, "4900", "1", 1):                      "amount_too_large line_items",
		oneProduct + "&expires_at=1":                                     "parameter_invalid expires_at",
	} {
		status, o := b.call(http.MethodPost, "/v1/checkout/sessions", form)
		e, _ := o["error"].(object)
		if got := strings.TrimSpace(fmt.Sprint(e["code"], " ", e["param"])); status != 400 || !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n%d %s, want %s", form, status, got, want)
		}
	}
	if status, _ := b.call(http.MethodGet, "/v1/charges", "", "Authorization", "Bearer sk_test_2"); status != 401 {
		t.Errorf("another key is answered %d", status)
	}
	if status, _ := b.call(http.MethodGet, "/v1/charges/ch_1", ""); status != 404 {
		t.Errorf("what does not exist is answered %d", status)
	}
	if status, _ := b.call(http.MethodGet, "/v1/customers", ""); status != 404 {
		t.Errorf("what is not known is answered %d", status)
	}
	if id := b.session(""); b.Settle(id, true) == nil {
		t.Error("money arrives that was not sent")
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Options{})
	_, first := b.call(http.MethodPost, "/v1/checkout/sessions", oneProduct, "Idempotency-Key", "a")
	_, again := b.call(http.MethodPost, "/v1/checkout/sessions", oneProduct, "Idempotency-Key", "a")
	_, other := b.call(http.MethodPost, "/v1/checkout/sessions", oneProduct, "Idempotency-Key", "b")
	if first["id"] != again["id"] || first["id"] == other["id"] {
		t.Errorf("%v, %v and %v", first["id"], again["id"], other["id"])
	}
	status, refused := b.call(http.MethodPost, "/v1/checkout/sessions", oneProduct+"&locale=de", "Idempotency-Key", "a")
	if status != 400 || refused["error"].(object)["type"] != "idempotency_error" {
		t.Errorf("%d %v", status, refused)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	b := open(t, sandbox.Options{Now: func() time.Time { return now }})
	var ids []string
	for range 5 {
		ids = append([]string{b.session("")}, ids...)
		now = now.Add(time.Second)
	}
	read := func(query string) (page []string, more bool) {
		o := b.get("/v1/checkout/sessions?" + query)
		for _, each := range o["data"].([]any) {
			page = append(page, each.(object)["id"].(string))
		}
		return page, o["has_more"].(bool)
	}
	for query, want := range map[string][]string{
		"":                                 ids,
		"limit=2":                          ids[:2],
		"limit=2&starting_after=" + ids[1]: ids[2:4],
		"limit=2&ending_before=" + ids[3]:  ids[1:3],
		"created[gte]=1700000003":          ids[:2],
		"created[lt]=1700000001":           ids[4:],
		"status=complete":                  nil,
	} {
		if got, more := read(query); !slices.Equal(got, want) || more != strings.Contains(query, "limit") {
			t.Errorf("%s: %v %t, want %v", query, got, more, want)
		}
	}
	b.must(b.Pay(ids[0]))
	if got := b.get("/v1/events?types[]=checkout.session.completed&types[]=charge.failed")["data"].([]any); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestASessionExpiresByTheClock(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	b := open(t, sandbox.Options{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	go b.Sandbox.Run(t.Context())
	id := b.session("")
	mu.Lock()
	now = now.Add(24 * time.Hour)
	mu.Unlock()
	if b.Pay(id) == nil {
		t.Error("an expired session is paid")
	}
	eventually(t, func() bool { return b.get("/v1/checkout/sessions/" + id)["status"] == "expired" })
	if got := b.events(); !slices.Equal(got, []string{"checkout.session.expired"}) {
		t.Errorf("%v", got)
	}
}

func TestEverythingSurvivesARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "folder", "sandbox")
	b := open(t, sandbox.Options{File: file, WebhookURL: "http://127.0.0.1:1/"})
	id, ch := b.paid()
	_, err := b.Refund(ch, 100, true)
	b.must(err)
	before := [...]object{b.get("/v1/checkout/sessions/" + id), b.get("/v1/events?limit=100"), b.get("/v1/refunds")}
	if b.Delivered() == 0 {
		t.Error("nothing is to be delivered")
	}
	// It is killed while it writes: there is a piece of a line.
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	b.must(err)
	_, err = f.WriteString(`[{"kind":"charge","obj`)
	b.must(err)
	b.must(f.Close())
	for range 2 {
		again := open(t, sandbox.Options{File: file})
		after := [...]object{again.get("/v1/checkout/sessions/" + id), again.get("/v1/events?limit=100"), again.get("/v1/refunds")}
		if fmt.Sprint(before) != fmt.Sprint(after) || again.Delivered() != b.Delivered() {
			t.Errorf("before\n%v\nafter\n%v", before, after)
		}
	}
}

// endpoint takes webhooks.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	refuse int
	bodies []string
	heads  []http.Header
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.refuse > 0 {
			e.refuse--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		e.bodies, e.heads = append(e.bodies, string(body)), append(e.heads, r.Header)
	}))
	t.Cleanup(e.Close)
	return e
}

// taken are the ids of the events, as often as they came.
func (e *endpoint) taken() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := map[string]int{}
	for _, body := range e.bodies {
		var o struct{ ID string }
		_ = json.Unmarshal([]byte(body), &o)
		ids[o.ID]++
	}
	return ids
}

func TestWebhooksAreSignedAndRepeated(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	e.refuse = 3
	b := open(t, sandbox.Options{WebhookURL: e.URL, WebhookSecrets: []string{"old", "new"}, Retry: time.Millisecond})
	go b.Sandbox.Run(t.Context())
	b.paid()
	eventually(t, func() bool { return b.Delivered() == 0 })
	if got := e.taken(); len(got) != 4 {
		t.Errorf("%d events came", len(got))
	}
	for i, body := range e.bodies {
		signature := e.heads[i].Get("Stripe-Signature")
		parts := strings.Split(signature, ",")
		var at int64
		if _, err := fmt.Sscanf(parts[0], "t=%d", &at); err != nil || len(parts) != 3 {
			t.Fatalf("%s: %v", signature, err)
		}
		if want := sandbox.Signature(time.Unix(at, 0), []byte(body), "old", "new"); signature != want {
			t.Errorf("%s, want %s", signature, want)
		}
	}
}

func TestChaos(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b := open(t, sandbox.Options{WebhookURL: e.URL, Chaos: sandbox.Chaos{Duplicates: .3, Drops: .2, Delay: 50 * time.Millisecond, Seed: 4}})
	go b.Sandbox.Run(t.Context())
	for range 10 {
		b.paid()
	}
	eventually(t, func() bool { return b.Delivered() == 0 })
	all, came, twice := len(b.events()), e.taken(), 0
	for _, n := range came {
		if n == 2 {
			twice++
		}
	}
	e.mu.Lock()
	ordered := slices.IsSortedFunc(e.bodies, strings.Compare)
	e.mu.Unlock()
	if all != 40 || len(came) == 0 || len(came) >= all || twice == 0 || ordered {
		t.Errorf("of %d events %d came, %d of them twice, in order: %t", all, len(came), twice, ordered)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Options{})
	page := func(method, path string, form url.Values) (int, string, string) {
		r := httptest.NewRequest(method, "http://sandbox.test"+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		return w.Code, w.Body.String(), w.Header().Get("Location")
	}
	id := b.session("&invoice_creation[enabled]=true")
	if status, body, _ := page("GET", "/pay/"+id, nil); status != 200 || !strings.Contains(body, "Pay 98.00 EUR now") || strings.Contains(body, "<script") {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ := page("POST", "/pay/"+id, url.Values{"act": {"decline"}}); status != 402 || !strings.Contains(body, `role="alert">The card was declined`) {
		t.Errorf("%d %s", status, body)
	}
	status, _, to := page("POST", "/pay/"+id, url.Values{"act": {"pay"}})
	if status != 303 || to != "https://shop.example/ok?s="+id {
		t.Errorf("%d to %s", status, to)
	}
	if status, body, _ := page("GET", "/pay/"+id, nil); status != 200 || !strings.Contains(body, "complete") {
		t.Errorf("%d %s", status, body)
	}
	charge := b.get("/v1/charges?limit=1")["data"].([]any)[0].(object)["id"].(string)
	for _, form := range []url.Values{
		{"act": {"refund"}, "target": {charge}, "amount": {"100"}},
		{"act": {"dispute"}, "target": {charge}},
	} {
		if status, body, to := page("POST", "/payments/"+id, form); status != 303 || to != "/payments/"+id {
			t.Errorf("%v: %d %s", form, status, body)
		}
	}
	for _, form := range []url.Values{
		{"act": {"refund"}, "target": {charge}, "amount": {"-1"}},
		{"act": {"refund"}, "target": {charge}, "amount": {"9800"}},
		{"act": {"explode"}},
	} {
		if status, body, _ := page("POST", "/payments/"+id, form); status != 409 || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%v: %d %s", form, status, body)
		}
	}
	if _, body, _ := page("GET", "/payments/"+id, nil); !strings.Contains(body, "1.00 EUR refunded") || !strings.Contains(body, "needs_response") {
		t.Error(body)
	}
	if status, body, _ := page("GET", "/", nil); status != 200 || !strings.Contains(body, id) {
		t.Errorf("%d %s", status, body)
	}
	invoice := b.get("/v1/invoices")["data"].([]any)[0].(object)["id"].(string)
	if status, body, _ := page("GET", "/invoices/"+invoice, nil); status != 200 || !strings.Contains(body, "98.00 EUR") {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ := page("GET", "/pay/cs_test_nothing", nil); status != 404 || !strings.Contains(body, "No such object") {
		t.Errorf("%d %s", status, body)
	}
	// Another site's page cannot pay.
	r := httptest.NewRequest(http.MethodPost, "http://sandbox.test/pay/"+b.session(""), strings.NewReader("act=pay"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("another site is answered %d", w.Code)
	}
}

func eventually(t *testing.T, reached func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !reached() {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to that")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
