package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/perfectworks/backend/adapters/httpapi/etag"
	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/user"
)

// Authenticator says who makes a request.
type Authenticator interface {
	// Authenticate checks the credentials in a request's headers, and says whom
	// they stand for. Its refusals are failures; a request without credentials
	// is refused too. Before a check that costs much, such as that of a signature
	// not seen before, it asks afford, and returns its error; nil allows all.
	Authenticate(ctx context.Context, h http.Header, afford func() error) (access.Principal, error)
	// Enter returns a principal as it acts in an organization, deleted or not. Its
	// refusals are those of Authenticate.
	Enter(context.Context, access.Principal, id.Organization) (access.Principal, error)
	// Recall returns the principal with an id as it may act now in the organization
	// in which it acted. It fails with identity.ErrAccessEnded.
	Recall(ctx context.Context, name string, in id.Organization) (access.Principal, error)
	// Refusals returns all failures that Authenticate can return, for the
	// documentation.
	Refusals() []error
}

// guard lets a request through to its operation once it is known who makes it,
// that they may, and that what they must be able to read is readable.
func (a *API) guard(op *operation, next http.Handler) http.Handler {
	// What is answered from memory does not wait.
	inMemory := op.method == http.MethodGet && len(op.reads) == 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !inMemory {
			ctx, cancel := context.WithTimeout(r.Context(), op.limit())
			defer cancel()
			r = r.WithContext(ctx)
		}
		if op.timeout > 0 {
			// A writer without deadlines is a test's.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(op.timeout + writeMargin))
		}
		decodeVariables(r)
		x := exchangeOf(r.Context())
		x.op, x.http = op, r
		if err := a.admit(w, r, x); err != nil {
			a.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *API) admit(w http.ResponseWriter, r *http.Request, x *exchange) error {
	if err := a.identify(w, r, x); err != nil {
		return err
	}
	// A signed URL gives what is there.
	linked := x.op.authorization.kind == isLinked
	if offered := append(x.op.produces, mediaJSON); !linked && !accepts(acceptOf(r), offered...) {
		return errNotAcceptableOf(offered)
	}
	if err := x.op.query.check(r); err != nil {
		return err
	}
	// What the caller has seen elsewhere.
	var seen event.Position
	if v := r.Header.Get(headerMinPosition); v != "" && r.Method == http.MethodGet {
		var err error
		if seen, err = event.ParsePosition(v); err != nil {
			return malformed(headerMinPosition, "must be a position as X-Position gives it")
		}
	}
	if err := a.parseCondition(r, x); err != nil {
		return err
	}
	if !x.op.authorization.open() {
		if x.principal.Kind != access.KindPolicy {
			if err := a.upToDate(r, x, &seen); err != nil {
				return err
			}
		}
		if err := a.enter(r, x); err != nil {
			return err
		}
		if err := x.op.authorization.admit(x.principal); err != nil {
			return err
		}
	}
	if r.Method == http.MethodGet {
		asOf, err := a.fresh.await(r.Context(), x.op.reads, seen)
		if err != nil {
			return err
		}
		if !asOf.IsZero() {
			w.Header().Set(headerAsOf, asOf.UTC().Format(time.RFC3339))
			x.asOf = asOf
		}
	}
	x.attempt = idempotency.NewAttempt(time.Now())
	return nil
}

// identify finds out who makes the request, and counts it for them. What has no
// caller is counted for the address that it comes from. A credential that costs
// much to check is counted for the address before, and given back once it is
// good: an address with too many bad ones is refused without a look at more.
func (a *API) identify(w http.ResponseWriter, r *http.Request, x *exchange) (err error) {
	on := x.op.authorization
	if on.kind == isSigned {
		return a.limits.peekAddress(w.Header(), x.client, time.Now())
	}
	if on.kind == isLinked {
		return a.follow(w, r, x)
	}
	if on.open() {
		return a.takeAddress(w, r, weightOf(r, x.op))
	}
	if on.bootstrap && !x.credentials && r.Header.Get(headerBootstrap) != "" {
		x.principal, x.caller = access.ByPolicy(bootstrap, "", on.permissions...), bootstrap
		return a.takeAddress(w, r, weightOf(r, x.op))
	}
	counted := false
	x.principal, err = a.authenticate(r.Context(), x, r.Header, func() error {
		if counted {
			return nil
		}
		counted = true
		return a.takeAddress(w, r, 1)
	})
	if err != nil {
		x.principal = access.Principal{}
		f := failure.Of(err)
		switch {
		case f == nil || f.Kind == failure.Unavailable:
			if counted && f != nil {
				a.limits.giveBackAddress(x.client, time.Now())
			}
			a.limits.tellAddress(w.Header(), x.client, time.Now())
		case !counted:
			if limited := a.takeAddress(w, r, 1); limited != nil {
				return limited
			}
		}
		return err
	}
	if counted {
		a.limits.giveBackAddress(x.client, time.Now())
	}
	x.caller = callerOf(x.principal)
	return a.limits.take(w.Header(), x.principal, weightOf(r, x.op), time.Now())
}

// weightOf is as how many requests one counts before its body is read. A body
// whose length is not announced is counted by what arrives.
func weightOf(r *http.Request, op *operation) int {
	if op.method == http.MethodGet || op.body == streamedBody {
		return 1
	}
	return weight(min(r.ContentLength, op.bodyLimit()))
}

// takeUnannounced counts what of a body was not announced.
func (a *API) takeUnannounced(w http.ResponseWriter, r *http.Request, x *exchange, body int) error {
	more := weight(int64(body)) - weightOf(r, x.op)
	switch {
	case more <= 0:
		return nil
	case x.principal.ID() == "":
		return a.takeAddress(w, r, more)
	}
	return a.limits.take(w.Header(), x.principal, more, time.Now())
}

// takeAddress counts a request n times for the address that it comes from.
func (a *API) takeAddress(w http.ResponseWriter, r *http.Request, n int) error {
	return a.limits.takeAddress(w.Header(), exchangeOf(r.Context()).client, n, time.Now())
}

// upToDate finds out again who makes the request when that may have changed by
// what they last wrote: they may have made an account, or moved to another
// organization. It moves seen on to that.
func (a *API) upToDate(r *http.Request, x *exchange, seen *event.Position) (err error) {
	ctx := r.Context()
	own := a.fresh.of(x.caller).later(a.fresh.of(string(x.principal.UserID)))
	asOf := later(*seen, own.moved)
	*seen = later(*seen, own.written)
	if x.knownTo.Compare(asOf) >= 0 {
		return nil
	}
	if err := a.fresh.awaitDirectory(ctx, asOf); err != nil {
		return err
	}
	x.principal, err = a.authenticate(ctx, x, r.Header, nil)
	return err
}

// enter makes the principal act in the organization that the path names, if the
// operation is for that one. Kinds of principal that the operation never accepts
// are left for admit to refuse: where they act tells them nothing.
func (a *API) enter(r *http.Request, x *exchange) (err error) {
	on := x.op.authorization
	if on.place == "" || !on.acceptsKind(x.principal.Kind) {
		return nil
	}
	x.principal, err = a.authenticator.Enter(r.Context(), x.principal, id.Organization(mux.Vars(r)[on.place]))
	return err
}

// authenticate says who makes a request, also somebody whose account is
// deactivated if the operation is for them too.
func (a *API) authenticate(ctx context.Context, x *exchange, h http.Header, afford func() error) (access.Principal, error) {
	// Asked before: the directory may move on while it is read.
	x.knownTo = a.directory.Applied()
	p, err := a.authenticator.Authenticate(ctx, h, afford)
	if errors.Is(err, user.ErrDeactivated) && x.op.authorization.takesDeactivated() {
		err = nil
	}
	return p, err
}

// callerOf names a credential: the same for all requests that come with it,
// also when its user registers or moves to another organization meanwhile.
func callerOf(p access.Principal) string {
	if p.KeyID != "" {
		return string(p.KeyID)
	}
	return p.Identity.SubjectHash
}

// parseCondition reads If-None-Match of a GET, and If-Match of all else.
func (a *API) parseCondition(r *http.Request, x *exchange) (err error) {
	name := etag.IfMatch
	if r.Method == http.MethodGet {
		name = etag.IfNoneMatch
	}
	if lines := r.Header[name]; len(lines) > 0 {
		if x.condition, err = etag.Parse(lines); err != nil {
			return malformed(name, err.Error())
		}
	}
	return nil
}

// bodyless tells whether a request is sent without a body.
func bodyless(r *http.Request) bool {
	return r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 && len(r.TransferEncoding) == 0
}

// hasEncoding tells whether a body is compressed or otherwise encoded.
func hasEncoding(r *http.Request) bool {
	encoding := r.Header.Get("Content-Encoding")
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}
