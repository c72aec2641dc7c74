// Package httpapi is the HTTP side of the product: the operations of the
// contract, and around them what all share: envelope and error model, request
// ids, authentication, rate limits, body checks, idempotency keys,
// preconditions, freshness, documentation.
//
// A request passes these layers, outermost first: observe (request id, access
// log, panics), the router, the injected middleware (traces and metrics), guard
// (who, whether, how often, how fresh), takeBody, work (a place among those who
// work, the check of the body), repeatable (Idempotency-Key), and huma, which
// reads the typed input.
package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/gorilla/mux"

	"github.com/perfectworks/backend/adapters/httpapi/admission"
	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/refusal"
	"github.com/perfectworks/backend/projections/readmodels"
)

// Deps is what the API stands on. All fields are required but where it says so.
type Deps struct {
	Logger        *slog.Logger
	Authenticator Authenticator
	Commands      *commands.Commands
	Directory     Directory
	Queries       *readmodels.Queries
	Exports       Exports
	ReadModels    Waiter
	// Operations is what operators do to read models.
	Operations  Operations
	Idempotency Idempotency
	Statements  *statement.Keys
	Payments    Payments
	// Objects serves signed URLs; without it there are none.
	Objects Objects
	// Downloadable returns nil while an object may be downloaded, else the refusal;
	// without it all may be.
	Downloadable func(ctx context.Context, object string) error
	// MaxFileSize bounds uploads, in bytes; DefaultMaxFileSize when zero.
	MaxFileSize int64
	Streams     admission.StreamLimits // optional
	// FileWork follows the operations on files.
	FileWork FileWork
	// Catalogue is what is sold.
	Catalogue payment.Catalogue
	// ReferralURL returns the address of the link that a code stands for, and
	// ReferralCurrency is that of commissions.
	ReferralURL      func(code string) string
	ReferralCurrency string
	Links            Links
	// Events returns the events of a stream in their order.
	Events     func(ctx context.Context, stream string) iter.Seq2[event.Recorded, error]
	RateLimits RateLimits       // optional
	Admission  admission.Limits // optional
	// CORSOrigins are those whose pages may call the API; optional.
	CORSOrigins []string
	// TrustedProxies are believed about the addresses of clients; optional.
	TrustedProxies []netip.Prefix
	// StoreRefusals are the failures with which the event store can refuse any
	// write, for the documentation; optional.
	StoreRefusals []error

	// Middleware runs once the route is known; optional.
	Middleware []func(http.Handler) http.Handler
	// TraceParent is the W3C trace parent of a context; optional.
	TraceParent func(context.Context) string

	// Ready tells how the parts are.
	Ready func(context.Context) []Check
	// Failed is told of each answer that is an error; optional.
	Failed func(status int, code string)
	// Refused is told of each command that a known principal tried in an
	// organization and that was refused; optional.
	Refused func(commands.Request, refusal.Kind)
	// AuditAddresses is how long the audit log tells addresses and agents;
	// DefaultAuditAddresses when zero.
	AuditAddresses time.Duration
	// Version of the program, for the documentation; optional.
	Version string
}

// API serves the operations. It is safe for concurrent use.
type API struct {
	logger        *slog.Logger
	authenticator Authenticator
	commands      *commands.Commands
	directory     Directory
	queries       *readmodels.Queries
	exports       Exports
	models        Operations
	idempotency   Idempotency
	statements    *statement.Keys
	payments      Payments
	fileWork      FileWork
	waiting       crowd
	catalogue     payment.Catalogue
	referralURL   func(code string) string
	// referralCurrency is that of commissions.
	referralCurrency string
	links            Links
	events           func(ctx context.Context, stream string) iter.Seq2[event.Recorded, error]
	fresh            *freshness
	limits           *limits
	gate             *admission.Gate
	streams          *admission.Streams
	objects          Objects
	downloadable     func(context.Context, string) error
	maxFileSize      int64
	largeBodies      chan struct{}
	trusted          []netip.Prefix
	failed           func(status int, code string)
	storeRefusals    []error
	traceParent      func(context.Context) string
	refused          func(commands.Request, refusal.Kind)
	// auditAddresses is how long the audit log tells addresses and agents.
	auditAddresses time.Duration
	exporting      exportLimits
	// bodyTimeout bounds how long a body may take to arrive.
	bodyTimeout time.Duration

	huma huma.API
	// documenting is held while the document is written, which completes it.
	documenting sync.Mutex
	operations  map[string]*operation
	// fixedPaths are the methods of those without parameters.
	fixedPaths map[string][]string
	// undeclared are the operations without an authorization.
	undeclared []string
	handler    http.Handler
}

// New puts the API together.
func New(d Deps) (*API, error) {
	fresh, err := newFreshness(d.ReadModels, d.Directory)
	if err != nil {
		return nil, err
	}
	limits, err := newLimits(d.RateLimits)
	if err != nil {
		return nil, fmt.Errorf("set up the rate limits: %w", err)
	}
	a := &API{
		logger: d.Logger, authenticator: d.Authenticator, commands: d.Commands, directory: d.Directory,
		queries: d.Queries, exports: d.Exports, models: d.Operations, idempotency: d.Idempotency, statements: d.Statements,
		payments: d.Payments, catalogue: d.Catalogue, referralURL: d.ReferralURL, referralCurrency: d.ReferralCurrency, links: d.Links, events: d.Events, fresh: fresh, limits: limits,
		fileWork: d.FileWork,
		gate:     admission.New(d.Admission), largeBodies: newLargeBodies(),
		streams: admission.NewStreams(d.Streams), objects: d.Objects, downloadable: d.Downloadable,
		maxFileSize: cmp.Or(d.MaxFileSize, DefaultMaxFileSize),
		trusted:     d.TrustedProxies, storeRefusals: d.StoreRefusals, failed: d.Failed,
		traceParent: d.TraceParent, bodyTimeout: defaultBodyTimeout, operations: map[string]*operation{}, fixedPaths: map[string][]string{},
	}
	if a.failed == nil {
		a.failed = func(int, string) {}
	}
	if a.refused = d.Refused; a.refused == nil {
		a.refused = func(commands.Request, refusal.Kind) {}
	}
	if a.downloadable == nil {
		a.downloadable = func(context.Context, string) error { return nil }
	}
	if a.auditAddresses = d.AuditAddresses; a.auditAddresses <= 0 {
		a.auditAddresses = DefaultAuditAddresses
	}
	if a.traceParent == nil {
		a.traceParent = func(context.Context) string { return "" }
	}
	if err := a.route(d); err != nil {
		return nil, err
	}
	return a, nil
}

// more are operations that only tests have.
var more []func(*API)

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

func (a *API) route(d Deps) error {
	root := mux.NewRouter().SkipClean(true).UseEncodedPath()
	around := func(h http.Handler) http.Handler {
		for i := len(d.Middleware) - 1; i >= 0; i-- {
			h = d.Middleware[i](h)
		}
		return h
	}
	for _, m := range d.Middleware {
		root.Use(m)
	}
	root.NotFoundHandler = around(http.HandlerFunc(a.notFound))
	notAllowed := around(a.methodNotAllowed(root))
	root.MethodNotAllowedHandler = notAllowed

	a.huma = huma.NewAPI(humaConfig(d.Version),
		belowBase{humamux.NewAdapter(root, humamux.WithRouteCustomizer(a.wrap)), a})
	// The router looks at routes in their order, and this one is asked for most.
	a.registerLinks()
	a.registerUsers()
	a.registerAccounts()
	a.registerExports()
	a.registerOrganizations()
	a.registerDisposal()
	a.registerStatistics()
	a.registerSystemUsers()
	a.registerMembers()
	a.registerAuditLogs()
	a.registerAPIKeys()
	a.registerTokens()
	a.registerPayments()
	if a.objects != nil {
		a.registerObjects()
	}
	a.registerFinance()
	a.registerReferrers()
	a.registerCampaigns()
	a.registerAnalytics()
	a.registerExplanations()
	a.registerPayouts()
	a.registerStanding()
	a.registerProjections()
	a.registerFiles()
	a.linkResources()
	for _, add := range more {
		add(a)
	}

	if len(a.undeclared) > 0 {
		return fmt.Errorf("these operations do not declare who may call them: %s", strings.Join(a.undeclared, ", "))
	}
	a.routeDocumentation(root)
	if err := a.routeReturnPages(root); err != nil {
		return err
	}
	a.routeOperations(root, d)
	a.handler = a.observe(a.crossOrigin(d.CORSOrigins, a.boundHeaders(normalPaths(a.fixedFirst(root, notAllowed)))))
	return nil
}

// belowBase routes operations below basePath. mux has subrouters for this, but
// theirs answer 404 to a wrong method, and match each prefix again and again.
type belowBase struct {
	huma.Adapter
	api *API
}

// Handle implements huma.Adapter.
func (b belowBase) Handle(op *huma.Operation, handler func(huma.Context)) {
	b.api.operations[op.OperationID].documented = op
	if !strings.Contains(op.Path, "{") {
		b.api.fixedPaths[basePath+op.Path] = append(b.api.fixedPaths[basePath+op.Path], op.Method)
	}
	routed := *op
	routed.Path = basePath + op.Path
	b.Adapter.Handle(&routed, handler)
}

// wrap puts the layers around the handler that huma made for an operation.
func (a *API) wrap(registered *huma.Operation, route *mux.Route) {
	op := a.operations[registered.OperationID]
	if op.direct != nil {
		route.Handler(direct(op)).Name(op.id)
		return
	}
	h := route.GetHandler()
	op.handler = h
	if op.method == http.MethodPost && op.body != streamedBody && len(op.produces) == 0 {
		h = a.repeatable(op, h)
	}
	h = a.work(op, h)
	if op.method != http.MethodGet {
		h = a.takeBody(op, h)
	}
	route.Handler(a.guard(op, h)).Name(op.id)
}

func (a *API) notFound(w http.ResponseWriter, r *http.Request) {
	if err := a.takeAddress(w, r, 1); err != nil {
		a.refuse(w, r, err)
		return
	}
	a.refuse(w, r, errRouteNotFound)
}

// fixedFirst keeps "/organization-members/join" from being taken for a member of
// this name by the methods that only members have.
func (a *API) fixedFirst(router, notAllowed http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		if methods := a.fixedPaths[r.URL.EscapedPath()]; methods != nil && !slices.Contains(methods, method) {
			notAllowed.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})
}

// methodNotAllowed names the methods that the address takes.
func (a *API) methodNotAllowed(router *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.takeAddress(w, r, 1); err != nil {
			a.refuse(w, r, err)
			return
		}
		fixed := a.fixedPaths[r.URL.EscapedPath()]
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			other := *r
			other.Method = method
			var match mux.RouteMatch
			if slices.Contains(fixed, method) || fixed == nil && router.Match(&other, &match) && match.MatchErr == nil {
				w.Header().Add("Allow", method)
				if method == http.MethodGet {
					w.Header().Add("Allow", http.MethodHead)
				}
			}
		}
		a.refuse(w, r, errMethodNotAllowed)
	})
}
