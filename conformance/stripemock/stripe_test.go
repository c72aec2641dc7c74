package stripemock_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"

	"github.com/perfectworks/backend/adapters/stripe"
	"github.com/perfectworks/backend/commands"
)

// stub is stripe-mock, which takes seconds to read the specification.
var stub = sync.OnceValues(func() (*server.StubServer, error) {
	spec, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		return nil, err
	}
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		return nil, err
	}
	// The specification is of a later version than the library's: what is in both
	// has the same shape.
	return server.NewStubServer(fixtures, spec, false, false)
})

// newMock is the address of stripe-mock, and the calls that it was asked.
func newMock(t *testing.T) (address string, calls *[]string) {
	t.Helper()
	mock, err := stub()
	if err != nil {
		t.Fatal(err)
	}
	calls = &[]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*calls = append(*calls, r.Method+" "+r.URL.Path)
		mock.HandleRequest(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, calls
}

func newClient(t *testing.T) (*stripe.Client, *[]string) {
	t.Helper()
	address, calls := newMock(t)
	return stripe.New(stripe.Options{
		SecretKey: "sk_test_123", PublicURL: "https://shop.example", AutomaticTax: true, APIURL: address,
	}), calls
}

func TestCallsHaveTheShapesOfTheSpecification(t *testing.T) {
	c, calls := newClient(t)
	ctx := t.Context()
	opened, err := c.OpenCheckout(ctx, commands.NewCheckout{
		PaymentID: "pay_01jd9z3q5we8x9v6m2k4t7r1b9", OrganizationID: "org_1", Name: "Tokens", Description: "Many",
		UnitAmount: 4900, Quantity: 2, Currency: "eur", SuccessPath: "/ok", CancelPath: "/no",
	})
	if err != nil || opened.SessionID == "" {
		t.Fatalf("%+v, %v", opened, err)
	}
	if _, err := c.Checkout(ctx, opened.SessionID); err != nil {
		t.Error(err)
	}
	if _, err := c.Observe(ctx, opened.SessionID); err != nil {
		t.Error(err)
	}
	err = c.Refund(ctx, commands.NewRefund{PaymentID: "pay_1", RequestID: "one", IntentID: "pi_1", Amount: 100})
	if err != nil {
		t.Error(err)
	}
	for _, about := range []stripe.Object{{IntentID: "pi_1"}, {ChargeID: "ch_1"}} {
		if _, err := c.SessionOf(ctx, about); err != nil {
			t.Errorf("%+v: %v", about, err)
		}
	}
	if err := c.Sessions(ctx, time.Unix(1, 0), func(commands.ObservedPayment) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := c.Events(ctx, time.Unix(1, 0), func([]byte, stripe.Notice) error { return nil }); err != nil {
		t.Error(err)
	}
	asked := map[string]bool{}
	for _, call := range *calls {
		asked[call] = true
	}
	for _, call := range []string{
		"POST /v1/checkout/sessions", "GET /v1/checkout/sessions", "POST /v1/refunds", "GET /v1/refunds",
		"GET /v1/charges/ch_1", "GET /v1/events",
	} {
		if !asked[call] {
			t.Errorf("%s was not tried: %v", call, *calls)
		}
	}
}

// The disputes of a payment are listed only once it was paid, which stripe-mock's
// session is not; so this call is tried by hand, as the client makes it. And
// stripe-mock does refuse what is not in the specification.
func TestTheMockChecks(t *testing.T) {
	address, _ := newMock(t)
	for query, want := range map[string]int{
		"/v1/disputes?payment_intent=pi_1&limit=100": http.StatusOK,
		"/v1/disputes?nonsense=1":                    http.StatusBadRequest,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer sk_test_123")
		r.Header.Set("Stripe-Version", "2023-10-16")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s is answered %d, want %d", query, response.StatusCode, want)
		}
	}
}
