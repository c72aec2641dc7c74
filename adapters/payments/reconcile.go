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
	"github.com/perfectworks/backend/projections/payments"
)

const (
	// LongestLook is how far back a run can look, and how far the first one does:
	// the provider keeps its events for that long.
	LongestLook = 30 * 24 * time.Hour
	// DeepLook is how far back a deep run looks. A session lives for a day, and
	// money that is paid later can take two weeks; refunds and disputes come as
	// events.
	DeepLook = 16 * 24 * time.Hour
	// deepEvery is how often a run is a deep one. All that happens to a payment is
	// also an event, so that the runs between find it by the list of events; a deep
	// run looks at each session itself.
	deepEvery = 24 * time.Hour
	// overlap is how far before its cursor a run looks at events and sessions again:
	// they can be listed later than they were created, and clocks differ.
	overlap = time.Hour
	// reportRetention is how long reports are kept.
	reportRetention = 90 * 24 * time.Hour
)

// Look says how a run looks. The zero value is the run that comes by the clock.
type Look struct {
	// DryRun changes nothing.
	DryRun bool
	// Back is how far to look back at all sessions; zero for what happened since
	// the last run, and once a day for DeepLook.
	Back time.Duration
}

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
	// Deep says that all sessions since then were looked at, and not only those
	// that are new.
	Deep bool `json:"deep"`
	// Events and Sessions are how many were looked at, Missed the events that no
	// webhook had brought.
	Events   int     `json:"events"`
	Missed   int     `json:"missed"`
	Sessions int     `json:"sessions"`
	Drifts   []Drift `json:"drifts"`
}

// Reconcile compares with the provider what has happened since the last run, and
// repairs what was missed, unless it is a dry run. Its report is kept.
//
// Its cursor is the time of the last run that came to its end. A run reads the
// provider's events since the cursor, of which the inbox knows those that webhooks
// brought, and the sessions that were opened since; both with an overlap of an hour.
// Payments that wait for their tokens are looked at in each run. Once a day all
// sessions are fetched that can still change without a new one: see DeepLook.
func (s *Service) Reconcile(ctx context.Context, now time.Time, look Look) (Report, error) {
	r := Report{At: now.UTC(), DryRun: look.DryRun, Drifts: []Drift{}}
	if err := s.begin(ctx, &r, look); err != nil {
		return r, err
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
	// Only a run by the clock moves the cursor: another may have looked less far back.
	cursor := look == Look{}
	if _, err := s.Pool.Exec(ctx, "INSERT INTO payment_reconciliations (run_at, dry_run, report) VALUES ($1, $2, $3)", r.At, !cursor, text); err != nil {
		return r, fmt.Errorf("keep the report of the reconciler: %w", err)
	}
	for _, d := range r.Drifts {
		s.Logger.WarnContext(ctx, "a payment differs from what the provider shows", slog.String("payment", string(d.PaymentID)),
			slog.String("session", d.SessionID), slog.String("ours", d.Ours), slog.String("theirs", d.Theirs),
			slog.String("cause", d.Cause), slog.Bool("repaired", d.Repaired))
	}
	return r, nil
}

// begin decides how far back a run looks.
func (s *Service) begin(ctx context.Context, r *Report, look Look) error {
	if look.Back > 0 {
		r.Since, r.Deep = r.At.Add(-min(look.Back, LongestLook)), true
		return nil
	}
	var last, deep *time.Time
	err := s.Pool.QueryRow(ctx, `SELECT max(run_at), max(run_at) FILTER (WHERE report @> '{"deep": true}')
		FROM payment_reconciliations WHERE NOT dry_run AND run_at > $1`, r.At.Add(-LongestLook)).Scan(&last, &deep)
	switch {
	case err != nil:
		return fmt.Errorf("read the cursor of the reconciler: %w", err)
	case last == nil:
		r.Since, r.Deep = r.At.Add(-LongestLook), true
	case deep == nil || !r.At.Before(deep.Add(deepEvery)):
		// What happened before the cursor was looked at, but a pause can be longer.
		r.Since, r.Deep = r.At.Add(-DeepLook), true
		if since := last.UTC().Add(-overlap); since.Before(r.Since) {
			r.Since = since
		}
	default:
		r.Since = last.UTC().Add(-overlap)
	}
	return nil
}

// reconcileEvents brings events that no webhook has brought into the inbox, where
// they go the way of all others.
func (s *Service) reconcileEvents(ctx context.Context, r *Report) error {
	return s.Provider.Events(ctx, r.Since, func(body []byte, n stripe.Notice) error {
		if s.Webhooks.OtherMode(n) {
			return nil
		}
		r.Events++
		var known bool
		err := s.Pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM payment_inbox WHERE live = $1 AND event_id = $2)", n.Live, n.EventID).Scan(&known)
		if err != nil || known {
			return err
		}
		if r.DryRun {
			r.Missed++
			return nil
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
	err := s.Provider.Sessions(ctx, r.Since, func(o commands.ObservedPayment) error {
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
	ours, err := s.Payments.Since(ctx, r.Since)
	if err != nil {
		return fmt.Errorf("list our payments: %w", err)
	}
	waiting, err := s.Payments.Unfulfilled(ctx)
	if err != nil {
		return fmt.Errorf("list our payments without tokens: %w", err)
	}
	for _, p := range slices.Concat(ours, waiting) {
		if seen[p.ID] || p.SessionID == "" || !p.CreatedAt.Before(r.At.Add(-time.Minute)) {
			continue
		}
		seen[p.ID] = true
		if err := s.compareOurs(ctx, r, p); err != nil {
			return err
		}
	}
	return nil
}

// compareOurs looks at a payment of ours that the list of the provider does not
// have.
func (s *Service) compareOurs(ctx context.Context, r *Report, p payments.Payment) error {
	o, err := s.Provider.Observe(ctx, p.SessionID)
	switch {
	case errors.Is(err, commands.ErrNoSession) || err == nil && o.PaymentID != p.ID:
		r.Drifts = append(r.Drifts, Drift{
			PaymentID: p.ID, SessionID: p.SessionID, Ours: words(p.State(), r.At), Theirs: "unknown",
			Cause: "the provider has no such session: the secret key is of another account or mode, or the sandbox's file was deleted",
		})
		return nil
	case err != nil:
		return err
	}
	r.Sessions++
	return s.compare(ctx, r, o)
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
