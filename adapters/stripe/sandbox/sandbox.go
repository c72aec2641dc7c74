package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// APIVersion is the version of Stripe's API whose shapes are served.
const APIVersion = "2023-10-16"

// Options of a sandbox. SecretKey is required.
type Options struct {
	// SecretKey must come with each call of the API, as a bearer.
	SecretKey string
	// PageURL is where browsers reach the sandbox, without a slash at its end.
	PageURL string
	// WebhookURL is where events are sent; nowhere when empty. Each delivery is
	// signed with each of the secrets: several stand for a rotation.
	WebhookURL     string
	WebhookSecrets []string
	// File keeps everything across restarts; nothing is kept when empty. Two
	// sandboxes must not use one file at once.
	File string
	// Chaos spoils the delivery of webhooks.
	Chaos Chaos
	// Live makes live objects instead of test ones, and EventVersion the API
	// version of events: for tests of what a program makes of them.
	Live         bool
	EventVersion string
	// Retry is the time before the first repetition of a delivery, which doubles
	// each time up to a thousandfold; half a second when zero.
	Retry time.Duration
	// Now is the clock; the system's when nil.
	Now func() time.Time
	// Client sends webhooks; one with a timeout of ten seconds when nil.
	Client *http.Client
	Logger *slog.Logger
}

// Sandbox is a small Stripe. It is an http.Handler of the API below /v1/ and of
// the pages. It is safe for concurrent use.
type Sandbox struct {
	options Options
	handler http.Handler
	chaos   *dice

	mu    sync.Mutex
	store *store
	// due wakes Run after a change.
	due chan struct{}
}

// retention is how long events are kept, as at Stripe.
const retention = 30 * 24 * time.Hour

// Open begins with what the file holds, or with nothing. Events are delivered
// once Run is called.
func Open(options Options) (*Sandbox, error) {
	if options.SecretKey == "" {
		return nil, errors.New("the sandbox needs a secret key")
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.EventVersion == "" {
		options.EventVersion = APIVersion
	}
	if options.Retry <= 0 {
		options.Retry = 500 * time.Millisecond
	}
	if options.Client == nil {
		options.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	options.PageURL = strings.TrimSuffix(options.PageURL, "/")
	st, err := openStore(options.File, options.Now().Add(-retention).Unix())
	if err != nil {
		return nil, err
	}
	s := &Sandbox{options: options, store: st, chaos: newDice(options.Chaos), due: make(chan struct{}, 1)}
	s.handler = s.routes()
	return s, nil
}

// Close ends the use of the file. Nothing may be called afterwards.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.close()
}

// ServeHTTP implements http.Handler.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run delivers webhooks and expires sessions until ctx ends.
func (s *Sandbox) Run(ctx context.Context) {
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	places := make(chan struct{}, parallelDeliveries)
	underWay := map[string]bool{}
	var mu sync.Mutex
	for {
		if err := s.expireSessions(); err != nil {
			s.options.Logger.ErrorContext(ctx, "sessions of the sandbox cannot be expired", slog.Any("error", err))
		}
		mu.Lock()
		due, next := s.dueDeliveries(underWay)
		for _, d := range due {
			underWay[d] = true
		}
		mu.Unlock()
		for _, id := range due {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			deliveries.Go(func() {
				defer func() {
					mu.Lock()
					delete(underWay, id)
					mu.Unlock()
					<-places
					s.wake()
				}()
				s.deliver(ctx, id)
			})
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.due:
		case <-timer.C:
		}
		timer.Stop()
	}
}

const parallelDeliveries = 16

func (s *Sandbox) wake() {
	select {
	case s.due <- struct{}{}:
	default:
	}
}

// do carries out a change, whole or not at all.
func (s *Sandbox) do(act func(*change) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &change{s: s, at: s.options.Now(), written: map[string]object{}, kind: map[string]string{}}
	if err := act(c); err != nil {
		return err
	}
	if err := c.commit(); err != nil {
		return err
	}
	s.wake()
	return nil
}

// base begins an object.
func (c *change) base(prefix, kind string) base {
	return base{ID: newID(prefix), Object: kind, Created: c.at.Unix(), Livemode: c.s.options.Live}
}
