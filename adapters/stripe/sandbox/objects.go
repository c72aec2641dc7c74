package sandbox

import "encoding/json"

// object is anything with an id that the API shows. Members whose JSON name
// begins with an underscore are the sandbox's own, and are not shown.
type object interface {
	key() string
	createdAt() int64
}

// base is common to all objects.
type base struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Created  int64  `json:"created"`
	Livemode bool   `json:"livemode"`
}

func (b *base) key() string      { return b.ID }
func (b *base) createdAt() int64 { return b.Created }

type metadata map[string]string

type product struct {
	base
	Name        string   `json:"name"`
	Description *string  `json:"description"`
	Active      bool     `json:"active"`
	Metadata    metadata `json:"metadata"`
}

type price struct {
	base
	Product     string   `json:"product"`
	UnitAmount  int64    `json:"unit_amount"`
	Currency    string   `json:"currency"`
	TaxBehavior string   `json:"tax_behavior"`
	Active      bool     `json:"active"`
	Type        string   `json:"type"`
	Metadata    metadata `json:"metadata"`
}

type lineItem struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Price       string `json:"price"`
	UnitAmount  int64  `json:"unitAmount"`
	Quantity    int64  `json:"quantity"`
}

type session struct {
	base
	AmountSubtotal    int64            `json:"amount_subtotal"`
	AmountTotal       int64            `json:"amount_total"`
	AutomaticTax      automaticTax     `json:"automatic_tax"`
	CancelURL         *string          `json:"cancel_url"`
	ClientReferenceID *string          `json:"client_reference_id"`
	Currency          string           `json:"currency"`
	CustomerDetails   *customerDetails `json:"customer_details"`
	CustomerEmail     *string          `json:"customer_email"`
	ExpiresAt         int64            `json:"expires_at"`
	Invoice           *string          `json:"invoice"`
	InvoiceCreation   enabled          `json:"invoice_creation"`
	Locale            *string          `json:"locale"`
	Metadata          metadata         `json:"metadata"`
	Mode              string           `json:"mode"`
	PaymentIntent     *string          `json:"payment_intent"`
	PaymentMethods    []string         `json:"payment_method_types"`
	PaymentStatus     string           `json:"payment_status"`
	Status            string           `json:"status"`
	SuccessURL        string           `json:"success_url"`
	TotalDetails      totalDetails     `json:"total_details"`
	URL               *string          `json:"url"`

	Lines          []lineItem `json:"_lines"`
	IntentMetadata metadata   `json:"_intentMetadata"`
}

type (
	automaticTax struct {
		Enabled bool    `json:"enabled"`
		Status  *string `json:"status"`
	}
	enabled struct {
		Enabled bool `json:"enabled"`
	}
	customerDetails struct {
		Email *string `json:"email"`
		Name  *string `json:"name"`
	}
	totalDetails struct {
		Discount int64 `json:"amount_discount"`
		Shipping int64 `json:"amount_shipping"`
		Tax      int64 `json:"amount_tax"`
	}
)

type paymentError struct {
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type intent struct {
	base
	Amount         int64         `json:"amount"`
	AmountReceived int64         `json:"amount_received"`
	Currency       string        `json:"currency"`
	Invoice        *string       `json:"invoice"`
	LastError      *paymentError `json:"last_payment_error"`
	LatestCharge   *string       `json:"latest_charge"`
	Metadata       metadata      `json:"metadata"`
	PaymentMethods []string      `json:"payment_method_types"`
	Status         string        `json:"status"`
}

type charge struct {
	base
	Amount         int64           `json:"amount"`
	AmountCaptured int64           `json:"amount_captured"`
	AmountRefunded int64           `json:"amount_refunded"`
	BillingDetails customerDetails `json:"billing_details"`
	Captured       bool            `json:"captured"`
	Currency       string          `json:"currency"`
	Disputed       bool            `json:"disputed"`
	FailureCode    *string         `json:"failure_code"`
	FailureMessage *string         `json:"failure_message"`
	Invoice        *string         `json:"invoice"`
	Metadata       metadata        `json:"metadata"`
	Paid           bool            `json:"paid"`
	PaymentIntent  string          `json:"payment_intent"`
	Refunded       bool            `json:"refunded"`
	Status         string          `json:"status"`
}

type refund struct {
	base
	Amount        int64    `json:"amount"`
	Charge        string   `json:"charge"`
	Currency      string   `json:"currency"`
	FailureReason *string  `json:"failure_reason,omitempty"`
	Metadata      metadata `json:"metadata"`
	PaymentIntent string   `json:"payment_intent"`
	Reason        *string  `json:"reason"`
	Status        string   `json:"status"`
}

type balanceTransaction struct {
	ID                string `json:"id"`
	Object            string `json:"object"`
	Amount            int64  `json:"amount"`
	Currency          string `json:"currency"`
	Created           int64  `json:"created"`
	Fee               int64  `json:"fee"`
	Net               int64  `json:"net"`
	ReportingCategory string `json:"reporting_category"`
	Source            string `json:"source"`
	Type              string `json:"type"`
}

type dispute struct {
	base
	Amount              int64                `json:"amount"`
	BalanceTransactions []balanceTransaction `json:"balance_transactions"`
	Charge              string               `json:"charge"`
	Currency            string               `json:"currency"`
	IsChargeRefundable  bool                 `json:"is_charge_refundable"`
	Metadata            metadata             `json:"metadata"`
	PaymentIntent       string               `json:"payment_intent"`
	Reason              string               `json:"reason"`
	Status              string               `json:"status"`
}

type invoice struct {
	base
	AmountPaid    int64    `json:"amount_paid"`
	Charge        *string  `json:"charge"`
	Currency      string   `json:"currency"`
	HostedURL     string   `json:"hosted_invoice_url"`
	Metadata      metadata `json:"metadata"`
	Number        string   `json:"number"`
	Paid          bool     `json:"paid"`
	PaymentIntent *string  `json:"payment_intent"`
	Status        string   `json:"status"`
	Subtotal      int64    `json:"subtotal"`
	Total         int64    `json:"total"`
}

type event struct {
	base
	APIVersion      string       `json:"api_version"`
	Data            eventData    `json:"data"`
	PendingWebhooks int          `json:"pending_webhooks"`
	Request         eventRequest `json:"request"`
	Type            string       `json:"type"`
}

type (
	// eventData holds the object as it was when the event was made.
	eventData struct {
		Object json.RawMessage `json:"object"`
	}
	eventRequest struct {
		ID             *string `json:"id"`
		IdempotencyKey *string `json:"idempotency_key"`
	}
)

// delivery is an event on its way to the webhook URL. It is no object of
// Stripe's.
type delivery struct {
	base
	Event    string `json:"event"`
	Attempts int    `json:"attempts"`
	// DueAt is in milliseconds.
	DueAt int64  `json:"dueAt"`
	Done  bool   `json:"done"`
	Last  string `json:"last,omitempty"`
}

// answer is what a request with an idempotency key was answered.
type answer struct {
	base
	Fingerprint string          `json:"fingerprint"`
	Status      int             `json:"status"`
	Body        json.RawMessage `json:"body"`
}

// blank makes an empty object of a kind, by which the file names them.
var blank = map[string]func() object{
	"product":          func() object { return &product{} },
	"price":            func() object { return &price{} },
	"checkout.session": func() object { return &session{} },
	"payment_intent":   func() object { return &intent{} },
	"charge":           func() object { return &charge{} },
	"refund":           func() object { return &refund{} },
	"dispute":          func() object { return &dispute{} },
	"invoice":          func() object { return &invoice{} },
	"event":            func() object { return &event{} },
	"delivery":         func() object { return &delivery{} },
	"answer":           func() object { return &answer{} },
}
