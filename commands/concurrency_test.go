package commands_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
)

// twoProcesses are two sets of commands on one real store.
func twoProcesses(t *testing.T) [2]*world {
	t.Helper()
	store := eventstoretest.New(t)
	return [2]*world{newWorld(t, store.Streams), newWorld(t, eventstoretest.StreamsOf(t, store))}
}

// together runs n deeds at the same moment, and returns their errors.
func together(n int, do func(i int) error) []error {
	errs, begin := make([]error, n), make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			errs[i] = do(i)
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

func TestOneSlugWantedByMany(t *testing.T) {
	t.Parallel()
	processes := twoProcesses(t)
	p := processes[0].person()
	for range 5 {
		slug := unique()
		won := 0
		for _, err := range together(8, func(i int) error {
			w := processes[i%2]
			_, err := w.CreateOrganization(w.Context(), w.request(p), slugged(slug))
			return err
		}) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, organization.ErrSlugTaken):
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d of 8 got the slug, want 1", won)
		}
	}
}

func TestOnePersonRegistersManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	processes := twoProcesses(t)
	for range 3 {
		p := stranger(unique())
		var ids sync.Map
		var made atomic.Int64
		for _, err := range together(150, func(i int) error {
			w := processes[i%2]
			r, err := w.RegisterUser(w.Context(), w.request(p), ada())
			ids.Store(r.Value.User.ID, true)
			if r.Value.New {
				made.Add(1)
			}
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if n != 1 || made.Load() != 1 {
			t.Errorf("one person became %d users, and %d registrations made one", n, made.Load())
		}
	}
}

// Everybody gets through, in one process and in two; each update is one event.
func TestManyUpdatesOfOneProfile(t *testing.T) {
	t.Parallel()
	processes := twoProcesses(t)
	for used := 1; used <= 2; used++ {
		p := processes[0].person()
		for _, err := range together(50, func(i int) error {
			w := processes[i%used]
			name := personal.New(fmt.Sprintf("Ada %d", i))
			c := commands.UpdateUserProfile{}
			if c.FirstName = &name; i%2 == 0 {
				c.FirstName, c.LastName = nil, &name
			}
			_, err := w.UpdateUserProfile(w.Context(), w.request(p), c)
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		last := must(processes[0].UpdateUserProfile(t.Context(), processes[0].request(p), firstName("Ada"))).in(t)
		if last.Revision != 51 {
			t.Errorf("%d processes: 51 updates end at revision %d", used, last.Revision)
		}
	}
}

func TestTwoUpdatesOfOneRevision(t *testing.T) {
	t.Parallel()
	processes := twoProcesses(t)
	owner, _ := processes[0].organization()
	for round := range 5 {
		seen := event.Revision(1 + round)
		won := 0
		for i, err := range together(2, func(i int) error {
			w := processes[i]
			_, err := w.UpdateOrganization(w.Context(), at(w.request(owner), seen), renamed(fmt.Sprintf("Acme %d.%d", round, i)))
			return err
		}) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, commands.ErrStale):
				t.Errorf("%d: %v", i, err)
			}
		}
		if won != 1 {
			t.Errorf("%d of two updates of the same revision got through, want 1", won)
		}
	}
}

// A request that is sent twice at once takes effect once.
func TestTheSameRequestTwiceAtOnce(t *testing.T) {
	t.Parallel()
	processes := twoProcesses(t)
	owner, o := processes[0].organization()
	for round := range 5 {
		req := processes[0].request(owner)
		for _, err := range together(2, func(i int) error {
			r := req
			r.Retry = i == 1
			_, err := processes[i].UpdateOrganization(t.Context(), r, renamed(fmt.Sprintf("Acme %d", round)))
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	s, err := processes[0].store.Load(t.Context(), organization.Aggregate.Stream(o.ID),
		commands.Fold{Apply: func(any, event.Event) any { return nil }}, true)
	if err != nil || s.Revision != 6 {
		t.Errorf("five requests, each sent twice, end at revision %d, %v; want 6", s.Revision, err)
	}
}

// contended loses every race for users' streams.
type contended struct{ commands.Streams }

func (c contended) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	if after.Revision != event.NoStream {
		return commands.Snapshot{}, fmt.Errorf("append: %w", commands.ErrWrongRevision)
	}
	return c.Streams.Append(ctx, after, fold, drafts)
}

// unlucky loses as many races for streams that exist, and no more.
type unlucky struct {
	commands.Streams
	races *atomic.Int64
}

func (u unlucky) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	if after.Revision != event.NoStream && len(drafts) > 0 && u.races.Add(-1) >= 0 {
		return commands.Snapshot{}, fmt.Errorf("append: %w", commands.ErrWrongRevision)
	}
	return u.Streams.Append(ctx, after, fold, drafts)
}

// A process that loses many races within a short time is not refused.
func TestManyLostRaces(t *testing.T) {
	t.Parallel()
	store := unlucky{newModel(), &atomic.Int64{}}
	w := newWorld(t, store)
	account, person := w.granted(100), w.person()
	store.races.Store(75)
	must(w.ReserveTokens(t.Context(), w.request(account), commands.ReserveTokens{Reference: reference("op"), Amount: 1, Hold: time.Hour})).in(w)
	store.races.Store(75)
	must(w.UpdateUserProfile(t.Context(), w.request(person), firstName("Augusta"))).in(w)
}

func TestContention(t *testing.T) {
	t.Parallel()
	w := newWorld(t, contended{newModel()})
	p := w.person()
	_, err := w.UpdateUserProfile(t.Context(), w.request(p), firstName("Augusta"))
	if !errors.Is(err, commands.ErrContended) || failure.Of(err).Kind != failure.Unavailable {
		t.Errorf("got %v", err)
	}
}
