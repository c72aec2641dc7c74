package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/adapters/stripe"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
)

const (
	// firstLook is how far back the first run looks.
	firstLook = 30 * 24 * time.Hour
	// eventOverlap is how far before its cursor a run looks at events again: they
	// can be listed later than they were created.
	eventOverlap = time.Hour
	// sessionOverlap is the same for sessions. A session lives for a day, and money
	// that is paid later can take two weeks; refunds and disputes come as events.
	sessionOverlap = 16 * 24 * time.Hour
)

// Drift is a difference between what the product knows of a payment and what the
// provider shows.
type Drift struct {
	PaymentID id.Payment `json:"paymentId"`
	SessionID string     `json:"sessionId"`
	// Ours and Theirs are the two states, in words.
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"`
	// Cause is what most likely led to it.
	Cause string `json:"cause"`
	// Repaired tells whether this run mended it.
	Repaired bool `json:"repaired"`
}

// Report is what a run found.
type Report struct {
	At     time.Time `json:"at"`
	Since  time.Time `json:"since"`
	DryRun bool      `json:"dryRun"`
	// Events and Sessions are how many were looked at, Missed the events that no
	// webhook had brought.
	Events   int     `json:"events"`
	Missed   int     `json:"missed"`
	Sessions int     `json:"sessions"`
	Drifts   []Drift `json:"drifts"`
}

// Reconcile compares with the provider what has happened since the last run, and
// repairs what was missed, unless it is a dry run. Its report is kept.
func (s *Service) Reconcile(ctx context.Context, now time.Time, dryRun bool) (Report, error) {
	r := Report{At: now.UTC(), DryRun: dryRun, Drifts: []Drift{}}
	var last *time.Time
	if err := s.Pool.QueryRow(ctx, "SELECT max(run_at) FROM payment_reconciliations WHERE NOT dry_run").Scan(&last); err != nil {
		return r, fmt.Errorf("read the cursor of the reconciler: %w", err)
	}
	r.Since = r.At.Add(-firstLook)
	if last != nil {
		r.Since = last.UTC()
	}
	if err := s.reconcileEvents(ctx, &r); err != nil {
		return r, err
	}
	if err := s.reconcileSessions(ctx, &r); err != nil {
		return r, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("encode the report of the reconciler: %w", err)
	}
	if _, err := s.Pool.Exec(ctx, "INSERT INTO payment_reconciliations (run_at, dry_run, report) VALUES ($1, $2, $3)", r.At, dryRun, text); err != nil {
		return r, fmt.Errorf("keep the report of the reconciler: %w", err)
	}
	for _, d := range r.Drifts {
		s.Logger.WarnContext(ctx, "a payment differs from what the provider shows", slog.String("payment", string(d.PaymentID)),
			slog.String("session", d.SessionID), slog.String("ours", d.Ours), slog.String("theirs", d.Theirs),
			slog.String("cause", d.Cause), slog.Bool("repaired", d.Repaired))
	}
	return r, nil
}

// reconcileEvents brings events that no webhook has brought into the inbox, where
// they go the way of all others.
func (s *Service) reconcileEvents(ctx context.Context, r *Report) error {
	return s.Provider.Events(ctx, r.Since.Add(-eventOverlap), func(body []byte, n stripe.Notice) error {
		if s.Webhooks.OtherMode(n) {
			return nil
		}
		r.Events++
		if r.DryRun {
			var known bool
			err := s.Pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM payment_inbox WHERE live = $1 AND event_id = $2)", n.Live, n.EventID).Scan(&known)
			if err == nil && !known {
				r.Missed++
			}
			return err
		}
		fresh, err := s.store(ctx, body, n, sourceReconciler)
		if fresh {
			r.Missed++
		}
		return err
	})
}

func (s *Service) reconcileSessions(ctx context.Context, r *Report) error {
	seen := map[id.Payment]bool{}
	since := r.Since.Add(-sessionOverlap)
	err := s.Provider.Sessions(ctx, since, func(o commands.ObservedPayment) error {
		if o.PaymentID == "" {
			return nil // Another program's.
		}
		r.Sessions++
		seen[o.PaymentID] = true
		return s.compare(ctx, r, o)
	})
	if err != nil {
		return err
	}
	ours, err := s.Payments.Since(ctx, since)
	if err != nil {
		return fmt.Errorf("list our payments: %w", err)
	}
	for _, p := range ours {
		if p.SessionID != "" && !seen[p.ID] && p.CreatedAt.Before(r.At.Add(-time.Minute)) {
			r.Drifts = append(r.Drifts, Drift{
				PaymentID: p.ID, SessionID: p.SessionID, Ours: words(p.State(), r.At), Theirs: "unknown",
				Cause: "the provider has no such session: the secret key is of another account or mode, or the sandbox's file was deleted",
			})
		}
	}
	return nil
}

// compare looks at one session.
func (s *Service) compare(ctx context.Context, r *Report, o commands.ObservedPayment) error {
	p, err := s.Payments.Get(ctx, o.PaymentID)
	if errors.Is(err, payment.ErrNotFound) {
		r.Drifts = append(r.Drifts, Drift{
			PaymentID: o.PaymentID, SessionID: o.SessionID, Ours: "unknown", Theirs: theirs(payment.State{ID: o.PaymentID, Tokens: 1}, o, r.At),
			Cause: "the payment is not in the log: it was restored from an older backup, or another installation uses the same account",
		})
		return nil
	}
	if err != nil {
		return err
	}
	mine := p.State()
	d := Drift{PaymentID: p.ID, SessionID: o.SessionID, Ours: words(mine, r.At), Theirs: theirs(mine, o, r.At)}
	news, err := mine.Observe(o.Observed, false, r.At)
	switch {
	case errors.Is(err, payment.ErrSessionOpened):
		d.Cause = "the payment has another session here: this one was opened by a repetition after the provider had forgotten the first"
	case err != nil:
		return err
	case len(news) > 0:
		if d.Cause, err = s.causeOf(ctx, mine, o.SessionID); err != nil {
			return err
		}
		if !r.DryRun {
			d.Repaired = s.repaired(ctx, s.observe(ctx, o.SessionID, event.DeriveID(following, o.SessionID+r.At.String(), 0)))
		}
	case less(mine, o):
		d.Cause = "the log knows more than the provider shows: the account was exchanged, or the sandbox's file is an older one"
	case mine.Due() && mine.TokenTransactionID == "":
		d.Ours += ", not fulfilled"
		d.Cause = "the tokens are not granted yet: the policy's job waits, or has failed (see perfectworks jobs list)"
		if !r.DryRun {
			req := request(event.DeriveID(following, string(p.ID)+r.At.String(), 1), access.FollowPayments, access.GrantTokens)
			_, err := s.Commands.FulfilPayment(ctx, req, commands.FulfilPayment{PaymentID: p.ID})
			d.Repaired = s.repaired(ctx, err)
		}
	default:
		return nil
	}
	r.Drifts = append(r.Drifts, d)
	return nil
}

func (s *Service) repaired(ctx context.Context, err error) bool {
	if err != nil {
		s.Logger.ErrorContext(ctx, "a payment cannot be repaired", slog.Any("error", err))
	}
	return err == nil
}

// causeOf says why news of a session are not known here.
func (s *Service) causeOf(ctx context.Context, mine payment.State, sessionID string) (string, error) {
	if mine.SessionID == "" {
		return "the session was opened, and the process ended before it was noted", nil
	}
	var pending, all int
	var oldest *time.Time
	// Of what waits it is not known yet which session it is about.
	err := s.Pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE session_id = $1),
		min(received_at) FILTER (WHERE state = 'pending') FROM payment_inbox WHERE session_id = $1 OR state = 'pending'`,
		sessionID).Scan(&pending, &all, &oldest)
	switch {
	case err != nil:
		return "", fmt.Errorf("look for the webhooks of a session: %w", err)
	case pending > 0:
		return fmt.Sprintf("%d webhooks wait to be processed since %s, or have failed (see perfectworks jobs list)", pending, oldest.UTC().Format(time.RFC3339)), nil
	case all == 0:
		return "no webhook about it came: the endpoint is not registered, not reachable, or was down for too long", nil
	}
	return "the last webhooks about it did not come", nil
}

// less tells whether the provider shows less than is known.
func less(mine payment.State, o commands.ObservedPayment) bool {
	return mine.Paid != nil && o.Paid == nil ||
		slices.ContainsFunc(mine.Refunds, func(k payment.Refund) bool {
			return !slices.ContainsFunc(o.Refunds, func(r payment.Refund) bool { return r.ID == k.ID })
		}) ||
		slices.ContainsFunc(mine.Disputes, func(k payment.Dispute) bool {
			return !slices.ContainsFunc(o.Disputes, func(d payment.Dispute) bool { return d.ID == k.ID })
		})
}

// theirs is the state that a payment would be in if only the provider were
// asked.
func theirs(mine payment.State, o commands.ObservedPayment, at time.Time) string {
	mine.SessionID, mine.Completed, mine.Expired, mine.Failed, mine.Paid, mine.Refunds, mine.Disputes = "", false, false, false, nil, nil, nil
	events, err := mine.Observe(o.Observed, false, at)
	if err != nil {
		return "unknown"
	}
	for _, e := range events {
		mine = payment.Apply(mine, e)
	}
	return words(mine, at)
}

func words(s payment.State, at time.Time) string {
	parts := []string{"session " + string(s.Session(at)), string(s.Status())}
	if s.Paid != nil {
		parts = append(parts, fmt.Sprintf("paid %d", s.Paid.AmountTotal), fmt.Sprintf("returned %d", s.Returned()))
	}
	if n := len(s.Refunds); n > 0 {
		parts = append(parts, fmt.Sprintf("refunds %d", n))
	}
	if n := len(s.Disputes); n > 0 {
		parts = append(parts, fmt.Sprintf("disputes %d", n))
	}
	return strings.Join(parts, ", ")
}

// LastReport is the report of the last run; its error is pgx.ErrNoRows when there
// was none.
func (s *Service) LastReport(ctx context.Context) (Report, error) {
	var text []byte
	if err := s.Pool.QueryRow(ctx, "SELECT report FROM payment_reconciliations ORDER BY id DESC LIMIT 1").Scan(&text); err != nil {
		return Report{}, err
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return Report{}, fmt.Errorf("read the report of the reconciler: %w", err)
	}
	return r, nil
}
