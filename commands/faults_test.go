package commands_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/organization"
)

// each runs a test for every scenario and every place where its process may
// die.
func each(t *testing.T, test func(w *world, s scenario, at int, written bool)) {
	t.Helper()
	for _, s := range scenarios {
		for at := 1; at <= s.appends; at++ {
			for _, written := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/written=%t", s.name, at, written), func(t *testing.T) {
					t.Parallel()
					test(newWorld(t, newModel()), s, at, written)
				})
			}
		}
	}
}

func TestScenariosMakeTheirEvents(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		m := newModel()
		w := newWorld(t, m)
		mine, _ := s.begin(w)
		before := m.String()
		counting := &faulty{Streams: m}
		if _, err := mine.run(newCommands(counting), mine.req); err != nil || counting.appends != s.appends {
			t.Errorf("%s: %d appends, %v", s.name, counting.appends, err)
		}
		if got := m.typesSince(before); !equalUnordered(got, s.wants) {
			t.Errorf("%s makes %q, want %q", s.name, got, s.wants)
		}
	}
}

// The same request, repeated after its process died, does what is left to do
// and answers as if nothing had happened.
func TestRepeatedAfterDeath(t *testing.T) {
	t.Parallel()
	each(t, func(w *world, s scenario, at int, written bool) {
		m := w.store.(*model)
		mine, theirs := s.begin(w)
		before := m.String()
		if _, err := mine.run(newCommands(&faulty{Streams: m, at: at, written: written}), mine.req); err == nil {
			w.Fatal("the process did not die")
		}
		w.now = start.Add(time.Hour)
		first, err := mine.run(newCommands(m), again(mine.req))
		if err != nil {
			w.Fatal(err)
		}
		// Each claim may be written again, by an attempt that cannot know whether
		// somebody is about to contest it. Nothing else is.
		got := m.typesSince(before)
		for _, want := range s.wants {
			if renewed := slices.Index(got, "ValueReserved"); want == "ValueReserved" && len(got) > len(s.wants) && renewed >= 0 {
				got = slices.Delete(got, renewed, renewed+1)
			}
		}
		if !equalUnordered(got, s.wants) {
			w.Errorf("made %q, want %q", got, s.wants)
		}
		done := m.String()
		second, err := mine.run(newCommands(m), again(mine.req))
		if diff := domaintest.Diff(first, second); err != nil || diff != "" {
			w.Errorf("repeated once more: %v (-first +second):\n%s", err, diff)
		}
		if m.String() != done {
			w.Errorf("repeating wrote more:\n%s\nafter:\n%s", m, done)
		}
		w.now = start.AddDate(1, 0, 0)
		theirs.req.Now = w.now
		if _, err := theirs.run(newCommands(m), theirs.req); err == nil {
			w.Error("the rival got the same")
		}
		m.checkUniqueness(w)
	})
}

// A rival's request, made after the grace, gets what the dead process never
// used; and the first request, repeated after that, does not get it back.
func TestRivalAfterDeath(t *testing.T) {
	t.Parallel()
	each(t, func(w *world, s scenario, at int, written bool) {
		m := w.store.(*model)
		mine, theirs := s.begin(w)
		_, err := mine.run(newCommands(&faulty{Streams: m, at: at, written: written}), mine.req)
		if err == nil {
			w.Fatal("the process did not die")
		}
		theirs.req.Now = start.Add(time.Minute)
		_, err = theirs.run(newCommands(m), theirs.req)
		_, repeated := mine.run(newCommands(m), again(mine.req))
		if (err == nil) == (repeated == nil) {
			w.Errorf("the rival: %v; the first, repeated: %v; want one of them refused\n%s", err, repeated, m)
		}
		m.checkUniqueness(w)
	})
}

// Within the grace the rival is refused, and the first goes on.
func TestRivalWithinTheGrace(t *testing.T) {
	t.Parallel()
	each(t, func(w *world, s scenario, at int, written bool) {
		if at < s.meet || at == s.meet && !written {
			return // What the rival wants was not taken yet.
		}
		m := w.store.(*model)
		mine, theirs := s.begin(w)
		_, _ = mine.run(newCommands(&faulty{Streams: m, at: at, written: written}), mine.req)
		theirs.req.Now = start.Add(time.Minute - time.Millisecond)
		if _, err := theirs.run(newCommands(m), theirs.req); err == nil {
			w.Error("the rival did not wait")
		}
		if _, err := mine.run(newCommands(m), again(mine.req)); err != nil {
			w.Error(err)
		}
		m.checkUniqueness(w)
	})
}

// The same on the real store, whose caches and codec take part.
func TestRivalAfterDeathOnTheRealStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, eventstoretest.New(t).Streams)
	for _, s := range scenarios {
		for at := 1; at <= s.appends; at++ {
			for _, written := range []bool{false, true} {
				w.now = start
				mine, theirs := s.begin(w)
				if _, err := mine.run(newCommands(&faulty{Streams: w.store, at: at, written: written}), mine.req); err == nil {
					t.Fatalf("%s: the process did not die", s.name)
				}
				theirs.req.Now = start.Add(time.Minute)
				_, theirErr := theirs.run(w.Commands, theirs.req)
				_, myErr := mine.run(w.Commands, again(mine.req))
				if (theirErr == nil) == (myErr == nil) {
					t.Errorf("%s, died at %d, written %t: the rival: %v; the first, repeated: %v; want one of them refused",
						s.name, at, written, theirErr, myErr)
				}
			}
		}
	}
}

// The two ways in which a take-over and its holder's second attempt meet: the
// holder comes between the take-over's last look and its write, before or after
// the mark.
func TestHolderComesBackDuringATakeOver(t *testing.T) {
	t.Parallel()
	for _, s := range append(scenarios[:3:3], scenarios[len(scenarios)-1]) {
		for before := 1; before <= 2; before++ { // the mark, the take-over
			t.Run(fmt.Sprintf("%s/%d", s.name, before), func(t *testing.T) {
				t.Parallel()
				m := newModel()
				w := newWorld(t, m)
				mine, theirs := s.begin(w)
				use := s.appends
				if s.name == "follow" || s.name == "create" {
					use-- // The last append is a consequence.
				}
				if _, err := mine.run(newCommands(&faulty{Streams: m, at: use}), mine.req); err == nil {
					t.Fatal("the process did not die")
				}
				interrupt := before
				if s.name == "register" || s.name == "campaign" {
					interrupt++ // The rival's own subject, or slot, comes first.
				}
				theirs.req.Now = start.Add(time.Hour)
				var mineErr error
				_, err := theirs.run(newCommands(&interrupted{Streams: m, at: interrupt, by: func() {
					_, mineErr = mine.run(newCommands(m), again(mine.req))
				}}), theirs.req)
				if mineErr != nil || err == nil {
					t.Errorf("the holder: %v; the rival: %v; want the rival refused\n%s", mineErr, err, m)
				}
				m.checkUniqueness(t)
			})
		}
	}
}

// A slug that was given up is in quarantine even if the process died before it
// could say so.
func TestQuarantineNeedsNoRelease(t *testing.T) {
	t.Parallel()
	m := newModel()
	w := newWorld(t, m)
	owner, o := w.organization()
	rival, _ := w.organization()
	if _, err := newCommands(&faulty{Streams: m, at: 3}).UpdateOrganization(testContext, w.request(owner), moved(unique())); err == nil {
		t.Fatal("the process did not die")
	}
	w.now = start.AddDate(0, 0, 90).Add(-time.Millisecond)
	refused(t, must(w.UpdateOrganization(w.Context(), w.request(rival), moved(o.Slug))), organization.ErrSlugTaken)
	w.now = start.AddDate(0, 0, 90)
	must(w.UpdateOrganization(w.Context(), w.request(rival), moved(o.Slug))).in(w)
	m.checkUniqueness(t)
}
