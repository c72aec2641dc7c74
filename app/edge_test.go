package app

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi"
)

func TestEdgeSettings(t *testing.T) {
	t.Parallel()
	e, err := Settings{
		RequestsPerCaller: 600, RequestsPerOrganization: 6, RequestsPerAddress: 1, ConcurrentRequests: 7,
		TrustedProxies: []string{"10.0.0.1", " 192.168.5.9/16 ", "2001:db8::/32", "::ffff:10.0.0.2"},
		CORSOrigins:    []string{"https://app.example.com", " http://localhost:3000 "},
	}.edge()
	if err != nil {
		t.Fatal(err)
	}
	want := httpapi.RateLimits{
		PerCaller: httpapi.Quota{Requests: 100, Per: 10 * time.Second}, PerOrganization: httpapi.Quota{Requests: 1, Per: 10 * time.Second},
		PerAddress: httpapi.Quota{Requests: 1, Per: 10 * time.Second},
	}
	if e.limits != want || e.admission.Working != 7 {
		t.Errorf("%+v, %+v", e.limits, e.admission)
	}
	var proxies []string
	for _, p := range e.proxies {
		proxies = append(proxies, p.String())
	}
	if !slices.Equal(proxies, []string{"10.0.0.1/32", "192.168.0.0/16", "2001:db8::/32", "10.0.0.2/32"}) {
		t.Errorf("proxies %v", proxies)
	}
	if !slices.Equal(e.origins, []string{"https://app.example.com", "http://localhost:3000"}) {
		t.Errorf("origins %v", e.origins)
	}
}

// Without settings the defaults of the parts hold, and nobody is trusted.
func TestEdgeDefaults(t *testing.T) {
	t.Parallel()
	e, err := Settings{}.edge()
	if err != nil || e.limits != (httpapi.RateLimits{}) || e.admission.Working != 0 || len(e.proxies) != 0 || len(e.origins) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestEdgeSettingsAreRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		Settings
	}{
		{"PERFECTWORKS_REQUESTS_PER_CALLER", Settings{RequestsPerCaller: -1}},
		{"PERFECTWORKS_REQUESTS_PER_ORGANIZATION", Settings{RequestsPerOrganization: -1}},
		{"PERFECTWORKS_REQUESTS_PER_ADDRESS", Settings{RequestsPerAddress: -1}},
		{"PERFECTWORKS_CONCURRENT_REQUESTS", Settings{ConcurrentRequests: -1}},
	} {
		if _, err := c.edge(); err == nil || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, proxy := range []string{"", "proxy", "proxy.example", "10.0.0.0/33", "10.0.0.256", "10.0.0.1:80", "*", "10.0.0.*", "fe80::1%eth0/64", "0x7f000001"} {
		if _, err := (Settings{TrustedProxies: []string{"10.0.0.1", proxy}}).edge(); err == nil || !strings.Contains(err.Error(), "PERFECTWORKS_TRUSTED_PROXIES") {
			t.Errorf("the proxy %q: %v", proxy, err)
		}
	}
	for _, origin := range []string{
		"", "*", "null", "app.example.com", "//app.example.com", "https://", "https://app.example.com/", "https://app.example.com/x",
		"https://App.example.com", "HTTPS://app.example.com", "https://u@app.example.com", "https://app.example.com?x", "https://app.example.com#x",
		"ftp://app.example.com", "https://*.example.com", "https://app.example.com:443", "http://app.example.com:80", "https://app.example.com:x",
	} {
		if _, err := (Settings{CORSOrigins: []string{origin}}).edge(); err == nil || !strings.Contains(err.Error(), "PERFECTWORKS_CORS_ORIGINS") {
			t.Errorf("the origin %q: %v", origin, err)
		}
	}
	// All at once.
	_, err := Settings{RequestsPerCaller: -1, TrustedProxies: []string{"x"}, CORSOrigins: []string{"y"}}.edge()
	for _, name := range []string{"PERFECTWORKS_REQUESTS_PER_CALLER", "PERFECTWORKS_TRUSTED_PROXIES", "PERFECTWORKS_CORS_ORIGINS"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	if e, err := (Settings{TrustedProxies: []string{"0.0.0.0/0"}}).edge(); err != nil || e.proxies[0] != netip.MustParsePrefix("0.0.0.0/0") {
		t.Errorf("all addresses: %v", err)
	}
}
