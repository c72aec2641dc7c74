package stripe

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/perfectworks/backend/domain/failure"
)

// Tolerance is how old a signature may be.
const Tolerance = webhook.DefaultTolerance

// Webhooks check what is said to come from the provider. It is safe for
// concurrent use.
type Webhooks struct {
	secrets []string
	live    bool
}

// NewWebhooks returns the check by the signing secrets of the endpoint, any of
// which will do: while a secret is rotated there are two. An event of the other
// mode is never acted on.
func NewWebhooks(secrets []string, live bool) *Webhooks {
	return &Webhooks{secrets: slices.Clone(secrets), live: live}
}

// Refusals of Check.
var (
	ErrSignature = failure.New(failure.Invalid, "WEBHOOK_SIGNATURE_INVALID",
		"the signature is missing or wrong, or older than five minutes")
	ErrBody = failure.New(failure.Invalid, "WEBHOOK_BODY_INVALID",
		"the body is not an event of the payment provider")
)

// Notice is what a webhook says that matters.
type Notice struct {
	EventID string
	Type    string
	// Version is the API version in which the event's object is.
	Version string
	Live    bool
	Created time.Time
	About   Object
}

// Object names what an event is about, as far as it says.
type Object struct{ SessionID, IntentID, ChargeID string }

// Relevant tells whether events of the type are about payments.
func (n Notice) Relevant() bool {
	return slices.ContainsFunc([]string{"checkout.session.", "payment_intent.", "charge.", "refund."}, func(prefix string) bool {
		return strings.HasPrefix(n.Type, prefix)
	})
}

// Check verifies that a body was signed with one of the secrets at most
// Tolerance ago, and reads it. It fails with ErrSignature and ErrBody.
func (w *Webhooks) Check(body []byte, signature string) (Notice, error) {
	signed := slices.ContainsFunc(w.secrets, func(secret string) bool {
		return webhook.ValidatePayload(body, signature, secret) == nil
	})
	if !signed {
		return Notice{}, ErrSignature
	}
	return ReadNotice(body)
}

// OtherMode tells whether an event belongs to the other mode, test or live, than
// this endpoint.
func (w *Webhooks) OtherMode(n Notice) bool { return n.Live != w.live }

// maxName bounds the names in an event, in bytes.
const maxName = 255

// ReadNotice reads a body of which it is known where it comes from. It fails
// with ErrBody.
func ReadNotice(body []byte) (Notice, error) {
	var e struct {
		ID         string `json:"id"`
		Object     string `json:"object"`
		Type       string `json:"type"`
		APIVersion string `json:"api_version"`
		Livemode   bool   `json:"livemode"`
		Created    int64  `json:"created"`
		Data       struct {
			Object struct {
				ID            string          `json:"id"`
				Object        string          `json:"object"`
				PaymentIntent json.RawMessage `json:"payment_intent"`
				Charge        json.RawMessage `json:"charge"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return Notice{}, ErrBody // Its own text would quote the body.
	}
	if e.Object != "event" || e.ID == "" || len(e.ID) > maxName || e.Type == "" || len(e.Type) > maxName || len(e.APIVersion) > maxName {
		return Notice{}, ErrBody
	}
	n := Notice{EventID: e.ID, Type: e.Type, Version: e.APIVersion, Live: e.Livemode, Created: time.Unix(e.Created, 0).UTC()}
	about := e.Data.Object
	switch about.Object {
	case "checkout.session":
		n.About.SessionID = about.ID
	case "payment_intent":
		n.About.IntentID = about.ID
	case "charge":
		n.About.ChargeID, n.About.IntentID = about.ID, idOf(about.PaymentIntent)
	default:
		n.About.ChargeID, n.About.IntentID = idOf(about.Charge), idOf(about.PaymentIntent)
	}
	return n, nil
}

// idOf is the id of a member that is an id, or the object itself.
func idOf(member json.RawMessage) string {
	var name string
	if json.Unmarshal(member, &name) == nil {
		return name
	}
	var object struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(member, &object) // Neither: then there is none.
	return object.ID
}

// noticeOf is an event of the list as a webhook would bring it.
func noticeOf(e *stripego.Event) (Notice, []byte, error) {
	object := json.RawMessage("{}")
	if e.Data != nil && len(e.Data.Raw) > 0 {
		object = e.Data.Raw
	}
	body, err := json.Marshal(map[string]any{
		"id": e.ID, "object": "event", "type": e.Type, "api_version": e.APIVersion, "livemode": e.Livemode,
		"created": e.Created, "data": map[string]any{"object": object},
	})
	if err != nil {
		return Notice{}, nil, fmt.Errorf("encode a listed event: %w", err)
	}
	n, err := ReadNotice(body)
	return n, body, err
}
