package campaign

import (
	"net/url"
	"slices"
	"strings"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// maxDestination bounds a destination, in bytes.
const maxDestination = 1000

// Destinations are where links may lead: below the landing page, and to the hosts
// that the operator allows.
type Destinations struct {
	// Landing is the address of the landing page.
	Landing *url.URL
	// Hosts are allowed beside that of the landing page, in lower case, with their
	// port if it is not the scheme's own.
	Hosts []string
}

// Check notes what is wrong with a destination, and returns it. It is a path, or
// an address of an allowed host; empty for the landing page.
func (d Destinations) Check(wrong *failure.Fields, field, value string) string {
	switch _, reason := d.resolve(value); {
	case value == "":
	case len(value) > maxDestination:
		wrong.Add(field, input.CodeTooLong, "must have at most 1000 bytes")
	case reason != "":
		wrong.Add(field, input.CodeFormat, reason)
	default:
		return value
	}
	return ""
}

// Resolve returns the address that a destination stands for. It is the landing page
// for a destination that is not allowed, or not any more.
func (d Destinations) Resolve(value string) url.URL {
	if u, reason := d.resolve(value); reason == "" {
		return u
	}
	return *d.Landing
}

func (d Destinations) resolve(value string) (url.URL, string) {
	if value == "" {
		return *d.Landing, ""
	}
	if reason := suspicious(value); reason != "" {
		return url.URL{}, reason
	}
	u, err := url.Parse(value)
	if err != nil {
		return url.URL{}, "must be a path or an address"
	}
	if strings.HasPrefix(value, "/") {
		u.Scheme, u.Host = d.Landing.Scheme, d.Landing.Host
		return *u, ""
	}
	switch {
	case u.Scheme != "https" && u.Scheme != d.Landing.Scheme, u.Host == "", u.Opaque != "":
		return url.URL{}, "must begin with a single slash, or be an https address"
	case u.User != nil:
		return url.URL{}, "must not hold a user name or a password"
	case !d.allows(u.Host):
		return url.URL{}, "must be on a host that links may lead to"
	}
	return *u, ""
}

func (d Destinations) allows(host string) bool {
	host = strings.ToLower(host)
	return host == strings.ToLower(d.Landing.Host) || slices.Contains(d.Hosts, host)
}

// suspicious says what in a destination could be read in another way by a browser
// or a server behind: dot segments, encoded separators, control characters.
func suspicious(value string) string {
	path, _, _ := strings.Cut(value, "?")
	path, _, _ = strings.Cut(path, "#")
	lower := strings.ToLower(path)
	switch {
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "must be of visible ASCII characters"
	case strings.Contains(value, "\\"), strings.Contains(lower, "%5c"):
		return "must not contain backslashes"
	case strings.HasPrefix(value, "//"), strings.Contains(lower, "%2f"):
		return "must not contain encoded slashes, or begin with two slashes"
	case strings.Contains(lower, ".."), strings.Contains(lower, "%2e"):
		return "must not contain dot segments"
	case strings.Contains(lower, "%00"), strings.Contains(lower, "%0a"), strings.Contains(lower, "%0d"), strings.Contains(lower, "%25"):
		return "must not contain encoded control characters, or be encoded twice"
	case strings.Contains(value, "#"):
		return "must not have a fragment"
	}
	return ""
}
