package event_test

import (
	"cmp"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
)

var positions = rapid.Custom(func(t *rapid.T) event.Position {
	return event.Position{
		Commit:  rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64()).Draw(t, "commit"),
		Prepare: rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64()).Draw(t, "prepare"),
	}
})

func TestPositionsAreOrderedByCommitThenPrepareUnsigned(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, q := positions.Draw(t, "p"), positions.Draw(t, "q")
		want := cmp.Or(cmp.Compare(p.Commit, q.Commit), cmp.Compare(p.Prepare, q.Prepare))
		if got := p.Compare(q); got != want {
			t.Fatalf("%v.Compare(%v) = %d, want %d", p, q, got, want)
		}
	})
}

func TestPositionsSurviveTheirText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := positions.Draw(t, "p")
		if got, err := event.ParsePosition(p.String()); err != nil || got != p {
			t.Fatalf("%v became %v (%v)", p, got, err)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"", "C:1/P:1", "C:1", "C:-1/P:1", "C:18446744073709551616/P:0", "P:1/C:1", "C:1/P:1/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := event.ParsePosition(s)
		if err != nil {
			if !errors.Is(err, event.ErrPosition) || !p.IsZero() {
				t.Fatalf("%q gave %v, %v", s, p, err)
			}
			return
		}
		if again, err := event.ParsePosition(p.String()); err != nil || again != p {
			t.Fatalf("%q gave %v, which became %v (%v)", s, p, again, err)
		}
	})
}

// A retry must derive the same ids, and nothing else may share them.
func TestDerivedIDsDependOnCommandStreamAndIndexAlone(t *testing.T) {
	t.Parallel()
	seen := map[event.ID]bool{}
	for _, command := range []event.ID{{1}, {2}} {
		for _, stream := range []string{"user-1", "user-11"} {
			for index := range 12 {
				id := event.DeriveID(command, stream, index)
				if id != event.DeriveID(command, stream, index) {
					t.Fatal("the same event got two ids")
				}
				if seen[id] {
					t.Fatalf("two events got the id %v", id)
				}
				seen[id] = true
			}
		}
	}
}

type named struct{}

func (named) EventType() string { return "SomethingHappened" }

func TestDefineCountsVersionsAndMakesValues(t *testing.T) {
	t.Parallel()
	same := func(f event.Fields) (event.Fields, error) { return f, nil }
	s := event.Define[named](same, same)
	if s.Type != "SomethingHappened" || s.Version != 3 {
		t.Errorf("got %s version %d, want SomethingHappened version 3", s.Type, s.Version)
	}
	if _, ok := s.Value(s.New()).(named); !ok {
		t.Error("the value is not of the event's own type")
	}
}
