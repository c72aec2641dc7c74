package app

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections/referrals"
)

// answering is a provider of payouts that knows what became of each.
type answering struct {
	mu      sync.Mutex
	answers map[string]referrer.Outcome
	forgot  map[string]bool
}

var errProvider = errors.New("the provider does not answer")

func (*answering) Pay(context.Context, commands.Payout) (referrer.Outcome, error) {
	return "", errors.New("it was not asked to pay")
}

func (a *answering) Ask(_ context.Context, reference string) (referrer.Outcome, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	outcome, known := a.answers[reference]
	if !known {
		return "", errProvider
	}
	return outcome, nil
}

func (a *answering) Forget(_ context.Context, reference string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgot[reference] = true
	return nil
}

// payoutDesk is referrers on a store, with withdrawals that were sent.
type payoutDesk struct {
	*commands.Commands
	*answering
	t     *testing.T
	store *eventstoretest.Store
}

func newPayoutDesk(t *testing.T) *payoutDesk {
	t.Helper()
	store := eventstoretest.New(t)
	provider := &answering{answers: map[string]referrer.Outcome{}, forgot: map[string]bool{}}
	return &payoutDesk{
		Commands: commands.New(commands.Deps{Streams: store.Streams, Observer: noObserver{}, Referrals: commands.Referrals{
			Programme: referral.Programme{TermsVersion: "1", MinimumPayout: 1, Rules: []referral.Rule{{Version: 1, WindowDays: 1, Months: 1, Currency: "eur"}}}, Payouts: provider,
		}}),
		answering: provider, t: t, store: store,
	}
}

var dueAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// referrer is one with some events after the enrolment.
func (d *payoutDesk) referrer(events ...event.Event) id.Referrer {
	d.t.Helper()
	person := id.FromUUID[id.User](uuid.New())
	name := id.ReferrerOf(person)
	d.append(name, append([]event.Event{referrer.Enrolled{ReferrerID: name, UserID: person, Code: "c", OccurredAt: dueAt}}, events...)...)
	return name
}

func (d *payoutDesk) append(name id.Referrer, events ...event.Event) {
	d.t.Helper()
	none := commands.Fold{Apply: func(any, event.Event) any { return nil }}
	s, err := d.store.Streams.Load(d.t.Context(), referrer.Aggregate.Stream(name), none, true)
	drafts := make([]event.Draft, len(events))
	for i, e := range events {
		drafts[i] = event.Draft{ID: event.ID(uuid.New()), Event: e}
	}
	if err == nil {
		_, err = d.store.Streams.Append(d.t.Context(), s, none, drafts)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// sent is a withdrawal that was sent, by its id.
func (d *payoutDesk) sent() string {
	d.t.Helper()
	name := d.referrer(
		referrer.CommissionEarned{Sequence: 1, PaymentID: "pay_1", Amount: 1000, Currency: "eur", MaturesAt: dueAt, OccurredAt: dueAt},
		referrer.WithdrawalRequested{Sequence: 2, Amount: 1000, Currency: "eur", OccurredAt: dueAt},
		referrer.WithdrawalApproved{Sequence: 2, ApprovedBy: "grace", Final: true, OccurredAt: dueAt})
	transaction := referrer.TransactionID(name, 2)
	d.append(name, referrer.WithdrawalSent{Sequence: 2, Reference: transaction, OccurredAt: dueAt})
	return transaction
}

func (d *payoutDesk) state(name id.Referrer) referrer.State {
	d.t.Helper()
	r := commands.Request{ID: event.ID(uuid.New()), Now: dueAt, Principal: access.ByPolicy("test", "", access.FollowReferrals)}
	_, _ = rand.Read(r.Seed[:]) // It never fails.
	result, err := d.MatureCommissions(d.t.Context(), r, commands.MatureCommissions{ReferrerID: name})
	if err != nil {
		d.t.Fatal(err)
	}
	return result.Value
}

// The job asks about each withdrawal that was sent long enough ago, and notes what it
// learns once, however often it runs and whatever a read model that is behind says;
// one that fails does not keep the others.
func TestWithdrawalsAreAskedAbout(t *testing.T) {
	t.Parallel()
	d := newPayoutDesk(t)
	want := map[string]referrer.Status{}
	for outcome, status := range map[referrer.Outcome]referrer.Status{
		referrer.OutcomePaid: referrer.StatusPaid, referrer.OutcomeFailed: referrer.StatusFailed, referrer.OutcomeUnknown: referrer.StatusUncertain, "": referrer.StatusSent,
	} {
		name := d.sent()
		d.answers[name], want[name] = outcome, status
	}
	unanswered := d.sent()
	want[unanswered] = referrer.StatusSent
	due := referrals.Queries{Withdrawals: func(_ context.Context, since time.Time, after string, _ int, statuses ...referrer.Status) ([]string, error) {
		if !slices.Equal(statuses, []referrer.Status{referrer.StatusSent, referrer.StatusUncertain}) || !since.Equal(dueAt.Add(time.Hour-askAfter)) {
			t.Errorf("it asks for those that are %v since %v", statuses, since)
		}
		if after != "" {
			return nil, nil
		}
		all := slices.Sorted(maps.Keys(want))
		return append(append([]string{"rtx_malformed"}, all...), all...), nil
	}}
	for range 2 {
		var runs sync.WaitGroup
		for range 3 {
			runs.Go(func() {
				if err := askPayouts(t.Context(), due, d.Commands, dueAt.Add(time.Hour)); !errors.Is(err, errProvider) || !errors.Is(err, referrer.ErrWithdrawalNotFound) {
					t.Errorf("those that cannot be asked about were: %v", err)
				}
			})
		}
		runs.Wait()
	}
	for transaction, status := range want {
		name, _, _ := referrer.ParseTransactionID(transaction)
		s := d.state(name)
		if w, _ := s.Withdrawal(2); w.Status != status {
			t.Errorf("%+v, want %s", w, status)
		}
		if b := s.Balance(dueAt); b.Available+b.Withdrawing+b.Withdrawn != 1000 {
			t.Errorf("%s: %+v", status, b)
		}
		ended := 0
		for e, err := range d.store.Streams.Events(t.Context(), referrer.Aggregate.Stream(name)) {
			if err != nil {
				t.Fatal(err)
			}
			switch e.Event.(type) {
			case referrer.WithdrawalPaid, referrer.WithdrawalFailed, referrer.WithdrawalUncertain:
				ended++
			}
		}
		if known := status != referrer.StatusSent; ended > 1 || known != (ended == 1) {
			t.Errorf("%s is noted %d times", status, ended)
		}
		if over := status == referrer.StatusPaid || status == referrer.StatusFailed; d.forgot[transaction] != over {
			t.Errorf("what is kept of one that is %s is forgotten: %t", status, d.forgot[transaction])
		}
	}
}

// What has matured is recorded once, in as many appends as it takes.
func TestCommissionsMatureByTheJob(t *testing.T) {
	t.Parallel()
	d := newPayoutDesk(t)
	const many = 700
	events := make([]event.Event, many)
	for i := range events {
		events[i] = referrer.CommissionEarned{
			Sequence: int64(i + 1), PaymentID: id.FromUUID[id.Payment](uuid.New()), Amount: 1, Currency: "eur", MaturesAt: dueAt, OccurredAt: dueAt,
		}
	}
	name := d.referrer(events...)
	due := referrals.Queries{Due: func(_ context.Context, _ time.Time, after id.Referrer, _ int) ([]id.Referrer, error) {
		if after != "" {
			return nil, nil
		}
		return []id.Referrer{name}, nil
	}}
	run := func(now time.Time) {
		t.Helper()
		if err := matureCommissions(t.Context(), due, d.Commands, now, slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
	}
	run(dueAt.Add(-time.Millisecond))
	var matured []int
	for range 2 {
		run(dueAt)
		n := 0
		for e, err := range d.store.Streams.Events(t.Context(), referrer.Aggregate.Stream(name)) {
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := e.Event.(referrer.CommissionMatured); ok {
				n++
			}
		}
		matured = append(matured, n)
	}
	if matured[0] != many || matured[1] != many {
		t.Errorf("%v of %d commissions are recorded as matured", matured, many)
	}
}
