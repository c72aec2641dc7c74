package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/domain/event"
)

// watchInterval is how often Watch looks whether the log is still the one that
// it was.
const watchInterval = 500 * time.Millisecond

// witness is what this process itself knows of the log: the last event that it
// wrote or read. It guards what is kept in memory. It is safe for concurrent use.
type witness struct {
	mu sync.Mutex
	// id is the identity of the log, once it is known: a client belongs to one log
	// for its life.
	id string
	// log names the log, last is the last event.
	log      string
	last     event.Place
	wentBack []func()
	// life ends when the log went back, and with it all subscriptions.
	life *life
}

// life is a time in which the log was one and the same.
type life struct {
	ended  chan struct{}
	reason error // to be read once ended is closed
}

func newLife() *life { return &life{ended: make(chan struct{})} }

// err is why the life has ended; nil while it has not.
func (l *life) err() error {
	select {
	case <-l.ended:
		return l.reason
	default:
		return nil
	}
}

func newWitness(id string) *witness { return &witness{id: id, life: newLife()} }

// belongsTo makes sure that the log is the one that this client belongs to; id is
// empty for a log without an identity.
func (w *witness) belongsTo(id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.id == id:
	case w.id == "":
		w.id = id
	case id == "":
		return fmt.Errorf("%w: it has no identity, and should be %s", ErrWrongLog, w.id)
	default:
		return fmt.Errorf("%w: it is %s, and should be %s", ErrWrongLog, id, w.id)
	}
	return nil
}

// known tells whether the identity of the log is known.
func (w *witness) known() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.id != ""
}

// saw notes an event.
func (w *witness) saw(p event.Place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.Position.Compare(w.last.Position) > 0 {
		w.last = p
	}
}

func (w *witness) mark() event.Mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	return event.Mark{Log: w.log, Position: w.last.Position, Last: w.last}
}

func (w *witness) current() *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.life
}

// forget begins anew, unless another has done so since the mark was taken, and
// tells whoever keeps something of the log.
func (w *witness) forget(mark event.Mark, reason error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.log != mark.Log || w.last.Position.Compare(mark.Last.Position) < 0 {
		return false
	}
	w.log, w.last = "", event.Place{}
	for _, tell := range w.wentBack {
		tell()
	}
	w.life.reason = reason
	close(w.life.ended)
	w.life = newLife()
	return true
}

// OnWentBack has a function called when the log turns out to have gone back,
// before this client writes to it again. It must be quick and not call the
// client.
func (c *Client) OnWentBack(tell func()) {
	c.witness.mu.Lock()
	defer c.witness.mu.Unlock()
	c.witness.wentBack = append(c.witness.wentBack, tell)
}

// Watch makes sure, until ctx ends, that the log still holds the last event that
// this process wrote or read. If not, it says so, drops what is kept in memory
// and ends all subscriptions, each of which then looks at its own mark. The same
// is done at every new connection, before it is used.
func (c *Client) Watch(ctx context.Context) {
	for pause(ctx, watchInterval) {
		mark := c.witness.mark()
		recognised, err := c.Recognise(ctx, mark)
		switch {
		case errors.Is(err, event.ErrLogWentBack):
			c.wentBack(ctx, mark, err)
		case err == nil:
			c.witness.identify(recognised.Log)
		}
	}
}

func (w *witness) identify(log string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = log
}

func (c *Client) wentBack(ctx context.Context, mark event.Mark, reason error) {
	if !c.witness.forget(mark, reason) {
		return
	}
	c.opts.Metrics.WentBack()
	c.log.ErrorContext(ctx, "the event log went back: what this process kept of it is dropped", slog.Any("reason", reason))
}

// greet makes sure that the log behind a new connection is the one that this
// process knows, before anybody else uses the connection: that it has the same
// identity, and the last event. One that may have been scavenged is left to Watch.
func (c *Client) greet(ctx context.Context, client *esdb.Client) error {
	if c.witness.known() {
		a := guarded(ctx, client, identityOf)
		if a.err != nil {
			return a.err
		}
		if err := c.witness.belongsTo(a.value.id); err != nil {
			return err
		}
	}
	mark := c.witness.mark()
	if mark.Last.IsZero() {
		return nil
	}
	a := guarded(ctx, client, func(ctx context.Context, client *esdb.Client) (*esdb.RecordedEvent, error) {
		return eventAt(ctx, client, mark.Last.Position)
	})
	switch {
	case a.err != nil:
		return a.err
	case a.value == nil || event.ID(a.value.EventID) != mark.Last.ID:
		// Dropping what is kept costs little, should it be a false alarm.
		c.wentBack(ctx, mark, event.ErrLogWentBack)
	}
	return nil
}
