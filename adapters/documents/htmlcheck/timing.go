package htmlcheck

import (
	"strconv"
	"strings"
)

// timing checks refreshes, and the viewport beside them.
func (c *checker) timing() {
	refreshed := false
	for _, n := range c.All("meta") {
		content := Attr(n, "content")
		if !refreshed && strings.EqualFold(Attr(n, "http-equiv"), "refresh") {
			var seconds int
			if seconds, refreshed = refreshAfter(content); refreshed { // browsers heed the first one
				switch {
				case seconds > 0 && seconds <= 72_000:
					c.fail("meta-refresh", n, "after %d seconds", seconds)
				case seconds > 0:
					c.fail("meta-refresh-no-exceptions", n, "after %d seconds", seconds)
				}
			}
		}
		if strings.EqualFold(strings.TrimSpace(Attr(n, "name")), "viewport") {
			c.viewport(n, content)
		}
	}
	for _, n := range c.All("blink", "marquee") {
		if c.Rendered(n) {
			c.fail(n.Data, n, "")
		}
	}
}

// refreshAfter reads the time of a refresh as browsers do (HTML, 4.2.5.3), false if it is none.
func refreshAfter(content string) (seconds int, ok bool) {
	rest := strings.TrimLeft(content, " \t\n\f\r")
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if digits == 0 && !strings.HasPrefix(rest, ".") {
		return 0, false
	}
	seconds, err := strconv.Atoi(rest[:digits])
	if digits > 0 && err != nil {
		seconds = 1 << 30
	}
	rest = strings.TrimLeft(rest[digits:], "0123456789.")
	return seconds, rest == "" || strings.ContainsRune(";, \t\n\f\r", rune(rest[0]))
}
