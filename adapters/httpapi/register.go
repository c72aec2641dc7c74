package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/go-json-experiment/json"

	"github.com/perfectworks/backend/adapters/httpapi/etag"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
)

// reply is what an operation answers.
type reply[T any] struct {
	data T
	// status and message when they are not those that the operation declares.
	status  int
	message string
	// revision, when set, becomes the ETag.
	revision *event.Revision
	// position, when not zero, is where the log stood after a write.
	position event.Position
	// location is the path of what was made, or where to go.
	location string
	// credential is the caller that was made, if one was: see callerOf.
	credential string
	// header holds further fields of the answer.
	header http.Header
	// raw, when set, is the answer in place of an envelope with data.
	raw *rawAnswer
}

// written is the reply to a command.
func written[R, T any](result commands.Result[R], data T) reply[T] {
	return reply[T]{data: data, revision: &result.Revision, position: result.Position}
}

// register adds an operation with its handler.
func register[I, T any](a *API, op operation, handle func(context.Context, *exchange, *I) (reply[T], error)) {
	if op.status == 0 {
		op.status = http.StatusOK
	}
	if !op.authorization.declared() {
		a.undeclared = append(a.undeclared, op.id)
	}
	if !op.hidden {
		a.addTag(op.tag)
	}
	op.template = basePath + op.path
	a.operations[op.id] = &op
	huma.Register(a.huma, a.describe(&op), func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		x := exchangeOf(ctx)
		answer, err := handle(ctx, x, in)
		if err != nil {
			return nil, a.refusal(ctx, x, err)
		}
		return &huma.StreamResponse{Body: func(h huma.Context) { //nolint:contextcheck // The exchange has it.
			_, w := humamux.Unwrap(h)
			send(a, w, x, answer)
		}}, nil
	})
	a.document(&op, typeOf[Envelope[T]]())
}

// send writes an answer. Of huma it takes only the input: its writers know
// nothing of streams, cookies and conditions.
func send[T any](a *API, w http.ResponseWriter, x *exchange, answer reply[T]) {
	h := w.Header()
	h["Cache-Control"] = noStore
	if !answer.position.IsZero() {
		h.Set(headerPosition, answer.position.String())
		a.remember(x, answer.position)
		a.fresh.remember(answer.credential, marks{written: answer.position})
	}
	if answer.location != "" {
		h.Set("Location", answer.location)
	}
	status := cmp.Or(answer.status, x.op.status)
	if answer.revision != nil {
		tag := etag.Of(*answer.revision, unversionedOf(answer.data))
		h.Set("ETag", tag.String())
		if x.http.Method == http.MethodGet {
			// To be asked again each time, with the ETag.
			h.Set("Cache-Control", "private, no-cache")
			addVary(h, varyByCaller)
			if x.condition.Matches(tag) {
				status = http.StatusNotModified
			}
		}
	}
	for name, values := range answer.header {
		if name == "Vary" {
			addVary(h, values[0])
			continue
		}
		h[name] = values
	}
	if answer.raw != nil {
		a.sendRaw(w, x, status, answer.raw)
		return
	}
	if status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	var body bytes.Buffer
	if err := writeJSON(&body, Envelope[T]{
		Success: true, Message: x.dated(cmp.Or(answer.message, x.op.message)), Data: answer.data,
	}); err != nil {
		a.refuse(w, x.http, fmt.Errorf("encode the answer: %w", err))
		return
	}
	h["Content-Type"] = contentJSON
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // An error means that the client is gone.
}

// unversionedOf is what of an answer's data changes without an event, as far as
// it has: by the clock, or because it is noted elsewhere.
func unversionedOf(data any) string {
	if d, ok := data.(interface{ unversioned() string }); ok {
		return d.unversioned()
	}
	return ""
}

// Shared values of header fields, which nobody appends to.
var (
	noStore     = []string{"no-store"}
	contentJSON = []string{mediaJSON}
)

// remember notes a write for the later reads of its caller, and for those of the
// person's API keys.
func (a *API) remember(x *exchange, position event.Position) {
	m := marks{written: position}
	if x.op.moves {
		m.moved = position
	}
	a.fresh.remember(x.caller, m)
	a.fresh.remember(string(x.principal.UserID), m)
}

const varyByCaller = "Authorization, X-API-Key, " + headerOrganization

// withCondition runs a command with each revision that the request's If-Match
// accepts, until one is not stale.
func withCondition[C, R any](ctx context.Context, a *API, x *exchange, run commands.Handler[C, R], command C) (result commands.Result[R], err error) {
	req := a.command(ctx, x)
	if x.condition.IsZero() || x.condition.IsAny() {
		return run(ctx, req, command)
	}
	accepted := x.condition.Strong()
	if len(accepted) == 0 {
		accepted = []event.Revision{noRevision}
	}
	for _, revision := range accepted {
		req.Expected = &revision
		if result, err = run(ctx, req, command); !errors.Is(err, commands.ErrStale) {
			break
		}
	}
	return result, err
}

// noRevision is what no stream is ever at.
const noRevision event.Revision = -2

// answeredRefusal is an error on its way through huma, which writes it by these methods.
type answeredRefusal struct {
	*apiError
	x *exchange
}

func (a *API) refusal(ctx context.Context, x *exchange, err error) error {
	e := answerTo(ctx, err)
	a.note(ctx, x, e, err)
	return &answeredRefusal{apiError: e, x: x}
}

// GetStatus implements huma.StatusError.
func (r *answeredRefusal) GetStatus() int { return r.status }

// GetHeaders implements huma.HeadersError.
func (r *answeredRefusal) GetHeaders() http.Header {
	h := http.Header{}
	r.writeHeader(h, r.x)
	h.Del("Content-Type") // ContentType is asked for it.
	return h
}

// ContentType implements huma.ContentTypeFilter.
func (r *answeredRefusal) ContentType(string) string { return r.contentType(r.x) }

// MarshalJSON writes the body.
func (r *answeredRefusal) MarshalJSON() ([]byte, error) { return json.Marshal(r.body(r.x)) }
