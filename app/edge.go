package app

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/perfectworks/backend/adapters/httpapi"
	"github.com/perfectworks/backend/adapters/httpapi/admission"
)

// edge is how the API meets those who call it.
type edge struct {
	limits    httpapi.RateLimits
	admission admission.Limits
	proxies   []netip.Prefix
	origins   []string
}

// edge reads the settings of the edge, and tells all that is wrong with them.
func (s Settings) edge() (edge, error) {
	var (
		e     edge
		wrong []error
	)
	for _, limit := range []struct {
		name  string
		value int
		quota *httpapi.Quota
	}{
		{"PERFECTWORKS_REQUESTS_PER_CALLER", s.RequestsPerCaller, &e.limits.PerCaller},
		{"PERFECTWORKS_REQUESTS_PER_ORGANIZATION", s.RequestsPerOrganization, &e.limits.PerOrganization},
		{"PERFECTWORKS_REQUESTS_PER_ADDRESS", s.RequestsPerAddress, &e.limits.PerAddress},
	} {
		switch {
		case limit.value < 0:
			wrong = append(wrong, fmt.Errorf("%s must not be negative", limit.name))
		case limit.value > 0:
			*limit.quota = httpapi.PerMinute(limit.value)
		}
	}
	if e.admission.Working = s.ConcurrentRequests; s.ConcurrentRequests < 0 {
		wrong = append(wrong, errors.New("PERFECTWORKS_CONCURRENT_REQUESTS must not be negative"))
	}
	for _, text := range s.TrustedProxies {
		prefix, err := parsePrefix(strings.TrimSpace(text))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("PERFECTWORKS_TRUSTED_PROXIES: %q is neither an address nor a network such as 10.0.0.0/8", text))
		}
		e.proxies = append(e.proxies, prefix)
	}
	for _, text := range s.CORSOrigins {
		origin := strings.TrimSpace(text)
		if !isOrigin(origin) {
			wrong = append(wrong, fmt.Errorf("PERFECTWORKS_CORS_ORIGINS: %q is not an origin such as https://app.example.com", text))
		}
		e.origins = append(e.origins, origin)
	}
	return e, errors.Join(wrong...)
}

func parsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("read a network: %w", err)
	}
	return prefix.Masked(), nil
}

// isOrigin reports whether a text is an origin as browsers send it: RFC 6454,
// section 6.1. Any other would never match: one with a wildcard, or with the port
// that its scheme has anyway.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || strings.Contains(u.Host, "*") {
		return false
	}
	known, isWeb := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	return isWeb && u.Port() != known && text == u.Scheme+"://"+strings.ToLower(u.Host)
}
