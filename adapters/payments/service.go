// Package payments brings into the log what the payment provider knows. What
// comes by webhook, from the page that a payer returns to, and by the reconciler
// goes one way: the payment is fetched, and what is new of it is noted.
//
// # Webhooks
//
// A webhook is checked, stored and answered; a job does the rest. The job
// fetches the payment, issues the command that notes it, and closes the row of
// the webhook, in this order. It may be cut off anywhere and run again: fetching
// changes nothing, the events of facts have ids that derive from the facts, and
// the grant of tokens follows from the events by a policy, under the payment's
// own reference. So there is no mark of having been handled that could be set
// too early or too late; that the row closes last only spares work.
package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/stripe"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/projections/payments"
)

// Provider is what is asked of the payment provider here; commands ask it more.
type Provider interface {
	SessionOf(ctx context.Context, about stripe.Object) (string, error)
	Observe(ctx context.Context, sessionID string) (commands.ObservedPayment, error)
	Events(ctx context.Context, since time.Time, each func(body []byte, n stripe.Notice) error) error
	Sessions(ctx context.Context, since time.Time, each func(commands.ObservedPayment) error) error
}

// Sealer encrypts bodies at rest.
type Sealer interface {
	Seal(purpose string, plaintext, additional []byte) []byte
	Open(purpose string, sealed, additional []byte) ([]byte, error)
}

// Config is what a Service needs. All of it but Step is required.
type Config struct {
	Pool     *pgxpool.Pool
	Provider Provider
	Webhooks *stripe.Webhooks
	Sealer   Sealer
	Commands *commands.Commands
	Payments payments.Queries
	Logger   *slog.Logger
	// Step, when set, is told of each step of a job that processes a webhook, and
	// ends the job by an error: tests cut it off there.
	Step func(name string) error
}

// Service follows payments. It is safe for concurrent use.
type Service struct {
	Config
	queue *jobs.Client
	// looking joins those who look at one payment at the same time.
	looking singleflight.Group
}

// New returns a service. Its Kinds go into the queue, which UseQueue then gives
// it.
func New(c Config) *Service {
	return &Service{Config: c}
}

func (s *Service) step(name string) error {
	if s.Step == nil {
		return nil
	}
	return s.Step(name)
}

// UseQueue sets where jobs are inserted.
func (s *Service) UseQueue(queue *jobs.Client) { s.queue = queue }

// Queue is the queue of the jobs of this package.
const Queue = "payments"

type webhookArgs struct {
	InboxID int64 `json:"inboxId"`
}

// Kind implements jobs.Args.
func (webhookArgs) Kind() string { return "payment-webhook" }

type observeArgs struct {
	PaymentID id.Payment `json:"paymentId"`
}

// Kind implements jobs.Args.
func (observeArgs) Kind() string { return "observe-payment" }

// Kinds are the kinds of jobs of this package.
func (s *Service) Kinds() []jobs.Kind {
	return []jobs.Kind{
		jobs.On(webhookArgs{}, jobs.Options{Queue: Queue}, func(ctx context.Context, job jobs.Job[webhookArgs]) error {
			return s.process(ctx, job.Args.InboxID)
		}),
		// Whoever waits for it looks again in any case.
		jobs.On(observeArgs{}, jobs.Options{Queue: Queue, MaxAttempts: 2}, func(ctx context.Context, job jobs.Job[observeArgs]) error {
			p, err := s.Payments.Get(ctx, job.Args.PaymentID)
			if err != nil {
				return err
			}
			return s.observe(ctx, p.SessionID, event.ID(job.Key))
		}),
	}
}

// policy is the actor of what this package notes.
const policy = "follow-payments"

// following is the namespace of the commands of this package.
var following = event.ID(uuid.MustParse("1d0c6f63-55a1-5d3c-8d6b-7f5a2a3a9c10"))

// request is that of a command of this package.
func request(command event.ID, grants ...access.Permission) commands.Request {
	return commands.Request{
		ID: command, Now: time.Now().UTC(), CorrelationID: command.String(), Principal: access.ByPolicy(policy, "", grants...),
	}
}

// errForeign says that a session is not of a payment of this product.
var errForeign = errors.New("the session is not of a payment of this product")

// observe notes what the provider knows of a session.
func (s *Service) observe(ctx context.Context, sessionID string, command event.ID) error {
	_, err := s.Commands.ObservePayment(ctx, request(command, access.FollowPayments), commands.ObservePayment{SessionID: sessionID})
	for _, foreign := range []error{payment.ErrNotFound, commands.ErrNoSession, payment.ErrSessionOpened} {
		if errors.Is(err, foreign) {
			return fmt.Errorf("%w: %w", errForeign, err)
		}
	}
	return err
}

// Refresh looks at a payment at the provider now, and waits until what is new of
// it has been noted, or ctx ends. Several who ask at once share one look.
func (s *Service) Refresh(ctx context.Context, name id.Payment) error {
	result := s.looking.DoChan(string(name), func() (any, error) {
		key := uuid.New()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
		defer cancel()
		err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
			return s.queue.Insert(ctx, tx, jobs.Insertion{Args: observeArgs{name}, Key: key})
		})
		if err == nil {
			_, err = s.queue.Wait(ctx, key)
		}
		return nil, err
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return fmt.Errorf("look at a payment again: %w", r.Err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("look at a payment again: %w", ctx.Err())
	}
}

// refreshTimeout bounds how long a look takes that somebody waits for.
const refreshTimeout = 10 * time.Second
