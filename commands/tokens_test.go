package commands_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// treasurer may do all that policies do with tokens.
func treasurer(organization id.Organization) access.Principal {
	return access.ByPolicy("treasurer", organization, access.SpendTokens, access.GrantTokens)
}

func reference(name string) tokenaccount.Reference {
	return tokenaccount.Reference{ID: name, At: start}
}

func newOrganizationID() id.Organization {
	o, _ := id.New[id.Organization](id.Source{Now: start, Entropy: rand.NewChaCha8([32]byte(append(uuidBytes(), make([]byte, 24)...)))})
	return o
}

// granted opens an account with a grant.
func (w *world) granted(amount int64) access.Principal {
	w.Helper()
	p := treasurer(newOrganizationID())
	must(w.GrantTokens(w.Context(), w.request(p), commands.GrantTokens{
		Grant: reference("grant"), Source: tokenaccount.SourcePurchase, Amount: amount,
	})).in(w)
	return p
}

// account folds the account again, from what is stored.
func (w *world) account(o id.Organization) (tokenaccount.State, event.Revision) {
	w.Helper()
	s, err := w.store.Load(w.Context(), tokenaccount.Aggregate.Stream(tokenaccount.ID(o)), commands.Fold{
		Zero:  tokenaccount.State{},
		Apply: func(s any, e event.Event) any { return tokenaccount.Apply(s.(tokenaccount.State), e) },
	}, true)
	if err != nil {
		w.Fatal(err)
	}
	state, _ := s.State.(tokenaccount.State)
	return state, s.Revision
}

// Many callers of two processes spend one account at once: nothing is spent
// twice, and what is refused is refused for want of tokens alone.
func TestManySpendOneAccount(t *testing.T) {
	t.Parallel()
	processes := twoProcesses(t)
	const tokens, callers, each = 300, 32, 15
	p := processes[0].granted(tokens)
	var captured, refused atomic.Int64
	for _, err := range together(callers, func(i int) error {
		w := processes[i%2]
		for n := range each {
			r := reference(fmt.Sprint("op ", i, " ", n))
			_, err := w.ReserveTokens(w.Context(), w.request(p), commands.ReserveTokens{Reference: r, Amount: 2, Hold: time.Hour})
			if errors.Is(err, tokenaccount.ErrInsufficient) {
				refused.Add(1)
				continue
			} else if err != nil {
				return err
			}
			if _, err := w.CaptureTokens(w.Context(), w.request(p), commands.CaptureTokens{Reservation: r, Amount: 1}); err != nil {
				return err
			}
			captured.Add(1)
		}
		return nil
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	state, _ := processes[0].account(p.OrganizationID)
	b := state.Balance
	if b.Consumed != captured.Load() || b.Held != 0 || b.Available != tokens-captured.Load() || b.Sum() != 0 {
		t.Errorf("%d were captured, %d refused, and the account has %+v", captured.Load(), refused.Load(), b)
	}
	if captured.Load() < tokens-2*callers {
		t.Errorf("only %d of %d tokens were spent", captured.Load(), tokens)
	}
}

// Each answer is that of the command alone: its own state and revision, in
// whatever company it was appended.
func TestAnswersOfABatchAreEachTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, eventstoretest.New(t).Streams)
	p := w.granted(1000)
	revisions := make([]event.Revision, 40)
	for _, err := range together(len(revisions), func(i int) error {
		amount := int64(i + 1)
		r := reference(fmt.Sprint("op ", i))
		got, err := w.ReserveTokens(w.Context(), w.request(p), commands.ReserveTokens{Reference: r, Amount: amount, Hold: time.Hour})
		if err != nil {
			return err
		}
		if o, ok := got.Value.Operation(r); !ok || o.Amount != amount {
			return fmt.Errorf("the state after the reservation of %d knows %+v", amount, o)
		}
		revisions[i] = got.Revision
		return nil
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	seen := map[event.Revision]bool{}
	for _, r := range revisions {
		if seen[r] {
			t.Errorf("two commands have revision %d", r)
		}
		seen[r] = true
	}
}

// The same reference twice in one batch has one effect.
func TestOneReferenceManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	processes := twoProcesses(t)
	p := processes[0].granted(100)
	for round := range 5 {
		r := reference(fmt.Sprint("op ", round))
		for _, err := range together(20, func(i int) error {
			w := processes[i%2]
			_, err := w.ReserveTokens(w.Context(), w.request(p), commands.ReserveTokens{Reference: r, Amount: 3, Hold: time.Hour})
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	if state, revision := processes[1].account(p.OrganizationID); state.Balance.Held != 15 || revision != 5 {
		t.Errorf("the account holds %d at revision %d, want 15 at 5", state.Balance.Held, revision)
	}
}

// Timeout, capture and release race for a reservation: one of them wins.
func TestOneEndOfAReservation(t *testing.T) {
	t.Parallel()
	processes := twoProcesses(t)
	p := processes[0].granted(1000)
	for round := range 10 {
		r := reference(fmt.Sprint("op ", round))
		w := processes[0]
		must(w.ReserveTokens(w.Context(), w.request(p), commands.ReserveTokens{Reference: r, Amount: 5, Hold: time.Minute})).in(w)
		before, _ := w.account(p.OrganizationID)
		errs := together(3, func(i int) error {
			w := processes[i%2]
			req := w.request(p)
			var err error
			switch i {
			case 0:
				_, err = w.CaptureTokens(w.Context(), req, commands.CaptureTokens{Reservation: r, Amount: 5})
			case 1:
				_, err = w.ReleaseTokens(w.Context(), req, commands.ReleaseTokens{Reservation: r})
			case 2:
				req.Now = req.Now.Add(time.Minute)
				_, err = w.SettleTokens(w.Context(), req, commands.SettleTokens{})
			}
			return err
		})
		after, _ := w.account(p.OrganizationID)
		o, _ := after.Operation(r)
		consumed := after.Balance.Consumed - before.Balance.Consumed
		switch {
		case after.Balance.Held != 0:
			t.Errorf("%d are still held", after.Balance.Held)
		case o.Status == tokenaccount.StatusCaptured && (consumed != 5 || errs[0] != nil):
			t.Errorf("captured: %d consumed, the answer was %v", consumed, errs[0])
		case o.Status != tokenaccount.StatusCaptured && (consumed != 0 || errs[0] == nil):
			t.Errorf("%s: %d consumed, the capture's answer was %v", o.Status, consumed, errs[0])
		}
	}
}

// A caller who has gone away before the turn gets nothing done, and keeps nobody
// else waiting.
func TestACallerWhoLeavesTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, eventstoretest.New(t).Streams)
	p := w.granted(100)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	reserve := func(ctx context.Context, name string) error {
		_, err := w.ReserveTokens(ctx, w.request(p), commands.ReserveTokens{Reference: reference(name), Amount: 1, Hold: time.Hour})
		return err
	}
	if err := reserve(gone, "gone"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := reserve(t.Context(), "here"); err != nil {
		t.Error(err)
	}
}

func TestOnlyPoliciesAndFinanceMoveTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, eventstoretest.New(t).Streams)
	owner := within(access.Principal{Kind: access.KindUser, UserID: "user_1"}, newOrganizationID(), access.Owner)
	finance := access.Principal{
		Kind: access.KindSystem, UserID: "user_2", OrganizationID: owner.OrganizationID, SystemRoles: []access.SystemRole{access.SystemFinance},
	}
	grant := commands.GrantTokens{Grant: reference("g"), Source: tokenaccount.SourceWelcome, Amount: 5}
	if _, err := w.GrantTokens(w.Context(), w.request(owner), grant); !errors.Is(err, access.ErrForbidden) {
		t.Errorf("an owner grants: %v", err)
	}
	if _, err := w.GrantTokens(w.Context(), w.request(finance), grant); !errors.Is(err, access.ErrForbidden) {
		t.Errorf("finance grants without a reason: %v", err)
	}
	adjust := func(p access.Principal, name string, amount int64) error {
		_, err := w.AdjustTokens(w.Context(), w.request(p), commands.AdjustTokens{
			Reference: reference(name), Amount: amount, Reason: personal.New("goodwill"),
		})
		return err
	}
	if err := adjust(owner, "a", 5); !errors.Is(err, access.ErrForbidden) {
		t.Errorf("an owner adjusts: %v", err)
	}
	for name, amount := range map[string]int64{"up": 9} {
		if err := adjust(finance, name, amount); err != nil {
			t.Error(err)
		}
	}
	if err := adjust(finance, "down", -4); err != nil {
		t.Error(err)
	}
	if state, _ := w.account(owner.OrganizationID); state.Balance.Available != 5 || state.Balance.Issued != -5 {
		t.Errorf("the account has %+v", state.Balance)
	}
}

// An account that nobody looked at while hundreds of reservations timed out can
// be used: what has come due is recorded before, in several appends.
func TestACommandOnAnAccountThatIsOverdue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, eventstoretest.New(t).Streams)
	p := w.granted(1000)
	for _, err := range together(450, func(i int) error {
		_, err := w.ReserveTokens(w.Context(), w.request(p), commands.ReserveTokens{
			Reference: reference(fmt.Sprint("op ", i)), Amount: 2, Hold: time.Hour,
		})
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.now = start.Add(2 * time.Hour)
	r := must(w.ReserveTokens(w.Context(), w.request(p), commands.ReserveTokens{Reference: reference("now"), Amount: 999, Hold: time.Hour})).in(w)
	if b := r.Value.Balance; b.Available != 1 || b.Held != 999 || r.Revision != 1+450+450 {
		t.Errorf("at revision %d the account has %+v", r.Revision, b)
	}
}

// A quote says what the reservation would hold, and changes nothing.
func TestQuote(t *testing.T) {
	t.Parallel()
	w := newWorld(t, eventstoretest.New(t).Streams)
	p := w.granted(10)
	must(w.GrantTokens(w.Context(), w.request(p), commands.GrantTokens{
		Grant: reference("welcome"), Source: tokenaccount.SourceWelcome, Amount: 4, ExpireAt: start.Add(time.Hour),
	})).in(w)
	member := within(access.Principal{Kind: access.KindUser, UserID: "user_1"}, p.OrganizationID, access.Member)
	quote := func(amount int64) (commands.Result[commands.TokenQuote], error) {
		return w.QuoteTokens(w.Context(), w.request(member), commands.QuoteTokens{Amount: amount})
	}
	got := must(quote(6)).in(w)
	want := []tokenaccount.Allocation{{Grant: reference("welcome"), Amount: 4}, {Grant: reference("grant"), Amount: 2}}
	if diff := cmp.Diff(want, got.Value.Allocations); diff != "" || got.Revision != 1 || got.Value.Account.Balance.Available != 14 {
		t.Errorf("%+v: %s", got, diff)
	}
	refused(t, must(quote(15)), tokenaccount.ErrInsufficient)
	w.now = start.Add(time.Hour) // The welcome grant expires at this instant.
	refused(t, must(quote(11)), tokenaccount.ErrInsufficient)
	if got := must(quote(10)).in(w); got.Value.Account.Balance.Available != 10 || got.Revision != 1 {
		t.Errorf("%+v", got)
	}
	if _, err := quote(0); err == nil {
		t.Error("nothing was quoted")
	}
	billing := within(access.Principal{Kind: access.KindOrganizationKey, KeyID: "key_1"}, p.OrganizationID, "")
	if _, err := w.QuoteTokens(w.Context(), w.request(billing), commands.QuoteTokens{Amount: 1}); !errors.Is(err, access.ErrForbidden) {
		t.Errorf("a key without the scope: %v", err)
	}
}
