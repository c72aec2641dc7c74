package httpapi

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/httpapi/admission"
	"github.com/perfectworks/backend/adapters/httpapi/etag"
	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

// exchange is what the layers know of one request. It belongs to the request's
// goroutine.
type exchange struct {
	requestID     string
	correlationID string
	// problem says that errors go out as problem documents.
	problem bool

	// asOf is up to when the answer shows the changes, if its read models do not follow
	// them; else zero.
	asOf time.Time

	// op is the operation, nil where no route fits.
	op *operation
	// page is the route of what is no operation.
	page      string
	caller    string // see callerOf
	principal access.Principal
	// knownTo is the position in the log that principal is at least as fresh as.
	knownTo event.Position

	// condition is that of If-Match, or of If-None-Match on a GET.
	condition etag.Condition
	// attempt holds id, time and seed of the command that the request makes.
	attempt idempotency.Attempt
	// head says that the request is a HEAD. It is carried out as a GET, unless
	// its operation looks here.
	head bool
	// link is what the signed URL allows with which the request comes, if it does.
	link blob.Link
	// preferences are what the client would like: RFC 7240.
	preferences preferences
	// raw is the body as it came, unless it is streamed.
	raw []byte
	// place is that of the request among those who work.
	place *admission.Place
	// credentials says that the request holds some, good or bad.
	credentials bool
	// client is the address that the request comes from, and direct says that it
	// came without a proxy.
	client netip.Addr
	direct bool
	// tooMany says that the request was refused because there are too many.
	tooMany bool
	// http is the request as guard let it through.
	http *http.Request
}

type exchangeKey struct{}

// exchangeOf is the request's exchange, which observe made.
func exchangeOf(ctx context.Context) *exchange {
	return ctx.Value(exchangeKey{}).(*exchange) //nolint:forcetypeassert // observe is outermost.
}

const (
	headerRequestID     = "X-Request-Id"
	headerCorrelationID = "X-Correlation-Id"
	// longestID bounds ids that come from outside.
	longestID = 128
	// longestAgent bounds the user agent that events keep, in bytes.
	longestAgent = 256
)

func (a *API) newExchange(r *http.Request) *exchange {
	x := &exchange{
		problem: wantsProblem(acceptOf(r)), head: r.Method == http.MethodHead,
		preferences: preferencesOf(r.Header),
	}
	x.credentials = r.Header.Get("Authorization") != "" || r.Header.Get("X-API-Key") != ""
	x.client, x.direct = clientOf(r, a.trusted)
	if id := r.Header.Get(headerRequestID); isID(id) {
		x.requestID = id
	} else {
		x.requestID = rand.Text()
	}
	if id := r.Header.Get(headerCorrelationID); isID(id) {
		x.correlationID = id
	} else {
		x.correlationID = x.requestID
	}
	return x
}

// isID tells whether an id from outside is fit to be logged and stored.
func isID(s string) bool {
	if s == "" || len(s) > longestID {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.:", c)
	})
}

// command is the request of a command for this exchange.
func (a *API) command(ctx context.Context, x *exchange) commands.Request {
	r := x.http
	client := ""
	if x.client.IsValid() {
		client = x.client.String()
	}
	return commands.Request{
		ID: x.attempt.CommandID, Now: x.attempt.StartedAt, Seed: commands.Seed(x.attempt.Seed), Retry: x.attempt.Retry,
		Principal:     x.principal,
		CorrelationID: x.correlationID,
		RequestID:     x.requestID,
		ClientAddress: personal.New(client),
		UserAgent:     personal.New(clipped(r.UserAgent(), longestAgent)),
		TraceParent:   a.traceParent(ctx),
	}
}

// clipped is s as valid UTF-8 of at most n bytes.
func clipped(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
