package payment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"unicode/utf8"
)

// Product is something that can be bought.
type Product struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	// Tokens is how many one of it holds.
	Tokens int64 `json:"tokens"`
	// UnitAmount is the price of one before tax, in the minor unit of Currency.
	UnitAmount int64 `json:"unitAmount"`
	// Currency is an ISO 4217 code in lower case.
	Currency string `json:"currency"`
}

// Rates are what operations on documents cost, in tokens for each page.
type Rates struct {
	Analysis      int64 `json:"analysis"`
	Accessibility int64 `json:"accessibility"`
	Conversion    int64 `json:"conversion"`
}

// Catalogue is what is sold, and what tokens are worth.
type Catalogue struct {
	// Products stand in the order in which they are shown.
	Products []Product `json:"products"`
	// TokensPerPage are the rates.
	TokensPerPage Rates `json:"tokensPerPage"`
}

// Bounds of one payment, in minor units: what the payment provider takes.
const (
	MinAmount = 50
	MaxAmount = 99_999_999
)

// maxUnitTokens bounds a product, so that MaxQuantity of it is still one grant.
const maxUnitTokens = 1_000_000_000

var (
	productPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	currencyPattern = regexp.MustCompile(`^[a-z]{3}$`)
)

// ReadCatalogue reads a catalogue from JSON, and says all that is wrong with it.
func ReadCatalogue(text []byte) (Catalogue, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var c Catalogue
	if err := decoder.Decode(&c); err != nil {
		return Catalogue{}, fmt.Errorf("the catalogue cannot be read: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Catalogue{}, errors.New("the catalogue cannot be read: something follows it")
	}
	if err := c.check(); err != nil {
		return Catalogue{}, fmt.Errorf("the catalogue is not usable: %w", err)
	}
	return c, nil
}

func (c Catalogue) check() error {
	var wrong []error
	if len(c.Products) == 0 {
		wrong = append(wrong, errors.New("it has no products"))
	}
	known := map[string]bool{}
	for _, p := range c.Products {
		for _, err := range p.check() {
			wrong = append(wrong, fmt.Errorf("product %q: %w", p.ID, err))
		}
		if known[p.ID] {
			wrong = append(wrong, fmt.Errorf("product %q is there twice", p.ID))
		}
		known[p.ID] = true
	}
	for name, rate := range map[string]int64{
		"analysis": c.TokensPerPage.Analysis, "accessibility": c.TokensPerPage.Accessibility, "conversion": c.TokensPerPage.Conversion,
	} {
		if rate < 0 || rate > maxUnitTokens {
			wrong = append(wrong, fmt.Errorf("tokensPerPage.%s lies outside 0 to %d", name, maxUnitTokens))
		}
	}
	return errors.Join(wrong...)
}

func (p Product) check() (wrong []error) {
	refuse := func(broken bool, text string) {
		if broken {
			wrong = append(wrong, errors.New(text))
		}
	}
	refuse(!productPattern.MatchString(p.ID), "the id must be of lower case letters, digits and hyphens, 63 at most")
	refuse(p.Name == "" || utf8.RuneCountInString(p.Name) > 100, "the name must have between 1 and 100 characters")
	refuse(utf8.RuneCountInString(p.Description) > 500, "the description must have at most 500 characters")
	refuse(p.Tokens < 1 || p.Tokens > maxUnitTokens, "tokens must be between 1 and 1000000000")
	refuse(p.UnitAmount < MinAmount || p.UnitAmount > MaxAmount, "unitAmount must be between 50 and 99999999 minor units")
	refuse(!currencyPattern.MatchString(p.Currency), "the currency must be three lower case letters")
	return wrong
}

// Product finds a product by its id.
func (c Catalogue) Product(name string) (Product, bool) {
	i := slices.IndexFunc(c.Products, func(p Product) bool { return p.ID == name })
	if i < 0 {
		return Product{}, false
	}
	return c.Products[i], true
}
