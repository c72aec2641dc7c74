// Package loopback tells which hosts are this machine: what is sent there
// cannot be read on its way.
package loopback

import (
	"net/netip"
	"strings"
)

// Host reports whether a host of a URL, a name or an address without brackets,
// is this machine by itself. Names other than localhost are not looked up.
func Host(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
