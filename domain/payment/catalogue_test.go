package payment_test

import (
	"strings"
	"testing"

	"github.com/perfectworks/backend/domain/payment"
)

const oneProduct = `{"products":[{"id":"tokens-1000","name":"1,000 tokens","description":"","tokens":1000,"unitAmount":4900,"currency":"eur"}],
	"tokensPerPage":{"analysis":1,"accessibility":5,"conversion":3}}`

func TestCatalogue(t *testing.T) {
	t.Parallel()
	c, err := payment.ReadCatalogue([]byte(oneProduct))
	if err != nil {
		t.Fatal(err)
	}
	p, found := c.Product("tokens-1000")
	if !found || p.Tokens != 1000 || p.UnitAmount != 4900 || c.TokensPerPage != (payment.Rates{Analysis: 1, Accessibility: 5, Conversion: 3}) {
		t.Errorf("%+v", c)
	}
	if _, found := c.Product("tokens-1"); found {
		t.Error("there is a product that is not sold")
	}
	changed := func(old, with string) string { return strings.Replace(oneProduct, old, with, 1) }
	for text, want := range map[string]string{
		"":                                     "cannot be read",
		"{}":                                   "no products",
		oneProduct + "{}":                      "something follows",
		changed(`"id"`, `"sku"`):               "unknown field",
		changed("tokens-1000", "Tokens"):       "id must be",
		changed("1,000 tokens", ""):            "name must",
		changed(`"tokens":1000`, `"tokens":0`): "tokens must",
		changed(`"tokens":1000`, `"tokens":1e30`): "cannot be read",
		changed("4900", "49"):                     "unitAmount must",
		changed("4900", "100000000"):              "unitAmount must",
		changed("4900", "49.5"):                   "cannot be read",
		changed("eur", "EUR"):                     "currency must",
		changed(`"analysis":1`, `"analysis":-1`):  "tokensPerPage.analysis",
		changed(`}],`, `},{"id":"tokens-1000","name":"x","tokens":1,"unitAmount":50,"currency":"eur"}],`): "twice",
	} {
		if _, err := payment.ReadCatalogue([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
