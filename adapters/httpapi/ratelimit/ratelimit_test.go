package ratelimit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestTakeUntilEmptyThenWait(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, Policy{Name: "key", Quota: 3, Window: 3 * time.Second}, 10)
	for i, remaining := range []int{2, 1, 0} {
		if g := l.Take("a", 1, noon); !g.Allowed || g.Remaining != remaining {
			t.Fatalf("request %d: %+v", i, g)
		}
	}
	g := l.Take("a", 1, noon)
	if g.Allowed || g.Remaining != 0 || g.Wait != time.Second {
		t.Fatalf("the fourth request: %+v", g)
	}
	if g := l.Take("b", 1, noon); !g.Allowed {
		t.Error("another client is refused")
	}
	if g := l.Take("a", 1, noon.Add(g.Wait)); !g.Allowed {
		t.Error("after the wait it is still refused")
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, Policy{Name: "key", Quota: 100, Window: time.Minute}, 10)
	if got := l.PolicyField(); got != `"key";q=100;w=60` {
		t.Errorf("policy field %s", got)
	}
	if got := string(l.AppendField(nil, Grant{Remaining: 7, Wait: 1100 * time.Millisecond})); got != `"key";r=7;t=2` {
		t.Errorf("field %s", got)
	}
}

// Whatever the pattern of requests, no window sees more than the quota and what
// came back meanwhile, and who keeps waiting as told is served.
func TestNeverMoreThanPromised(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy := Policy{
			Name: "x", Quota: rapid.IntRange(1, 50).Draw(t, "quota"),
			Window: time.Duration(rapid.IntRange(1, 100).Draw(t, "window")) * time.Second,
		}
		l, err := New(policy, 10)
		if err != nil {
			t.Fatal(err)
		}
		now, allowed := noon, 0
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "pause")) * time.Millisecond)
			g := l.Take("a", 1, now)
			if g.Allowed {
				allowed++
			} else if !l.Take("a", 1, now.Add(g.Wait+time.Microsecond)).Allowed {
				t.Fatalf("refused after waiting %v as told", g.Wait)
			} else {
				now = now.Add(g.Wait + time.Microsecond)
				allowed++
			}
		}
		back := float64(policy.Quota) * now.Sub(noon).Seconds() / policy.Window.Seconds()
		if float64(allowed) > float64(policy.Quota)+back+1 {
			t.Fatalf("%d requests within %v", allowed, now.Sub(noon))
		}
	})
}

func TestConcurrentTakersShareOneBucket(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, Policy{Name: "x", Quota: 100, Window: time.Hour}, 10)
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if l.Take("a", 1, noon).Allowed {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if allowed.Load() != 100 {
		t.Errorf("%d of 400 requests allowed, not 100", allowed.Load())
	}
}

func TestNewRefusesNothing(t *testing.T) {
	t.Parallel()
	for _, p := range []Policy{{Name: "a", Window: time.Second}, {Name: "b", Quota: 1}} {
		if _, err := New(p, 1); err == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	l, err := New(Policy{Name: "key", Quota: 1 << 30, Window: time.Second}, 1000)
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		var buf [64]byte
		for pb.Next() {
			l.AppendField(buf[:0], l.Take("key_01h455vb4pex5vsknk084sn02q", 1, time.Now()))
		}
	})
}

func newLimiter(t *testing.T, p Policy, clients int) *Limiter {
	t.Helper()
	l, err := New(p, clients)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A request counts as several, at most as the whole quota: the largest one is
// served when the bucket is full.
func TestWeights(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, Policy{Name: "key", Quota: 10, Window: 10 * time.Second}, 10)
	for _, c := range []struct {
		n    int
		want Grant
	}{
		{4, Grant{Allowed: true, Remaining: 6}},
		{7, Grant{Remaining: 6, Wait: time.Second}},
		{6, Grant{Allowed: true, Wait: time.Second}},
		{99, Grant{Wait: 10 * time.Second}},
	} {
		if got := l.Take("a", c.n, noon); got != c.want {
			t.Errorf("%d: %+v, want %+v", c.n, got, c.want)
		}
	}
	if g := l.Take("a", 99, noon.Add(10*time.Second)); !g.Allowed || g.Remaining != 0 {
		t.Errorf("the largest one: %+v", g)
	}
}

// What is given back can be taken again, and no more than the quota is ever there.
func TestGiveBack(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, Policy{Name: "key", Quota: 2, Window: time.Hour}, 10)
	l.GiveBack("a", noon)
	l.Take("a", 1, noon)
	l.GiveBack("a", noon)
	l.GiveBack("a", noon)
	for i, allowed := range []bool{true, true, false} {
		if g := l.Take("a", 1, noon); g.Allowed != allowed {
			t.Errorf("request %d: %+v", i, g)
		}
	}
}
