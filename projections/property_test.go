package projections

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
)

// changed is an event that carries its effects.
type changed struct {
	Stream  string
	Changes []Change
}

func (changed) EventType() string { return "Changed" }

func everything() Definition {
	return Definition{
		Name: "everything", Version: 1, Tables: foldTables, Indexes: foldIndexes, Trigrams: foldTrigrams,
		Reducers: On(func(e changed, _ event.Recorded) []Change { return e.Changes }),
	}
}

var someChanges = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) changed {
	return changed{
		Stream:  value("a-1", "a-2", "a-3", "a-4", "a-5").Draw(t, "stream").(string),
		Changes: rapid.SliceOfN(rapid.OneOf(someChange, someSum), 1, 3).Draw(t, "changes"),
	}
}), 40, 120)

// Whatever the changes are, and however they are batched: what is built live is
// what a rebuild gives, byte for byte, and the same events are parked.
func TestARebuildEqualsTheLiveTablesForAllTypes(t *testing.T) {
	t.Parallel()
	const histories = 12
	first := rand.IntN(1 << 30)
	for seed := first; seed < first+histories; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			config := h.config(everything())
			config.Live.MaxEvents, config.Rebuild.MaxEvents = 1+seed%7, 1+seed%50
			e := h.engine(config)
			h.run(e)
			var last event.Position
			for i, c := range someChanges.Example(seed) {
				last = h.log.Append(c.Stream, c)
				if (seed+i)%11 == 0 {
					h.waitFor(e, "everything", last)
				}
			}
			h.waitFor(e, "everything", last)
			live, parked := h.dump("everything"), h.parkedKeys()
			if err := e.Rebuild(context.Background(), "everything", func(BuildProgress) {}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(live, h.dump("everything")); diff != "" {
				t.Errorf("the rebuilt tables differ (-live +rebuilt):\n%.2000s", diff)
			}
			if diff := cmp.Diff(parked, h.parkedKeys()); diff != "" {
				t.Errorf("other events are parked (-live +rebuilt):\n%.2000s", diff)
			}
			if live == "" {
				t.Error("nothing was projected")
			}
		})
	}
}
