// Package ratelimit counts requests by token buckets, in bounded memory.
package ratelimit

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// Policy allows a quota of requests in a window: so many at once, and then as
// many as come back over time.
type Policy struct {
	// Name is shown to clients; lower-case letters.
	Name   string
	Quota  int
	Window time.Duration
}

// Limiter holds one bucket for each client that it was asked about lately. It
// is safe for concurrent use.
type Limiter struct {
	policy  Policy
	perSec  rate.Limit
	buckets *otter.Cache[string, *rate.Limiter]
	header  string
}

// New makes a limiter that remembers at most so many clients. One that is
// forgotten starts with a full bucket, so remember more than there are.
func New(policy Policy, clients int) (*Limiter, error) {
	if policy.Quota < 1 || policy.Window <= 0 {
		return nil, fmt.Errorf("the rate limit %q has no quota or no window", policy.Name)
	}
	buckets, err := otter.New(&otter.Options[string, *rate.Limiter]{MaximumSize: clients})
	if err != nil {
		return nil, fmt.Errorf("make the buckets of rate limit %q: %w", policy.Name, err)
	}
	return &Limiter{
		policy:  policy,
		perSec:  rate.Limit(float64(policy.Quota) / policy.Window.Seconds()),
		buckets: buckets,
		header:  fmt.Sprintf("%q;q=%d;w=%d", policy.Name, policy.Quota, int(math.Ceil(policy.Window.Seconds()))),
	}, nil
}

// Grant is the answer to one request.
type Grant struct {
	Allowed bool
	// Remaining is how many more requests the bucket would allow right now.
	Remaining int
	// Wait is how long until the request is allowed, or one more if it was; zero
	// when it is now.
	Wait time.Duration
}

// Take takes a request out of a client's bucket that counts as n, or as the whole
// quota if that is less.
func (l *Limiter) Take(client string, n int, now time.Time) Grant {
	n = min(n, l.policy.Quota)
	bucket, ok := l.buckets.GetIfPresent(client)
	if !ok {
		bucket, _ = l.buckets.SetIfAbsent(client, rate.NewLimiter(l.perSec, l.policy.Quota))
	}
	allowed := bucket.AllowN(now, n)
	return l.grant(bucket.TokensAt(now), n, allowed)
}

// GiveBack puts a request that counted as one back into a client's bucket.
func (l *Limiter) GiveBack(client string, now time.Time) {
	if bucket, ok := l.buckets.GetIfPresent(client); ok {
		bucket.AllowN(now, -1) // It never holds more than the quota.
	}
}

// Peek tells what is in a client's bucket, and takes nothing. Allowed tells
// whether Take would allow a request.
func (l *Limiter) Peek(client string, now time.Time) Grant {
	tokens := float64(l.policy.Quota)
	if bucket, ok := l.buckets.GetIfPresent(client); ok {
		tokens = bucket.TokensAt(now)
	}
	return l.grant(tokens, 1, tokens >= 1)
}

// grant is the answer to a request that counts as n. After one that was allowed,
// Wait is for the next that counts as one.
func (l *Limiter) grant(tokens float64, n int, allowed bool) Grant {
	g := Grant{Allowed: allowed, Remaining: max(0, int(tokens))}
	if allowed {
		n = 1
	}
	if missing := float64(n) - tokens; missing > 0 {
		g.Wait = time.Duration(missing / float64(l.perSec) * float64(time.Second))
	}
	return g
}

// PolicyField is the policy as an item of the RateLimit-Policy field, and
// AppendField appends a grant as an item of the RateLimit field, both by
// draft-ietf-httpapi-ratelimit-headers-10.
func (l *Limiter) PolicyField() string { return l.header }

// AppendField appends the item to dst.
func (l *Limiter) AppendField(dst []byte, g Grant) []byte {
	dst = append(dst, '"')
	dst = append(dst, l.policy.Name...)
	dst = append(dst, `";r=`...)
	dst = strconv.AppendInt(dst, int64(g.Remaining), 10)
	dst = append(dst, `;t=`...)
	return strconv.AppendInt(dst, Seconds(g.Wait), 10)
}

// Seconds is a wait in whole seconds, rounded up so that a client that waits so long
// has waited long enough.
func Seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
