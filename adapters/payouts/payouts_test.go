package payouts_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/payouts"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/migrations"
)

// mirror is a sealer that hides nothing but the order of the bytes.
type mirror struct{}

func (mirror) Seal(_ string, text, _ []byte) []byte {
	out := make([]byte, len(text))
	for i, b := range text {
		out[len(text)-1-i] = b
	}
	return out
}

func (m mirror) Open(p string, sealed, data []byte) ([]byte, error) {
	return m.Seal(p, sealed, data), nil
}

var reference = referrer.TransactionID(id.ReferrerOf(id.FromUUID[id.User]([16]byte{1})), 3)

func TestOrders(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	o := payouts.New(pool, mirror{})
	if got, err := o.Ask(t.Context(), reference); got != referrer.OutcomeFailed || err != nil {
		t.Errorf("never ordered: %q, %v", got, err)
	}
	p := commands.Payout{Reference: reference, Amount: 5000, Currency: "eur", Method: referrer.MethodPayPal, Email: personal.New("=ada@example.org")}
	for range 2 {
		if got, err := o.Pay(t.Context(), p); got != "" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if got, err := o.Ask(t.Context(), reference); got != "" || err != nil {
		t.Errorf("under way: %q, %v", got, err)
	}
	var out bytes.Buffer
	n, err := o.Export(t.Context(), &out)
	if want := "reference,amount,currency,method,email\n" + reference + ",5000,eur,paypal,'=ada@example.org\n"; n != 1 || err != nil || out.String() != want {
		t.Errorf("%d, %v, %s", n, err, out.String())
	}
	var plain bool
	if err := pool.QueryRow(t.Context(), "SELECT position('ada@example.org' in encode(sealed, 'escape')) > 0 FROM payout_orders").Scan(&plain); err != nil || plain {
		t.Errorf("the address is stored in the clear: %v", err)
	}
	if err := o.Forget(t.Context(), reference); err != nil {
		t.Fatal(err)
	}
	if n, err := o.Export(t.Context(), &out); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	got, err := payouts.ReadResults(strings.NewReader("reference,outcome\n" + reference + ", paid\n"))
	if err != nil || len(got) != 1 || got[0] != (payouts.Result{Reference: reference, Outcome: referrer.OutcomePaid}) {
		t.Errorf("%v, %v", got, err)
	}
	for text, want := range map[string]string{
		reference:                     "wrong number of fields",
		reference + ",lost\n":         "line 1: the outcome",
		"a,paid\n":                    "line 1: the reference",
		reference + ",paid\n\"":       "parse error",
		reference + ",paid\nx,paid\n": "line 2",
	} {
		if got, err := payouts.ReadResults(strings.NewReader(text)); got != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
