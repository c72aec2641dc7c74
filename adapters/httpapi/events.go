package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/perfectworks/backend/domain/access"
)

const (
	mediaEvents       = "text/event-stream"
	headerLastEventID = "Last-Event-ID"
	// recheck is how often the credential behind a stream is checked: a revoked
	// one gets nothing more after a second.
	recheck = time.Second
	// reconnectAfter is when a client whose stream ended is to come back.
	reconnectAfter = 2 * time.Second
	// longestEventID bounds Last-Event-ID.
	longestEventID = 256
)

// heartbeat is how often a stream of events shows that it is alive. Proxies
// close what is silent for a minute.
var heartbeat = 15 * time.Second

// sentEvent is one event of a stream.
type sentEvent struct {
	// id is where a client that comes back goes on: it sends the last one that it
	// saw. Empty leaves it as it was.
	id string
	// name is the event's type.
	name string
	// data is sent as JSON.
	data any
}

// eventsOf is an answer of server-sent events. The source gets the id of the
// last event that the client saw, empty at first, and sends what came after it
// until it returns or its context ends: when the client leaves, the operation's
// time is over, the server stops, or the caller is not let in any more. Clients
// then come back by themselves. Send is safe for concurrent use.
//
// A stream holds no place among those who work. It begins at once, so what the
// operation may refuse it refuses before.
func (a *API) eventsOf(source func(ctx context.Context, lastID string, send func(sentEvent) error) error) *rawAnswer {
	return &rawAnswer{write: func(ctx context.Context, w *rawWriter, r *http.Request) error {
		x := exchangeOf(ctx)
		lastID := r.Header.Get(headerLastEventID)
		if len(lastID) > longestEventID || lastID != "" && !isKey(lastID) {
			return malformed(headerLastEventID, "must be the id of an event of this stream")
		}
		if err := x.place.Pause(); err != nil {
			return crowded(err)
		}
		if x.head {
			w.Header().Set("Content-Type", mediaEvents)
			return nil
		}
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		defer context.AfterFunc(stopping(ctx), func() { stop(errStreamEnds) })()
		stream := &eventStream{out: w}
		var beats sync.WaitGroup
		beats.Go(func() { stop(a.keepStream(ctx, x, stream)) })
		err := source(ctx, lastID, stream.send)
		ended := ctx.Err() != nil
		stop(nil)
		beats.Wait()
		if ended && w.begun {
			return nil // However it ended, the client comes back.
		}
		return err
	}}
}

var errStreamEnds = errors.New("the stream of events ends")

// keepStream sends heartbeats, and returns when the stream must end.
func (a *API) keepStream(ctx context.Context, x *exchange, stream *eventStream) error {
	if err := stream.begin(); err != nil {
		return err
	}
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if !x.op.authorization.open() && !a.stillLetIn(ctx, x) {
			return errStreamEnds
		}
		if time.Since(last) < heartbeat {
			continue
		}
		last = time.Now()
		beat := &sse.Message{}
		beat.AppendComment("alive")
		if err := stream.write(beat); err != nil {
			return err
		}
	}
}

// stillLetIn tells whether the credential stands for the same principal as at
// first.
func (a *API) stillLetIn(ctx context.Context, x *exchange) bool {
	p, err := a.authenticator.Authenticate(ctx, x.http.Header, nil)
	return err == nil && samePrincipal(p, x.principal)
}

func samePrincipal(p, q access.Principal) bool {
	return p.ID() == q.ID() && p.Kind == q.Kind && p.OrganizationID == q.OrganizationID && p.Role == q.Role
}

// eventStream writes events and heartbeats, one at a time.
type eventStream struct {
	mu    sync.Mutex
	out   *rawWriter
	begun bool
}

// begin sends the header, so that the client knows that it is connected.
func (s *eventStream) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beginLocked()
}

func (s *eventStream) beginLocked() error {
	if s.begun {
		return nil
	}
	s.begun = true
	s.out.Header().Set("Content-Type", mediaEvents)
	s.out.Header().Set("X-Accel-Buffering", "no")
	return s.writeLocked(&sse.Message{Retry: reconnectAfter})
}

func (s *eventStream) send(e sentEvent) error {
	data, err := json.Marshal(e.data)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	m := &sse.Message{}
	if e.name != "" {
		if m.Type, err = sse.NewType(e.name); err != nil {
			return fmt.Errorf("name an event: %w", err)
		}
	}
	if e.id != "" {
		if m.ID, err = sse.NewID(e.id); err != nil {
			return fmt.Errorf("number an event: %w", err)
		}
	}
	m.AppendData(string(data))
	return s.write(m)
}

func (s *eventStream) write(m *sse.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.beginLocked(); err != nil {
		return err
	}
	return s.writeLocked(m)
}

func (s *eventStream) writeLocked(m *sse.Message) error {
	var text bytes.Buffer
	if _, err := m.WriteTo(&text); err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	if _, err := s.out.Write(text.Bytes()); err != nil {
		return err
	}
	return s.out.Flush()
}
