package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/tokens"
)

type noObserver struct{}

func (noObserver) Begin(ctx context.Context, _ string, _ commands.Request) (context.Context, func(error)) {
	return ctx, func(error) {}
}

// However often the job runs, at once and again, and whatever a read model that
// is behind says, what is due is recorded once; an account that fails does not
// keep the others.
func TestWhatIsDueIsRecordedOnce(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	do := commands.New(commands.Deps{Streams: store.Streams, Observer: noObserver{}})
	const organization, holds = id.Organization("org_01jd9z3q5we8x9v6m2k4t7r1b9"), 230
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ref := func(name string) tokenaccount.Reference { return tokenaccount.Reference{ID: name, At: start} }
	request := func() commands.Request {
		r := commands.Request{
			ID: event.ID(uuid.New()), Now: start,
			Principal: access.ByPolicy("test", organization, access.SpendTokens, access.GrantTokens),
		}
		_, _ = rand.Read(r.Seed[:]) // It never fails.
		return r
	}
	_, err := do.GrantTokens(t.Context(), request(), commands.GrantTokens{
		Grant: ref("g"), Source: tokenaccount.SourcePurchase, Amount: 1000, ExpireAt: start.Add(2 * time.Hour),
	})
	for i := range holds {
		if err != nil {
			t.Fatal(err)
		}
		_, err = do.ReserveTokens(t.Context(), request(), commands.ReserveTokens{Reference: ref(fmt.Sprint(i)), Amount: 1, Hold: time.Hour})
	}
	due := tokens.Queries{Due: func(_ context.Context, _ time.Time, after id.Organization, _ int) ([]id.Organization, error) {
		if after != "" {
			return nil, nil
		}
		return []id.Organization{"org_malformed\x00", organization}, nil
	}}
	run := func(now time.Time) tokenaccount.Balance {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := settleTokens(t.Context(), due, do, now, slog.New(slog.DiscardHandler)); err == nil || errors.Is(err, context.Canceled) {
					t.Errorf("an account that cannot be settled was: %v", err)
				}
			})
		}
		wg.Wait()
		result, err := do.SettleTokens(t.Context(), request(), commands.SettleTokens{})
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]event.Revision{false: holds, true: 2*holds + 1}[now.After(start.Add(2*time.Hour))]; result.Revision != want {
			t.Errorf("at %s the account is at revision %d, want %d", now, result.Revision, want)
		}
		return result.Value.Balance
	}
	if b := run(start.Add(time.Hour - time.Millisecond)); b.Held != holds {
		t.Errorf("before the deadline: %+v", b)
	}
	for range 2 {
		if b := run(start.Add(3 * time.Hour)); b.Held != 0 || b.Available != 0 || b.Expired != 1000 {
			t.Errorf("after the expiry: %+v", b)
		}
	}
}
