package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/stripe"
	"github.com/perfectworks/backend/domain/event"
)

// State is what became of something that the provider said.
type State string

// The states.
const (
	StatePending   State = "pending"
	StateDone      State = "done"
	StateIgnored   State = "ignored"
	StateOtherMode State = "otherMode"
	StateForeign   State = "foreign"
)

// The sources.
const (
	sourceWebhook    = "webhook"
	sourceReconciler = "reconciler"
)

// purposeBody is what bodies are sealed for.
const purposeBody = "payment-webhook-body"

// BodyRetention is how long the body of a webhook is kept after it was processed.
// What is left of it tells an event that comes again.
const BodyRetention = 90 * 24 * time.Hour

// TakeWebhook checks a webhook and stores it, with the job that processes it. It
// fails with stripe.ErrSignature and stripe.ErrBody. A webhook that is known
// already is taken without effect.
func (s *Service) TakeWebhook(ctx context.Context, body []byte, signature string) error {
	n, err := s.Webhooks.Check(body, signature)
	if err != nil {
		return err
	}
	_, err = s.store(ctx, body, n, sourceWebhook)
	return err
}

// store puts an event into the inbox. It reports whether it was not there yet.
func (s *Service) store(ctx context.Context, body []byte, n stripe.Notice, source string) (fresh bool, err error) {
	state := StatePending
	switch {
	case s.Webhooks.OtherMode(n):
		state = StateOtherMode
		s.Logger.WarnContext(ctx, "the payment provider sent an event of the other mode, which is not acted on",
			slog.String("event", n.EventID), slog.Bool("live", n.Live))
	case !n.Relevant():
		state = StateIgnored
	}
	err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		var row int64
		err := tx.QueryRow(ctx, `
			INSERT INTO payment_inbox (live, event_id, type, api_version, source, created_at, body, state, done_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $8 <> 'pending' THEN now() END)
			ON CONFLICT (live, event_id) DO NOTHING RETURNING id`,
			n.Live, n.EventID, n.Type, n.Version, source, n.Created,
			s.Sealer.Seal(purposeBody, body, []byte(n.EventID)), string(state)).Scan(&row)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		fresh = true
		if state != StatePending {
			return nil
		}
		return s.queue.Insert(ctx, tx, jobs.Insertion{Args: webhookArgs{row}})
	})
	if err != nil {
		return false, fmt.Errorf("store a webhook: %w", err)
	}
	return fresh, nil
}

// process does what a stored event is for.
func (s *Service) process(ctx context.Context, row int64) error {
	var state State
	var eventID string
	var sealed []byte
	err := s.Pool.QueryRow(ctx, "SELECT state, event_id, body FROM payment_inbox WHERE id = $1", row).Scan(&state, &eventID, &sealed)
	if err != nil {
		return fmt.Errorf("read a stored webhook: %w", err)
	}
	if state != StatePending {
		return nil
	}
	body, err := s.Sealer.Open(purposeBody, sealed, []byte(eventID))
	if err != nil {
		return jobs.Final(fmt.Errorf("open a stored webhook: %w", err))
	}
	n, err := stripe.ReadNotice(body)
	if err != nil {
		return jobs.Final(err)
	}
	if err := s.step("read"); err != nil {
		return err
	}
	session, err := s.Provider.SessionOf(ctx, n.About)
	if err != nil {
		return err
	}
	if err := s.step("found"); err != nil {
		return err
	}
	state = StateForeign
	if session != "" {
		switch err := s.observe(ctx, session, event.DeriveID(following, eventID, 0)); {
		case err == nil:
			state = StateDone
		case !errors.Is(err, errForeign):
			return err
		default:
			s.Logger.InfoContext(ctx, "a webhook is not about a payment of this product",
				slog.String("event", eventID), slog.String("session", session), slog.Any("error", err))
		}
	}
	if err := s.step("noted"); err != nil {
		return err
	}
	_, err = s.Pool.Exec(ctx, "UPDATE payment_inbox SET state = $2, session_id = $3, done_at = now() WHERE id = $1 AND state = 'pending'",
		row, string(state), session)
	if err != nil {
		return fmt.Errorf("close a stored webhook: %w", err)
	}
	return s.step("closed")
}

// Sweep deletes the bodies and the reports that are not needed any more. It returns
// how many bodies there were.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int64, error) {
	if _, err := s.Pool.Exec(ctx, "DELETE FROM payment_reconciliations WHERE run_at < $1", now.Add(-reportRetention)); err != nil {
		return 0, fmt.Errorf("delete old reports of the reconciler: %w", err)
	}
	tag, err := s.Pool.Exec(ctx, "UPDATE payment_inbox SET body = NULL WHERE body IS NOT NULL AND done_at < $1", now.Add(-BodyRetention))
	if err != nil {
		return 0, fmt.Errorf("delete the bodies of old webhooks: %w", err)
	}
	return tag.RowsAffected(), nil
}
