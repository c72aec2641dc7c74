package httpapi

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/ratelimit"
	"github.com/perfectworks/backend/domain/access"
)

// RateLimits say how many requests are served. The zero value of each means the
// default.
type RateLimits struct {
	// PerCaller counts for each API key and each signed-in person.
	PerCaller Quota
	// PerOrganization counts for all who act in one organization.
	PerOrganization Quota
	// PerAddress counts, for each address of clients, the requests without a
	// caller: those of public operations, and those whose credentials are
	// refused. IPv6 addresses count by their network of 64 bits.
	PerAddress Quota
}

// Quota is a number of requests in a time.
type Quota struct {
	Requests int
	Per      time.Duration
}

// The default quotas: 100 requests a second for each caller, 500 for each
// organization, 20 for each address. They are for ten seconds, which is what may
// come at once: as much as a minute's would be a flood.
var (
	defaultPerCaller       = PerMinute(6_000)
	defaultPerOrganization = PerMinute(30_000)
	defaultPerAddress      = PerMinute(1_200)
)

// PerMinute is the quota of a number of requests a minute, of which a sixth may
// come at once.
func PerMinute(requests int) Quota { return Quota{max(1, requests/6), 10 * time.Second} }

// rememberedBuckets bounds the memory of each limit; an entry has some 200 bytes.
const rememberedBuckets = 100_000

// limits are the limits in force.
type limits struct {
	caller        *ratelimit.Limiter
	organization  *ratelimit.Limiter
	address       *ratelimit.Limiter
	callerPolicy  []string
	bothPolicies  []string
	addressPolicy []string
}

func newLimits(c RateLimits) (*limits, error) {
	var l limits
	for _, limit := range []struct {
		limiter  **ratelimit.Limiter
		name     string
		quota    Quota
		fallback Quota
	}{
		{&l.caller, "caller", c.PerCaller, defaultPerCaller},
		{&l.organization, "organization", c.PerOrganization, defaultPerOrganization},
		{&l.address, "address", c.PerAddress, defaultPerAddress},
	} {
		q := limit.quota
		if q == (Quota{}) {
			q = limit.fallback
		}
		var err error
		*limit.limiter, err = ratelimit.New(
			ratelimit.Policy{Name: limit.name, Quota: q.Requests, Window: q.Per}, rememberedBuckets)
		if err != nil {
			return nil, err
		}
	}
	l.callerPolicy = []string{l.caller.PolicyField()}
	l.bothPolicies = []string{l.caller.PolicyField() + ", " + l.organization.PolicyField()}
	l.addressPolicy = []string{l.address.PolicyField()}
	return &l, nil
}

// bodyUnit is how much of a body counts as one request, in bytes: what is read and
// checked costs about as much as a small request.
const bodyUnit = 4 << 10

// weight is as how many requests one with a body of so many bytes counts.
func weight(body int64) int { return max(1, int((body+bodyUnit-1)/bodyUnit)) }

// take counts a request of a principal n times, and tells it how many are left.
func (l *limits) take(h http.Header, p access.Principal, n int, now time.Time) error {
	var buf [96]byte
	grant := l.caller.Take(p.ID(), n, now)
	field := l.caller.AppendField(buf[:0], grant)
	policy := l.callerPolicy
	if grant.Allowed && p.OrganizationID != "" {
		grant = l.organization.Take(string(p.OrganizationID), n, now)
		field = l.organization.AppendField(append(field, ", "...), grant)
		policy = l.bothPolicies
	}
	return tell(h, field, policy, grant)
}

// takeAddress counts a request without a caller n times.
func (l *limits) takeAddress(h http.Header, client netip.Addr, n int, now time.Time) error {
	var buf [48]byte
	grant := l.address.Take(network(client), n, now)
	return tell(h, l.address.AppendField(buf[:0], grant), l.addressPolicy, grant)
}

// giveBackAddress forgets a request that takeAddress counted once: it has a caller
// after all.
func (l *limits) giveBackAddress(client netip.Addr, now time.Time) {
	l.address.GiveBack(network(client), now)
}

// tellAddress tells a client how many requests are left, and counts none.
func (l *limits) tellAddress(h http.Header, client netip.Addr, now time.Time) {
	_ = l.peekAddress(h, client, now)
}

// peekAddress refuses a client without requests left, and counts none.
func (l *limits) peekAddress(h http.Header, client netip.Addr, now time.Time) error {
	var buf [48]byte
	grant := l.address.Peek(network(client), now)
	return tell(h, l.address.AppendField(buf[:0], grant), l.addressPolicy, grant)
}

func tell(h http.Header, field []byte, policy []string, grant ratelimit.Grant) error {
	h["Ratelimit"] = []string{string(field)}
	h["Ratelimit-Policy"] = policy
	if !grant.Allowed {
		return errRateLimited(grant.Wait)
	}
	return nil
}
