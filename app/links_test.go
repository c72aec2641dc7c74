package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/clicks"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/clickstats"
)

// Numbers are told to be as old as the oldest click that is not in them, which may wait
// for the read model.
func TestNumbersOfClicksTellHowOldTheyAre(t *testing.T) {
	t.Parallel()
	spool, err := clicks.OpenSpool(t.TempDir(), clicks.SpoolOptions{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var lag time.Duration
	var fails error
	l := &links{spool: spool, models: func(context.Context) ([]projections.Status, error) {
		return []projections.Status{{Projection: "others", Lag: time.Hour}, {Projection: clickstats.Name, Lag: lag}}, fails
	}}
	now := time.Now()
	for _, lag = range []time.Duration{0, time.Minute} {
		if got, err := l.AsOf(t.Context(), now); !got.Equal(now.Add(-lag)) || err != nil {
			t.Errorf("a read model that is %s behind: %v before, %v", lag, now.Sub(got), err)
		}
	}
	fails = errors.New("the database does not answer")
	if _, err := l.AsOf(t.Context(), now); !errors.Is(err, fails) {
		t.Error(err)
	}
	if err := spool.Close(); err != nil {
		t.Error(err)
	}
}
