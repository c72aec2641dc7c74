package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/stripe/sandbox"
	"github.com/perfectworks/backend/app"
)

var _ = inContract(map[string]string{
	"GET /payments/products":                     publicly,
	"POST /payments/checkout-session":            byKeyToo,
	"GET /payments/checkout-session/{sessionId}": byKeyToo,
	"POST /payments/webhooks/stripe":             publicly,
})

// till is the sandbox of a server, and what a payer and a bank do there.
type till struct {
	t      *testing.T
	url    string
	key    string
	secret string
}

func (s *server) till() till {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data, "payments", "keys.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var keys struct{ SecretKey, WebhookSecret string }
	if err := json.Unmarshal(text, &keys); err != nil {
		s.t.Fatal(err)
	}
	return till{s.t, s.sandbox, keys.SecretKey, keys.WebhookSecret}
}

// act sends a form of one of the sandbox's pages, and returns where it leads.
func (x till) act(path string, form url.Values) string {
	x.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(x.url+path, form)
	if err != nil {
		x.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		text, _ := io.ReadAll(response.Body)
		x.t.Fatalf("%s %v is answered %d: %s", path, form, response.StatusCode, text)
	}
	return response.Header.Get("Location")
}

func (x till) pay(session string) string {
	x.t.Helper()
	return x.act("/pay/"+session, url.Values{"act": {"pay"}})
}

// get reads from the sandbox's API.
func (x till) get(path string) object {
	x.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, x.url+path, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+x.key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		x.t.Fatal(err)
	}
	defer response.Body.Close()
	var o object
	if err := json.NewDecoder(response.Body).Decode(&o); err != nil {
		x.t.Fatal(err)
	}
	return o
}

func (x till) charge(session string) string {
	x.t.Helper()
	o := x.get("/v1/checkout/sessions/" + session + "?expand[]=payment_intent")
	return str(o["payment_intent"].(object), "latest_charge")
}

// checkout opens a session for an organization's tokens.
func (p *person) checkout(body string) (session string) {
	p.t.Helper()
	return str(p.post("/payments/checkout-session", body).data(p.t, 201), "sessionId")
}

const twoProducts = `{"productId":"tokens-1000","quantity":2,"successPath":"/billing/thanks?a=b","cancelPath":"/billing"}`

// shows waits until a session is shown with a payment status.
func (p *person) shows(session, status string) object {
	p.t.Helper()
	var got object
	eventually(p.t, func() bool {
		got = p.get("/payments/checkout-session/"+session).data(p.t, 200)
		return got["paymentStatus"] == status
	}, func() string { return fmt.Sprint(got) })
	return got
}

func TestBuyingTokens(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, till := s.owner("ada"), s.till()
	products := s.do(call{method: http.MethodGet, path: "/api/v0/payments/products"}).data(t, 200)["items"].([]any)
	if first := products[0].(object); len(products) != 3 || first["id"] != "tokens-1000" || first["unitAmount"] != 4900.0 || first["tokens"] != 1000.0 {
		t.Errorf("%v", products)
	}
	a := ada.post("/payments/checkout-session", twoProducts)
	opened := a.data(t, 201)
	session := str(opened, "sessionId")
	if opened["url"] != s.sandbox+"/pay/"+session || opened["status"] != "open" || a.header.Get("Location") != "/api/v0/payments/checkout-session/"+session {
		t.Errorf("%v %v", opened, a.header)
	}
	before := ada.get("/payments/checkout-session/"+session).data(t, 200)
	if before["status"] != "open" || before["paymentStatus"] != "unpaid" || before["amountTotal"] != 9800.0 || before["tokens"] != 2000.0 || before["fulfilledAt"] != nil {
		t.Errorf("%v", before)
	}
	// The payer pays, and comes back.
	if to := till.pay(session); to != s.url+"/billing/thanks?a=b&session_id="+session {
		t.Errorf("the payer is sent to %s", to)
	}
	// The answer does not wait for the webhook.
	paid := ada.get("/payments/checkout-session/"+session).data(t, 200)
	times(t, paid, "fulfilledAt")
	organization := str(ada.get("/organizations/current").data(t, 200), "id")
	if paid["status"] != "complete" || paid["paymentStatus"] != "paid" || paid["amountTotal"] != 9800.0 ||
		paid["tokenTransactionId"] != "txn_"+strings.TrimPrefix(organization, "org_")+"_1" || !strings.HasPrefix(str(paid, "invoiceId"), "in_") {
		t.Errorf("%v", paid)
	}
	// What becomes of it comes by webhook.
	charge := till.charge(session)
	till.act("/payments/"+session, url.Values{"act": {"refund"}, "target": {charge}, "amount": {"4900"}})
	ada.shows(session, "partiallyRefunded")
	till.act("/payments/"+session, url.Values{"act": {"dispute"}, "target": {charge}, "amount": {"4900"}})
	ada.shows(session, "disputed")
	dispute := str(till.get("/v1/disputes")["data"].([]any)[0].(object), "id")
	till.act("/payments/"+session, url.Values{"act": {"lost"}, "target": {dispute}})
	ada.shows(session, "refunded")
}

func TestMoneyThatComesLater(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, till := s.owner("ada"), s.till()
	arrives, fails, expires := ada.checkout(twoProducts), ada.checkout(twoProducts), ada.checkout(`{"productId":"tokens-5000"}`)
	for _, session := range []string{arrives, fails} {
		till.act("/pay/"+session, url.Values{"act": {"later"}})
		if got := ada.shows(session, "pending"); got["status"] != "complete" || got["fulfilledAt"] != nil {
			t.Errorf("%v", got)
		}
	}
	till.act("/payments/"+arrives, url.Values{"act": {"settle"}})
	till.act("/payments/"+fails, url.Values{"act": {"settle-failed"}})
	till.act("/payments/"+expires, url.Values{"act": {"expire"}})
	ada.shows(arrives, "paid")
	if got := ada.shows(fails, "failed"); got["fulfilledAt"] != nil {
		t.Errorf("%v", got)
	}
	eventually(t, func() bool {
		return ada.get("/payments/checkout-session/"+expires).data(t, 200)["status"] == "expired"
	}, func() string { return "the session does not expire" })
}

func TestCheckoutsOfNonsense(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	for body, want := range map[string]string{
		`{}`:                       "productId REQUIRED",
		`{"productId":"tokens-1"}`: "productId VALUE_UNKNOWN",
		`{"productId":""}`:         "productId VALUE_UNKNOWN",
		`{"productId":"tokens-1000","quantity":0}`:                                     "quantity OUT_OF_RANGE",
		`{"productId":"tokens-1000","quantity":-1}`:                                    "quantity OUT_OF_RANGE",
		`{"productId":"tokens-1000","quantity":1001}`:                                  "quantity OUT_OF_RANGE",
		fmt.Sprintf(`{"productId":"tokens-1000","quantity":%d}`, int64(math.MaxInt64)): "quantity OUT_OF_RANGE",
		`{"productId":"tokens-1000","successPath":"https://evil.example/"}`:            "successPath FORMAT_INVALID",
		`{"productId":"tokens-1000","successPath":"//evil.example/"}`:                  "successPath FORMAT_INVALID",
		`{"productId":"tokens-1000","cancelPath":"/\\evil.example"}`:                   "cancelPath FORMAT_INVALID",
		`{"productId":"tokens-1000","cancelPath":"/%2Fevil.example"}`:                  "cancelPath FORMAT_INVALID",
		`{"productId":"tokens-1000","cancelPath":"/%5cevil.example"}`:                  "cancelPath FORMAT_INVALID",
		`{"productId":"tokens-1000","cancelPath":"/a\u0000b"}`:                         "cancelPath CHARACTER_FORBIDDEN",
		`{"productId":"tokens-1000","cancelPath":"/\t/evil.example"}`:                  "cancelPath FORMAT_INVALID",
		`{"productId":"tokens-1000","cancelPath":"javascript:alert(1)"}`:               "cancelPath FORMAT_INVALID",
	} {
		ada.post("/payments/checkout-session", body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	if a := ada.post("/payments/checkout-session", `{"productId":"tokens-1000","quantity":1e30}`); a.status != 400 {
		t.Errorf("a quantity that no number holds is answered %d", a.status)
	}
	for _, name := range []string{"cs_test_nothing", strings.Repeat("a", 255), "%00", "..%2f"} {
		if a := ada.get("/payments/checkout-session/" + name); a.status != 404 {
			t.Errorf("%s is answered %d", name, a.status)
		}
	}
}

func TestWhoMayPayAndLook(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.owner("ada"), s.owner("bob")
	session := ada.checkout(twoProducts)
	bob.get("/payments/checkout-session/"+session).refused(t, "404 CHECKOUT_SESSION_NOT_FOUND")
	s.register("eve").post("/payments/checkout-session", twoProducts).refused(t, "409 NO_ACTIVE_ORGANIZATION")
	s.do(call{method: http.MethodPost, path: "/api/v0/payments/checkout-session", body: twoProducts}).refused(t, "401 CREDENTIALS_MISSING")
	own := str(ada.post("/api-keys", `{}`).data(t, 201), "key")
	s.withKey(own, http.MethodPost, "/payments/checkout-session", twoProducts).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	organizations := str(ada.post("/api-keys", `{"ownerType":"organization","scopes":["payments:checkout"]}`).data(t, 201), "key")
	byKey := s.withKey(organizations, http.MethodPost, "/payments/checkout-session", twoProducts).data(t, 201)
	s.withKey(organizations, http.MethodGet, "/payments/checkout-session/"+str(byKey, "sessionId"), "").data(t, 200)
	narrow := str(ada.post("/api-keys", `{"ownerType":"organization","scopes":["organization:read"]}`).data(t, 201), "key")
	s.withKey(narrow, http.MethodPost, "/payments/checkout-session", twoProducts).refused(t, "403 FORBIDDEN")
	s.withKey(narrow, http.MethodGet, "/payments/checkout-session/"+session, "").refused(t, "404 CHECKOUT_SESSION_NOT_FOUND")
}

// A repeated request opens one session, and the same key with other content is
// the documented conflict.
func TestRepeatedCheckouts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	again := func(body string) answer {
		return ada.call(http.MethodPost, "/payments/checkout-session", body, "Idempotency-Key", "one")
	}
	first, second := again(twoProducts), again(twoProducts)
	if string(first.body) != string(second.body) || second.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s, then %s", first.body, second.body)
	}
	again(`{"productId":"tokens-5000"}`).refused(t, "422 IDEMPOTENCY_KEY_REUSED")
}

// hook sends a webhook.
func (s *server) hook(body, signature string) answer {
	s.t.Helper()
	return s.do(call{method: http.MethodPost, path: "/api/v0/payments/webhooks/stripe", body: body, header: []string{"Stripe-Signature", signature}})
}

func webhook(id, kind string, live bool) string {
	return fmt.Sprintf(`{"id":%q,"object":"event","type":%q,"api_version":"2019-05-16","livemode":%t,"created":1,"data":{"object":{"id":"x","object":"thing"}},"more":{"a":[1]}}`, id, kind, live)
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(func(settings *app.Settings) { settings.RequestsPerAddress = 600 })
	secret := s.till().secret
	now := time.Now()
	good := webhook("evt_1", "charge.refunded", false)
	sign := func(body string) string { return sandbox.Signature(time.Now(), []byte(body), secret) }
	for _, body := range []string{good, good, webhook("evt_2", "of.a.type.nobody.knows", false), webhook("evt_3", "charge.refunded", true)} {
		if got := s.hook(body, sign(body)).data(t, 200); got["received"] != true {
			t.Errorf("%v", got)
		}
	}
	big := strings.Replace(good, `"more"`, `"pad":"`+strings.Repeat("a", 1<<20)+`","more"`, 1)
	for name, c := range map[string]struct{ body, signature, want string }{
		"unsigned":   {good, "", "400 WEBHOOK_SIGNATURE_INVALID"},
		"badly":      {good, "t=1,v1=00", "400 WEBHOOK_SIGNATURE_INVALID"},
		"old":        {good, sandbox.Signature(now.Add(-301*time.Second), []byte(good), secret), "400 WEBHOOK_SIGNATURE_INVALID"},
		"other body": {good + " ", sign(good), "400 WEBHOOK_SIGNATURE_INVALID"},
		"other key":  {good, sandbox.Signature(now, []byte(good), secret+"a"), "400 WEBHOOK_SIGNATURE_INVALID"},
		"not JSON":   {"hello", sign("hello"), "400 WEBHOOK_BODY_INVALID"},
		"no event":   {"{}", sign("{}"), "400 WEBHOOK_BODY_INVALID"},
		"one MiB":    {big, sign(big), "413 BODY_TOO_LARGE"},
	} {
		if a := s.hook(c.body, c.signature); !strings.HasPrefix(c.want, fmt.Sprint(a.status)) {
			t.Errorf("%s is answered %d: %s", name, a.status, a.body)
		} else {
			a.refused(t, c.want)
		}
	}
	// Each is there once, and no text of it in the clear.
	conn, err := pgx.Connect(t.Context(), s.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	got := func() (all string) {
		err := conn.QueryRow(t.Context(), `SELECT string_agg(event_id || ' ' || state || ' ' || (position('\x6d6f7265'::bytea in body) > 0), ', ' ORDER BY id) FROM payment_inbox`).Scan(&all)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	const want = "evt_1 foreign false, evt_2 ignored false, evt_3 otherMode false"
	eventually(t, func() bool { return got() == want }, got)
	// What is signed is never too much; what is not soon is.
	for i := range 150 {
		body := webhook(fmt.Sprint("evt_many_", i), "of.no.interest", false)
		if a := s.hook(body, sign(body)); a.status != 200 {
			t.Fatalf("webhook %d is answered %d: %s", i, a.status, a.body)
		}
	}
	limited := false
	for range 150 {
		limited = limited || s.hook(good, "").status == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("a stranger can go on for ever")
	}
}
