package httpapi

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
)

// waiting answers for each read model.
type waiting map[string]error

func (w waiting) WaitFor(_ context.Context, model string, _ event.Position) error { return w[model] }

// Tables that nobody advances are served as of the oldest of them; whatever else
// keeps a read model behind is an error.
func TestAReadModelThatIsRebuiltIsServedAsOf(t *testing.T) {
	t.Parallel()
	earlier, later := time.Unix(1000, 0), time.Unix(2000, 0)
	f := &freshness{models: waiting{
		"fresh": nil, "frozen": &projections.FrozenError{AsOf: later}, "colder": &projections.FrozenError{AsOf: earlier},
		"lost": context.DeadlineExceeded,
	}}
	at := event.Position{Commit: 1, Prepare: 1}
	for _, test := range []struct {
		models []string
		want   time.Time
		failed bool
	}{
		{[]string{"fresh"}, time.Time{}, false},
		{[]string{"fresh", "frozen"}, later, false},
		{[]string{"frozen", "colder"}, earlier, false},
		{[]string{"frozen", "lost"}, time.Time{}, true},
	} {
		got, err := f.await(t.Context(), test.models, at)
		if !got.Equal(test.want) || errors.Is(err, context.DeadlineExceeded) != test.failed {
			t.Errorf("%v: %v, %v", test.models, got, err)
		}
	}
}
