package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/stripe"
	"github.com/perfectworks/backend/adapters/stripe/sandbox"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
)

const (
	secretKey = "sk_test_1"
	paymentID = id.Payment("pay_01jd9z3q5we8x9v6m2k4t7r1b9")
)

var checkout = commands.NewCheckout{
	PaymentID: paymentID, OrganizationID: "org_1", Name: "Tokens", Description: "1,000 tokens",
	UnitAmount: 4900, Quantity: 2, Currency: "eur", SuccessPath: "/done?a=b#c", CancelPath: "/",
}

// shop is a client with the sandbox that it talks to.
type shop struct {
	*testing.T
	*stripe.Client
	box *sandbox.Sandbox
	url string
}

func newShop(t *testing.T, change func(*sandbox.Options, *stripe.Options)) shop {
	t.Helper()
	there := sandbox.Options{SecretKey: secretKey, PageURL: "http://sandbox.test"}
	here := stripe.Options{SecretKey: secretKey, PublicURL: "https://shop.example/"}
	if change != nil {
		change(&there, &here)
	}
	box, err := sandbox.Open(there)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	if here.APIURL == "" {
		here.APIURL = server.URL
	}
	return shop{t, stripe.New(here), box, server.URL}
}

func (s shop) open() commands.OpenedCheckout {
	s.Helper()
	o, err := s.OpenCheckout(s.Context(), checkout)
	if err != nil {
		s.Fatal(err)
	}
	return o
}

func (s shop) observe(sessionID string) commands.ObservedPayment {
	s.Helper()
	o, err := s.Observe(s.Context(), sessionID)
	if err != nil {
		s.Fatal(err)
	}
	return o
}

func (s shop) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func TestOpeningACheckout(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	first, again := s.open(), s.open()
	if first != again || !strings.HasPrefix(first.URL, "http://sandbox.test/pay/cs_test_") || time.Until(first.ExpireAt) < 23*time.Hour {
		t.Errorf("%+v, then %+v", first, again)
	}
	found, err := s.Checkout(t.Context(), first.SessionID)
	if found != first || err != nil {
		t.Errorf("%+v, %v", found, err)
	}
	// The payer comes back to paths of the product's own address.
	response, err := http.PostForm(s.url+"/pay/"+first.SessionID, map[string][]string{"act": {"decline"}})
	s.must(err)
	defer response.Body.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	paid, err := client.PostForm(s.url+"/pay/"+first.SessionID, map[string][]string{"act": {"pay"}})
	s.must(err)
	defer paid.Body.Close()
	if to := paid.Header.Get("Location"); to != "https://shop.example/done?a=b&session_id="+first.SessionID+"#c" {
		t.Errorf("the payer is sent to %s", to)
	}
	if found, err := s.Checkout(t.Context(), first.SessionID); found.URL != "" || err != nil {
		t.Errorf("a complete session: %+v, %v", found, err)
	}
}

func TestObserving(t *testing.T) {
	t.Parallel()
	paid := func(s shop, session string) string {
		s.must(s.box.Pay(session))
		return s.observe(session).Paid.ChargeID
	}
	for name, c := range map[string]struct {
		act  func(shop, string)
		want payment.Observed
	}{
		"open":     {func(shop, string) {}, payment.Observed{}},
		"declined": {func(s shop, o string) { s.must(s.box.Decline(o)) }, payment.Observed{}},
		"expired":  {func(s shop, o string) { s.must(s.box.Expire(o)) }, payment.Observed{Expired: true}},
		"unpaid":   {func(s shop, o string) { s.must(s.box.PayLater(o)) }, payment.Observed{Completed: true}},
		"failed late": {func(s shop, o string) {
			s.must(errors.Join(s.box.PayLater(o), s.box.Settle(o, false)))
		}, payment.Observed{Completed: true, Failed: true}},
		"paid late": {func(s shop, o string) {
			s.must(errors.Join(s.box.PayLater(o), s.box.Settle(o, true)))
		}, payment.Observed{Completed: true, Paid: &payment.Paid{}}},
		"refunded": {func(s shop, o string) {
			ch := paid(s, o)
			_, err := s.box.Refund(ch, 100, false)
			s.must(err)
			r, err := s.box.Refund(ch, 200, false)
			s.must(errors.Join(err, s.box.SettleRefund(r, false)))
			_, err = s.box.Refund(ch, 300, true)
			s.must(err)
		}, payment.Observed{Completed: true, Paid: &payment.Paid{}, Refunds: []payment.Refund{
			{Amount: 300, Status: payment.RefundPending}, {Amount: 200, Status: payment.RefundFailed}, {Amount: 100, Status: payment.RefundSucceeded},
		}}},
		"disputed": {func(s shop, o string) {
			ch := paid(s, o)
			for i, end := range []func(string) error{
				func(string) error { return nil },
				s.box.EscalateDispute,
				func(d string) error { return s.box.CloseDispute(d, sandbox.InquiryClosed) },
				func(string) error { return nil },
				func(d string) error { return s.box.CloseDispute(d, sandbox.DisputeWon) },
				func(d string) error { return s.box.CloseDispute(d, sandbox.DisputeLost) },
				func(d string) error {
					return errors.Join(s.box.CloseDispute(d, sandbox.DisputeLost), s.box.ReinstateFunds(d))
				},
			} {
				d, err := s.box.OpenDispute(ch, int64(i+1), i < 3)
				s.must(errors.Join(err, end(d)))
			}
		}, payment.Observed{Completed: true, Paid: &payment.Paid{}, Disputes: []payment.Dispute{
			{Amount: 7, FundsWithdrawn: true, Outcome: payment.DisputeReinstated},
			{Amount: 6, FundsWithdrawn: true, Outcome: payment.DisputeLost},
			{Amount: 5, FundsWithdrawn: true, Outcome: payment.DisputeWon},
			{Amount: 4, FundsWithdrawn: true},
			{Amount: 3, Outcome: payment.DisputeWarningClosed},
			{Amount: 2, FundsWithdrawn: true},
			{Amount: 1},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, func(_ *sandbox.Options, here *stripe.Options) { here.AutomaticTax = true })
			opened := s.open()
			c.act(s, opened.SessionID)
			got := s.observe(opened.SessionID)
			if got.PaymentID != paymentID || got.SessionID != opened.SessionID || !got.ExpireAt.Equal(opened.ExpireAt) {
				t.Errorf("%+v", got)
			}
			if got.Paid != nil {
				p := *got.Paid
				if p.IntentID == "" || p.ChargeID == "" || p.InvoiceID == "" || p.AmountSubtotal != 9800 || p.AmountTotal != 11662 || p.Currency != "eur" || p.Live {
					t.Errorf("paid as %+v", p)
				}
				got.Paid = &payment.Paid{}
			}
			for i := range got.Refunds {
				got.Refunds[i].ID = ""
			}
			for i := range got.Disputes {
				got.Disputes[i].ID = ""
			}
			got.SessionID, got.ExpireAt = "", time.Time{}
			if diff := cmp.Diff(c.want, got.Observed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A refund is made once for each request, also after the provider has forgotten
// the key of the call.
func TestRefunding(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	session := s.open().SessionID
	s.must(s.box.Pay(session))
	intent := s.observe(session).Paid.IntentID
	for _, request := range []string{"one", "one", "two"} {
		s.must(s.Refund(t.Context(), commands.NewRefund{PaymentID: paymentID, RequestID: request, IntentID: intent, Amount: 100}))
	}
	if got := s.observe(session).Refunds; len(got) != 2 {
		t.Errorf("%+v", got)
	}
	err := s.Refund(t.Context(), commands.NewRefund{PaymentID: paymentID, RequestID: "three", IntentID: intent, Amount: 9601})
	if e := (*stripe.CallError)(nil); !errors.As(err, &e) || e.Code != "amount_too_large" || !errors.Is(err, commands.ErrProviderRefused) {
		t.Errorf("more than is left: %v", err)
	}
}

func TestFindingTheSession(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	session := s.open().SessionID
	s.must(s.box.Pay(session))
	paid := s.observe(session).Paid
	for _, c := range []struct {
		about stripe.Object
		want  string
	}{
		{stripe.Object{SessionID: session}, session},
		{stripe.Object{IntentID: paid.IntentID}, session},
		{stripe.Object{ChargeID: paid.ChargeID}, session},
		{stripe.Object{IntentID: "pi_other"}, ""},
		{stripe.Object{ChargeID: "ch_other"}, ""},
		{stripe.Object{}, ""},
	} {
		if got, err := s.SessionOf(t.Context(), c.about); got != c.want || err != nil {
			t.Errorf("%+v: %q, %v", c.about, got, err)
		}
	}
	if _, err := s.Observe(t.Context(), "cs_test_other"); !errors.Is(err, commands.ErrNoSession) {
		t.Errorf("no session: %v", err)
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	session := s.open().SessionID
	s.must(s.box.Pay(session))
	s.must(s.Refund(t.Context(), commands.NewRefund{PaymentID: paymentID, RequestID: "one", IntentID: s.observe(session).Paid.IntentID, Amount: 1}))
	var types []string
	s.must(s.Events(t.Context(), time.Now().Add(-time.Hour), func(body []byte, n stripe.Notice) error {
		again, err := stripe.ReadNotice(body)
		if err != nil || again != n || n.EventID == "" || n.About == (stripe.Object{}) {
			t.Errorf("%+v and %+v, %v", n, again, err)
		}
		types = append(types, n.Type)
		return nil
	}))
	want := []string{"charge.refunded", "refund.created", "checkout.session.completed", "payment_intent.succeeded", "charge.succeeded", "payment_intent.created"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	n := 0
	s.must(s.Sessions(t.Context(), time.Now().Add(-time.Hour), func(o commands.ObservedPayment) error {
		n++
		if o.PaymentID != paymentID || o.Paid == nil || len(o.Refunds) != 1 {
			t.Errorf("%+v", o)
		}
		return nil
	}))
	s.must(s.Events(t.Context(), time.Now().Add(time.Hour), func([]byte, stripe.Notice) error { n++; return nil }))
	if n != 1 {
		t.Errorf("%d things are listed", n)
	}
	stop := errors.New("stop")
	if err := s.Events(t.Context(), time.Time{}, func([]byte, stripe.Notice) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// An outage is told from a refusal, and neither tells the key.
func TestOutages(t *testing.T) {
	t.Parallel()
	unavailable := func(status int) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":{"type":"api_error","message":"sk_test_1"}}`))
		}))
		t.Cleanup(s.Close)
		return s
	}
	for name, here := range map[string]stripe.Options{
		"down":        {SecretKey: secretKey, APIURL: "http://127.0.0.1:1"},
		"broken":      {SecretKey: secretKey, APIURL: unavailable(500).URL},
		"limited":     {SecretKey: secretKey, APIURL: unavailable(429).URL},
		"another key": {SecretKey: "sk_test_2", APIURL: newShop(t, nil).url},
	} {
		_, err := stripe.New(here).OpenCheckout(t.Context(), checkout)
		if f := failure.Of(err); f == nil || f.Kind != failure.Unavailable || strings.Contains(err.Error(), "sk_test") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newShop(t, nil).OpenCheckout(ctx, checkout); !errors.Is(err, context.Canceled) || failure.Of(err) != nil {
		t.Errorf("cancelled: %v", err)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for key, live := range map[string]bool{"sk_live_1": true, "rk_live_1": true, "sk_test_1": false, "rk_test_1": false, "": false} {
		if stripe.New(stripe.Options{SecretKey: key}).Live() != live {
			t.Errorf("%q is taken for the other mode", key)
		}
	}
}

func body(change func(map[string]any)) []byte {
	e := map[string]any{
		"id": "evt_1", "object": "event", "type": "charge.refunded", "api_version": "2023-10-16", "livemode": false, "created": 7,
		"data": map[string]any{"object": map[string]any{"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}},
	}
	if change != nil {
		change(e)
	}
	text, _ := json.Marshal(e) //nolint:errchkjson // It holds texts.
	return text
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	w := stripe.NewWebhooks([]string{"new", "old"}, false)
	now := time.Now()
	good := body(nil)
	want := stripe.Notice{
		EventID: "evt_1", Type: "charge.refunded", Version: "2023-10-16", Created: time.Unix(7, 0).UTC(),
		About: stripe.Object{ChargeID: "ch_1", IntentID: "pi_1"},
	}
	for name, c := range map[string]struct {
		body      []byte
		signature string
		fails     error
	}{
		"good":                    {good, sandbox.Signature(now, good, "new"), nil},
		"by the old secret":       {good, sandbox.Signature(now, good, "old"), nil},
		"by both":                 {good, sandbox.Signature(now, good, "other", "old", "new"), nil},
		"just in time":            {good, sandbox.Signature(now.Add(-stripe.Tolerance+10*time.Second), good, "new"), nil},
		"too old":                 {good, sandbox.Signature(now.Add(-stripe.Tolerance-time.Second), good, "new"), stripe.ErrSignature},
		"by another secret":       {good, sandbox.Signature(now, good, "other"), stripe.ErrSignature},
		"not signed":              {good, "", stripe.ErrSignature},
		"not a signature":         {good, "nonsense", stripe.ErrSignature},
		"without a time":          {good, "v1=00", stripe.ErrSignature},
		"another body":            {body(func(e map[string]any) { e["id"] = "evt_2" }), sandbox.Signature(now, good, "new"), stripe.ErrSignature},
		"a signed text":           {[]byte("hello"), sandbox.Signature(now, []byte("hello"), "new"), stripe.ErrBody},
		"a signed list":           {[]byte("[]"), sandbox.Signature(now, []byte("[]"), "new"), stripe.ErrBody},
		"nothing, signed":         {nil, sandbox.Signature(now, nil, "new"), stripe.ErrBody},
		"an empty object, signed": {[]byte("{}"), sandbox.Signature(now, []byte("{}"), "new"), stripe.ErrBody},
	} {
		n, err := w.Check(c.body, c.signature)
		if !errors.Is(err, c.fails) || err == nil && n != want {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

// An event of any API version is read: only what they have in common is.
func TestEventsOfOtherVersions(t *testing.T) {
	t.Parallel()
	w := stripe.NewWebhooks([]string{"s"}, true)
	for _, version := range []string{"2019-05-16", "2023-10-16", "2025-03-31.basil", ""} {
		text := body(func(e map[string]any) {
			e["api_version"] = version
			e["data"] = map[string]any{"object": map[string]any{
				"id": 5, "object": "dispute", "charge": map[string]any{"id": "ch_1"}, "payment_intent": nil, "evidence": "no object",
			}}
			e["type"] = "charge.dispute.created"
		})
		if version != "" {
			text = []byte(strings.Replace(string(text), `"id":5`, `"id":"dp_1"`, 1))
			n, err := w.Check(text, sandbox.Signature(time.Now(), text, "s"))
			if err != nil || n.Version != version || n.About != (stripe.Object{ChargeID: "ch_1"}) || !w.OtherMode(n) || !n.Relevant() {
				t.Errorf("%s: %+v, %v", version, n, err)
			}
			continue
		}
		if _, err := w.Check(text, sandbox.Signature(time.Now(), text, "s")); !errors.Is(err, stripe.ErrBody) {
			t.Errorf("an id that is a number: %v", err)
		}
	}
}

func FuzzReadNotice(f *testing.F) {
	f.Add(body(nil))
	f.Add([]byte(`{"object":"event","id":"a","type":"b","data":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := stripe.ReadNotice(text); err == nil && (n.EventID == "" || n.Type == "") {
			t.Errorf("%+v", n)
		}
	})
}
