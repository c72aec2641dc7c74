package erasure_test

import (
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
)

type given = []event.Event

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(time.Hour)
	keys  = []string{"user_1", "inv_1"}
	lives = erasure.Lives{Rows: 7 * 24 * time.Hour, Backups: 30 * 24 * time.Hour, Memory: time.Minute}
	begun = erasure.Begun{SubjectID: "user_1", Kind: erasure.KindUser, Keys: keys, OccurredAt: start}
)

func TestBegin(t *testing.T) {
	t.Parallel()
	begin := func(s erasure.State) ([]event.Event, error) {
		return s.Begin("user_1", erasure.KindUser, keys, start), nil
	}
	domaintest.Run(t, erasure.Apply, []domaintest.Case[erasure.State]{
		{Name: "begins", When: begin, Then: given{begun}},
		{Name: "does nothing again", Given: given{begun}, When: begin},
	})
}

func TestComplete(t *testing.T) {
	t.Parallel()
	if got := (erasure.State{}).Complete(keys, lives, now); got != nil {
		t.Errorf("an erasure that has not begun completes: %v", got)
	}
	for _, kind := range []erasure.Kind{erasure.KindUser, erasure.KindOrganization} {
		first := begun
		first.Kind = kind
		s := domaintest.Fold(erasure.Apply, first)
		events := s.Complete(append(keys, "inv_2"), lives, now)
		if len(events) != 1 {
			t.Fatalf("%s: %v", kind, events)
		}
		done := erasure.Apply(s, events[0])
		c := done.Certificate
		if done.ID != "user_1" || done.Kind != kind || len(done.Keys) != 3 || !done.CompletedAt.Equal(now) || !c.DestroyedAt.Equal(now) {
			t.Errorf("%s: %+v", kind, done)
		}
		if len(c.Destroyed) < 5 || len(c.Kept) < 4 {
			t.Errorf("%s says %+v", kind, c)
		}
		for _, each := range append(c.Destroyed, c.Kept...) {
			if each.What == "" || each.Note == "" {
				t.Errorf("%s has half a sentence: %+v", kind, each)
			}
		}
		for i, life := range []time.Duration{lives.Memory, lives.Rows, lives.Backups, lives.Backups} {
			if !c.Remains[i].Until.Equal(now.Add(life)) {
				t.Errorf("%s: %s until %s", kind, c.Remains[i].Where, c.Remains[i].Until)
			}
		}
		if again := done.Complete(keys, lives, now.Add(time.Hour)); again != nil {
			t.Errorf("%s completes again: %v", kind, again)
		}
	}
}
