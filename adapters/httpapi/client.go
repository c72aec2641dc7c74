package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const headerForwardedFor = "X-Forwarded-For"

// clientOf is the address that a request comes from. Only proxies that are
// trusted are believed when they say for whom they ask; direct says that none
// stands between. An address that cannot be read is the zero one.
func clientOf(r *http.Request, trusted []netip.Prefix) (client netip.Addr, direct bool) {
	client = addressOf(r.RemoteAddr)
	if len(trusted) == 0 || !isTrusted(client, trusted) {
		return client, true
	}
	// Each proxy adds to the end whom it was asked by, so all that is before the
	// first address that is not trusted may have been invented.
	hops := strings.Split(strings.Join(r.Header[headerForwardedFor], ","), ",")
	for _, hop := range slices.Backward(hops) {
		address := addressOf(strings.TrimSpace(hop))
		if !address.IsValid() {
			break
		}
		client = address
		if !isTrusted(address, trusted) {
			break
		}
	}
	return client, false
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(address) })
}

// addressOf reads an address with or without a port.
func addressOf(s string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return plainAddress(withPort.Addr())
	}
	address, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return plainAddress(address)
}

func plainAddress(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// network names the client that an address stands for: one that has an IPv6
// address usually has its whole network of 64 bits.
func network(a netip.Addr) string {
	if !a.Is6() {
		return a.String()
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return prefix.String()
}
