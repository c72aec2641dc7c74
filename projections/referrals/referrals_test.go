package referrals_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/readmodeltest"
	"github.com/perfectworks/backend/projections/referrals"
)

var (
	person = id.FromUUID[id.User]([16]byte{9})
	name   = id.ReferrerOf(person)
	other  = id.ReferrerOf(id.FromUUID[id.User]([16]byte{10}))
	stream = referrer.Aggregate.Stream(name)
	day0   = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	day1   = day0.AddDate(0, 0, 1)
	day30  = day0.AddDate(0, 0, 30)
)

func newModel(t *testing.T) (*readmodeltest.Model, referrals.Queries) {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(t, pool, referrals.Definition()), referrals.NewQueries(pool)
}

func earned(sequence, amount int64, payment id.Payment) referrer.CommissionEarned {
	return referrer.CommissionEarned{
		ReferrerID: name, Sequence: sequence, PaymentID: payment, CampaignID: "cmp_1", Amount: amount, Currency: "eur",
		MaturesAt: day30, OccurredAt: day1,
	}
}

// After each event the balance that is read is that of the aggregate's state, at
// every time.
func TestTheStateGivesTheSameBalance(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, referrals.Definition(), append(referrer.Aggregate.Schemas, campaign.Aggregate.Schemas...))
	m, q := newModel(t)
	s := referrer.State{}
	for i, e := range []event.Event{
		referrer.Enrolled{
			ReferrerID: name, UserID: person, Code: "ada", TermsVersion: "1", PayoutMethod: referrer.MethodPayPal,
			PayoutEmail: personal.New("ada@example.org"), OccurredAt: day0,
		},
		referrer.TermsAccepted{ReferrerID: name, TermsVersion: "2", OccurredAt: day1},
		referrer.PayoutChanged{ReferrerID: name, UserID: person, PayoutMethod: referrer.MethodBankTransfer, PayoutEmail: personal.New("new@example.org"), OccurredAt: day1},
		earned(1, 10000, "pay_1"),
		earned(2, 500, "pay_2"),
		referrer.CommissionDenied{ReferrerID: name, PaymentID: "pay_3", Reason: referrer.ReasonCurrency, OccurredAt: day1},
		referrer.CommissionHeld{ReferrerID: name, PaymentID: "pay_2", OccurredAt: day1},
		referrer.CommissionMatured{ReferrerID: name, PaymentID: "pay_1", MaturesAt: day30, OccurredAt: day30},
		referrer.WithdrawalRequested{ReferrerID: name, UserID: person, Sequence: 3, Amount: 6000, Currency: "eur", PayoutMethod: referrer.MethodPayPal, OccurredAt: day30},
		referrer.WithdrawalApproved{ReferrerID: name, Sequence: 3, ApprovedBy: "sysuser_1", OccurredAt: day30},
		referrer.WithdrawalApproved{ReferrerID: name, Sequence: 3, ApprovedBy: "sysuser_2", Final: true, OccurredAt: day30},
		referrer.WithdrawalSent{ReferrerID: name, Sequence: 3, Reference: "r", OccurredAt: day30},
		referrer.WithdrawalUncertain{ReferrerID: name, Sequence: 3, OccurredAt: day30},
		referrer.WithdrawalPaid{ReferrerID: name, Sequence: 3, OccurredAt: day30},
		referrer.CommissionReversed{ReferrerID: name, Sequence: 4, PaymentID: "pay_1", CampaignID: "cmp_1", Amount: 9000, Remaining: 1000, Currency: "eur", OccurredAt: day30},
		referrer.CommissionRestored{ReferrerID: name, Sequence: 5, PaymentID: "pay_1", CampaignID: "cmp_1", Amount: 1000, Remaining: 2000, Currency: "eur", OccurredAt: day30},
		referrer.CommissionReleased{ReferrerID: name, PaymentID: "pay_2", OccurredAt: day30},
		referrer.WithdrawalReturned{ReferrerID: name, Sequence: 6, Withdrawal: 3, Amount: 6000, Currency: "eur", OccurredAt: day30},
		referrer.WithdrawalRequested{ReferrerID: name, UserID: person, Sequence: 7, Amount: 1, Currency: "eur", OccurredAt: day30},
		referrer.WithdrawalRejected{ReferrerID: name, UserID: person, Sequence: 7, OccurredAt: day30},
		referrer.WithdrawalRequested{ReferrerID: name, UserID: person, Sequence: 8, Amount: 2, Currency: "eur", OccurredAt: day30},
		referrer.WithdrawalStopped{ReferrerID: name, Sequence: 8, OccurredAt: day30},
		referrer.WithdrawalRequested{ReferrerID: name, UserID: person, Sequence: 9, Amount: 3, Currency: "eur", OccurredAt: day30},
		referrer.WithdrawalFailed{ReferrerID: name, Sequence: 9, OccurredAt: day30},
		referrer.Suspended{ReferrerID: name, UserID: person, OccurredAt: day30},
		referrer.Reinstated{ReferrerID: name, UserID: person, OccurredAt: day30},
	} {
		m.Given(stream, e)
		s = referrer.Apply(s, e)
		want := referrals.Of(s)
		got, err := q.Get(t.Context(), name)
		want.Revision, want.UpdatedAt = event.Revision(i), got.UpdatedAt
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("after %T (-state +row): %v\n%s", e, err, diff)
		}
		for _, at := range []time.Time{day0, day30.Add(-time.Millisecond), day30} {
			if b, err := q.Balance(t.Context(), name, at); b != s.Balance(at) || err != nil {
				t.Errorf("after %T at %v: %+v, %v, want %+v", e, at, b, err, s.Balance(at))
			}
		}
		for _, w := range s.Withdrawals {
			row, err := q.Transaction(t.Context(), name, referrer.TransactionID(name, w.Sequence), day30)
			if row.Status != string(w.Status) || row.Amount != -w.Amount || row.Approvals != int64(len(w.ApprovedBy)) || err != nil {
				t.Errorf("after %T: %+v, %v, want %+v", e, row, err, w)
			}
		}
	}
	if _, err := q.Get(t.Context(), other); !errors.Is(err, referrer.ErrNotFound) {
		t.Error(err)
	}
	if _, err := q.Transaction(t.Context(), other, referrer.TransactionID(name, 1), day0); !errors.Is(err, referrals.ErrTransactionNotFound) {
		t.Error(err)
	}
	for at, want := range map[time.Time]string{day30.Add(-1): referrals.StatusHeld, day30: referrals.StatusAvailable} {
		if row, err := q.Transaction(t.Context(), name, referrer.TransactionID(name, 1), at); row.Status != want || row.Remaining != 2000 || err != nil {
			t.Errorf("at %v: %+v, %v", at, row, err)
		}
	}
	for filter, want := range map[string]int{"commission": 2, "reversal": 2, "withdrawal": 4, "return": 1} {
		page, err := q.Transactions(t.Context(), name, referrals.Period{}, day30, list.Request{Filters: map[string][]string{"type": {filter}}})
		if page.Total != want || err != nil {
			t.Errorf("%s: %d, %v", filter, page.Total, err)
		}
	}
	if page, err := q.Transactions(t.Context(), name, referrals.Period{From: day1, To: day30}, day30, list.Request{}); page.Total != 2 || err != nil {
		t.Errorf("%d, %v", page.Total, err)
	}
	if due, err := q.Due(t.Context(), day30, "", 10); len(due) != 1 || due[0] != name || err != nil {
		t.Errorf("due: %v, %v", due, err) // pay_2 is not recorded as matured.
	}
	if due, err := q.Due(t.Context(), day30.Add(-1), "", 10); len(due) != 0 || err != nil {
		t.Errorf("due: %v, %v", due, err)
	}
	if ids, err := q.Withdrawals(t.Context(), day30, "", 10, referrer.StatusFailed); len(ids) != 1 || err != nil {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestCampaigns(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	s := campaign.State{}
	for i, e := range []event.Event{
		campaign.Created{
			CampaignID: "cmp_1", ReferrerID: name, Name: "Spring", Code: "spring", Destination: "/a",
			UTM: campaign.UTM{Source: "a", Medium: "b", Name: "c", Term: "d", Content: "e"}, StartAt: day0, EndAt: day30, OccurredAt: day0,
		},
		campaign.Updated{CampaignID: "cmp_1", Name: "Summer", UTM: campaign.UTM{Source: "x"}, Changed: []string{"name"}, OccurredAt: day1},
		campaign.Ended{CampaignID: "cmp_1", OccurredAt: day1},
	} {
		m.Given("campaign-cmp_1", e)
		s = campaign.Apply(s, e)
		want := referrals.CampaignOf(s)
		want.Revision = event.Revision(i)
		got, err := q.Campaign(t.Context(), name, "cmp_1")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("after %T (-state +row): %v\n%s", e, err, diff)
		}
		for _, at := range []time.Time{day0.Add(-1), day0, day1, day30} {
			page, err := q.Campaigns(t.Context(), name, at, list.Request{Filters: map[string][]string{"status": {string(s.Status(at))}}})
			if page.Total != 1 || err != nil || got.Status(at) != s.Status(at) {
				t.Errorf("after %T at %v: %d, %v", e, at, page.Total, err)
			}
		}
	}
	if _, err := q.Campaign(t.Context(), other, "cmp_1"); !errors.Is(err, campaign.ErrNotFound) {
		t.Error(err)
	}
	for of, want := range map[id.Referrer]int{name: 1, other: 0} {
		if got, err := q.CampaignsOf(t.Context(), of); len(got) != want || err != nil {
			t.Errorf("campaigns of %s: %v, %v", of, got, err)
		}
	}
}

// Who follows the links learns of each change once.
func TestLinks(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	m.Given(stream, referrer.Enrolled{ReferrerID: name, UserID: person, Code: "ada", OccurredAt: day0})
	m.Given("campaign-cmp_1", campaign.Created{CampaignID: "cmp_1", ReferrerID: name, Name: "a", Code: "spring", OccurredAt: day0})
	all, err := q.Links(t.Context(), 0, 10)
	if err != nil || len(all) != 2 || all[0].Code != "ada" || all[0].CampaignID != "" || all[1].Code != "spring" || all[1].CampaignID != "cmp_1" {
		t.Fatalf("%+v, %v", all, err)
	}
	m.Given("campaign-cmp_1", campaign.Ended{CampaignID: "cmp_1", OccurredAt: day1})
	m.Given(stream, referrer.Suspended{ReferrerID: name, UserID: person, OccurredAt: day1})
	if later, err := q.Links(t.Context(), all[1].Changed+1, 10); err != nil || len(later) != 2 || !later[0].EndedAt.Equal(day1) || !later[1].Suspended {
		t.Errorf("%+v, %v", later, err)
	}
	if first, err := q.Links(t.Context(), 0, 1); err != nil || len(first) != 1 {
		t.Errorf("%+v, %v", first, err)
	}
}
