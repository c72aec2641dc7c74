package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	headerPrefer            = "Prefer"
	headerPreferenceApplied = "Preference-Applied"
	preferAsync             = "respond-async"
	preferWait              = "wait"
	// maxPreferences bounds how many are looked at.
	maxPreferences = 16
)

// preferences are what a client would like, by the field Prefer: RFC 7240. Names
// are in lower case. What is not understood is passed over, as the field asks.
type preferences map[string]string

func preferencesOf(h http.Header) preferences {
	lines := h[headerPrefer]
	if len(lines) == 0 {
		return nil
	}
	p := preferences{}
	for preference := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		preference, _, _ = strings.Cut(preference, ";") // No parameters are known.
		name, value, _ := strings.Cut(preference, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, given := p[name]; given || name == "" {
			continue // The first one counts.
		}
		if len(p) == maxPreferences {
			break
		}
		p[name] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	return p
}

// has tells whether a preference without a value was given.
func (p preferences) has(name string) bool {
	value, given := p[name]
	return given && value == ""
}

// wait is how long the client would like to wait at most; false without such a
// wish, or with one that cannot be read.
func (p preferences) wait() (time.Duration, bool) {
	seconds, err := strconv.ParseUint(p[preferWait], 10, 31)
	return time.Duration(seconds) * time.Second, err == nil
}

// applied is the header of an answer that honours preferences.
func applied(preferences ...string) http.Header {
	return http.Header{
		headerPreferenceApplied: {strings.Join(preferences, ", ")},
		"Vary":                  {headerPrefer},
	}
}
