package httpapi

import (
	"net/http"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/ratelimit"
	"github.com/perfectworks/backend/domain/access"
)

// RateLimits say how many requests are served. The zero value of each means the
// default, which is beyond what one machine can serve.
type RateLimits struct {
	// PerCaller counts for each API key and each signed-in person.
	PerCaller Quota
	// PerOrganization counts for all who act in one organization.
	PerOrganization Quota
}

// Quota is a number of requests in a time.
type Quota struct {
	Requests int
	Per      time.Duration
}

var defaultQuota = Quota{Requests: 6_000_000, Per: time.Minute}

// rememberedBuckets bounds the memory of each limit; an entry has some 200 bytes.
const rememberedBuckets = 100_000

// limits are the two limits in force.
type limits struct {
	caller       *ratelimit.Limiter
	organization *ratelimit.Limiter
	callerPolicy []string
	bothPolicies []string
}

func newLimits(c RateLimits) (*limits, error) {
	caller, err := newLimiter("caller", c.PerCaller)
	if err != nil {
		return nil, err
	}
	organization, err := newLimiter("organization", c.PerOrganization)
	if err != nil {
		return nil, err
	}
	return &limits{
		caller: caller, organization: organization,
		callerPolicy: []string{caller.PolicyField()},
		bothPolicies: []string{caller.PolicyField() + ", " + organization.PolicyField()},
	}, nil
}

func newLimiter(name string, q Quota) (*ratelimit.Limiter, error) {
	if q == (Quota{}) {
		q = defaultQuota
	}
	return ratelimit.New(ratelimit.Policy{Name: name, Quota: q.Requests, Window: q.Per}, rememberedBuckets)
}

// take counts a request of a principal, and tells it how many are left.
func (l *limits) take(h http.Header, p access.Principal, now time.Time) error {
	var buf [96]byte
	grant := l.caller.Take(p.ID(), now)
	field := l.caller.AppendField(buf[:0], grant)
	policy := l.callerPolicy
	if grant.Allowed && p.OrganizationID != "" {
		grant = l.organization.Take(string(p.OrganizationID), now)
		field = l.organization.AppendField(append(field, ", "...), grant)
		policy = l.bothPolicies
	}
	h["Ratelimit"] = []string{string(field)}
	h["Ratelimit-Policy"] = policy
	if !grant.Allowed {
		return errRateLimited(grant.Wait)
	}
	return nil
}
