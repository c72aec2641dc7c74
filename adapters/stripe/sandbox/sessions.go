package sandbox

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"
)

func createProduct(c call) (any, error) {
	p := &product{
		base: c.base("prod", "product"), Name: c.required("name"), Description: c.optional("description"),
		Active: true, Metadata: c.metadata("metadata"),
	}
	c.put("product", p)
	c.emit("product.created", p)
	return p, nil
}

func createPrice(c call) (any, error) {
	p := &price{
		base: c.base("price", "price"), Product: c.required("product"), UnitAmount: c.integer("unit_amount", -1),
		Currency: strings.ToLower(c.required("currency")), TaxBehavior: c.behavior("tax_behavior"), Active: true,
		Type: "one_time", Metadata: c.metadata("metadata"),
	}
	if c.wrong != nil {
		return nil, c.wrong
	}
	if _, err := find[product](c.change, p.Product); err != nil {
		return nil, err
	}
	if p.UnitAmount < 0 {
		return nil, invalid("unit_amount", "Invalid non-negative integer")
	}
	c.put("price", p)
	c.emit("price.created", p)
	return p, nil
}

func (c call) behavior(name string) string {
	switch text := c.text(name); text {
	case "", "unspecified":
		return "unspecified"
	case "exclusive":
		return text
	default:
		c.note(invalid(name, "The sandbox knows no tax behavior %s.", text))
		return ""
	}
}

const (
	// sessionLife is how long a session can be paid.
	sessionLife = 24 * time.Hour
	// taxPercent is the flat rate of automatic tax.
	taxPercent = 19
	maxLines   = 100
)

func createSession(c call) (any, error) {
	cs := &session{
		base:      c.base("cs_test", "checkout.session"),
		CancelURL: c.optional("cancel_url"), ClientReferenceID: c.optional("client_reference_id"),
		CustomerEmail: c.optional("customer_email"), ExpiresAt: c.integer("expires_at", c.at.Add(sessionLife).Unix()),
		Locale: c.optional("locale"), Metadata: c.metadata("metadata"), Mode: c.required("mode"),
		PaymentMethods: []string{"card"}, PaymentStatus: "unpaid", Status: "open", SuccessURL: c.required("success_url"),
		InvoiceCreation: enabled{c.boolean("invoice_creation[enabled]")},
		AutomaticTax:    automaticTax{Enabled: c.boolean("automatic_tax[enabled]")},
		IntentMetadata:  c.metadata("payment_intent_data[metadata]"),
	}
	if c.s.options.Live {
		cs.ID = newID("cs_live")
	}
	if c.has("invoice_creation[invoice_data][metadata]") || len(c.metadata("invoice_creation[invoice_data][metadata]")) > 0 {
		_ = c.text("invoice_creation[invoice_data][description]")
	}
	if cs.Mode != "payment" {
		c.note(invalid("mode", "The sandbox knows the mode payment only."))
	}
	if least, most := c.at.Add(30*time.Minute).Unix()-1, c.at.Add(sessionLife).Unix()+1; cs.ExpiresAt < least || cs.ExpiresAt > most {
		c.note(invalid("expires_at", "The session must expire within 30 minutes to 24 hours."))
	}
	for name, address := range map[string]*string{"success_url": &cs.SuccessURL, "cancel_url": cs.CancelURL} {
		if address != nil && !absolute(*address) {
			c.note(&Error{400, invalidRequest, "url_invalid", name, "Not a valid URL"})
		}
	}
	if err := c.lines(cs); err != nil {
		return nil, err
	}
	if c.wrong != nil {
		return nil, c.wrong
	}
	if cs.AutomaticTax.Enabled {
		complete := "complete"
		cs.AutomaticTax.Status = &complete
		cs.TotalDetails.Tax = cs.AmountSubtotal * taxPercent / 100
	}
	cs.AmountTotal = cs.AmountSubtotal + cs.TotalDetails.Tax
	address := c.s.options.PageURL + "/pay/" + cs.ID
	cs.URL = &address
	c.put("checkout.session", cs)
	return cs, nil
}

func absolute(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// lines reads what is bought.
func (c call) lines(cs *session) error {
	for i := 0; i < maxLines; i++ {
		line := fmt.Sprintf("line_items[%d]", i)
		quantity := c.integer(line+"[quantity]", 0)
		if quantity == 0 && !c.values.Has(line+"[price]") && !c.values.Has(line+"[price_data][currency]") {
			break
		}
		if quantity < 1 {
			return invalid(line+"[quantity]", "This value must be greater than or equal to 1.")
		}
		p, name, description, err := c.priceOf(line)
		if err != nil {
			return err
		}
		if cs.Currency != "" && cs.Currency != p.Currency {
			return invalid(line, "All line items must have one currency.")
		}
		if p.UnitAmount > 0 && quantity > (math.MaxInt64/100-cs.AmountSubtotal)/p.UnitAmount {
			return invalid(line, "The amount is too large.")
		}
		cs.Currency = p.Currency
		cs.AmountSubtotal += p.UnitAmount * quantity
		cs.Lines = append(cs.Lines, lineItem{name, description, p.ID, p.UnitAmount, quantity})
	}
	if len(cs.Lines) == 0 {
		return required("line_items")
	}
	if cs.AmountSubtotal > maxAmount || cs.AmountSubtotal < minAmount {
		return &Error{400, invalidRequest, "amount_too_large", "line_items", "The amount must be between 50 and 99999999 minor units."}
	}
	return nil
}

// Stripe's bounds of a charge, in minor units; the least one depends on the
// currency there.
const (
	minAmount = 50
	maxAmount = 99_999_999
)

// priceOf is the price that a line names, or the one that it describes.
func (c call) priceOf(line string) (_ *price, name, description string, err error) {
	if id := c.text(line + "[price]"); id != "" {
		p, err := find[price](c.change, id)
		if err != nil {
			return nil, "", "", err
		}
		of, err := find[product](c.change, p.Product)
		if err != nil {
			return nil, "", "", err
		}
		if of.Description != nil {
			description = *of.Description
		}
		return p, of.Name, description, nil
	}
	data := line + "[price_data]"
	of := &product{
		base: c.base("prod", "product"), Name: c.required(data + "[product_data][name]"),
		Description: c.optional(data + "[product_data][description]"), Metadata: c.metadata(data + "[product_data][metadata]"),
	}
	p := &price{
		base: c.base("price", "price"), Product: of.ID, UnitAmount: c.integer(data+"[unit_amount]", -1),
		Currency: strings.ToLower(c.required(data + "[currency]")), TaxBehavior: c.behavior(data + "[tax_behavior]"),
		Type: "one_time", Metadata: metadata{},
	}
	if c.wrong != nil {
		return nil, "", "", c.wrong
	}
	if p.UnitAmount < 0 {
		return nil, "", "", invalid(data+"[unit_amount]", "Invalid non-negative integer")
	}
	if of.Description != nil {
		description = *of.Description
	}
	c.put("product", of)
	c.put("price", p)
	return p, of.Name, description, nil
}

func lineItems(c call) (any, error) {
	cs, err := find[session](c.change, c.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	_ = c.integer("limit", 10)
	return linesOf(cs), nil
}

func linesOf(cs *session) list {
	l := list{url: "/v1/checkout/sessions/" + cs.ID + "/line_items"}
	for i, line := range cs.Lines {
		l.data = append(l.data, map[string]any{
			"id": fmt.Sprintf("li_%s_%d", cs.ID, i), "object": "item", "description": line.Name, "quantity": line.Quantity,
			"amount_subtotal": line.UnitAmount * line.Quantity, "currency": cs.Currency, "price": line.Price,
		})
	}
	return l
}

func expireSession(c call) (any, error) {
	cs, err := find[session](c.change, c.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if cs.Status != "open" {
		return nil, state("", "Only Checkout Sessions with a status in [\"open\"] can be expired.")
	}
	c.expire(cs)
	return cs, nil
}

func (c *change) expire(cs *session) {
	cs.Status, cs.URL = "expired", nil
	c.put("checkout.session", cs)
	c.emit("checkout.session.expired", cs)
}

// Expire ends an open session.
func (s *Sandbox) Expire(sessionID string) error {
	return s.do(func(c *change) error {
		cs, err := find[session](c, sessionID)
		if err != nil {
			return err
		}
		if cs.Status != "open" {
			return state("", "This session is not open any more.")
		}
		c.expire(cs)
		return nil
	})
}

// expireSessions ends those whose time has come.
func (s *Sandbox) expireSessions() error {
	now := s.options.Now().Unix()
	s.mu.Lock()
	var due []string
	for _, id := range s.store.kinds["checkout.session"] {
		if cs, ok := s.store.objects[id].(*session); ok && cs.Status == "open" && cs.ExpiresAt <= now {
			due = append(due, id)
		}
	}
	s.mu.Unlock()
	for _, id := range due {
		err := s.do(func(c *change) error {
			cs, err := find[session](c, id)
			if err == nil && cs.Status == "open" {
				c.expire(cs)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func createRefund(c call) (any, error) {
	chargeID := c.text("charge")
	if intentID := c.text("payment_intent"); chargeID == "" && intentID != "" {
		pi, err := find[intent](c.change, intentID)
		if err != nil {
			return nil, err
		}
		if pi.LatestCharge == nil {
			return nil, state("payment_intent_unexpected_state", "This PaymentIntent does not have a successful charge to refund.")
		}
		chargeID = *pi.LatestCharge
	}
	if chargeID == "" {
		return nil, required("charge")
	}
	reason := c.optional("reason")
	if reason != nil && *reason != "duplicate" && *reason != "fraudulent" && *reason != "requested_by_customer" {
		return nil, invalid("reason", "Invalid reason: %s", *reason)
	}
	amount, m := c.integer("amount", 0), c.metadata("metadata")
	if c.wrong != nil {
		return nil, c.wrong
	}
	if c.has("amount") && amount < 1 {
		return nil, invalid("amount", "Invalid positive integer")
	}
	return c.refund(chargeID, amount, false, reason, m)
}
