package htmlcheck

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// viewport checks that users can enlarge the page to twice its size.
func (c *checker) viewport(n *html.Node, content string) {
	values := viewportProperties(content)
	if v, ok := values["user-scalable"]; ok && !scalable(v) {
		c.fail("meta-viewport", n, "user-scalable=%s", v)
		return
	}
	if v, ok := values["maximum-scale"]; ok {
		switch scale, limited := maximumScale(v); {
		case limited && scale < 2:
			c.fail("meta-viewport", n, "maximum-scale=%s", v)
		case limited && scale < 5:
			c.fail("meta-viewport-large", n, "maximum-scale=%s", v)
		}
	}
}

// viewportProperties divides the content of a viewport as browsers do (CSS Device Adaptation, 9.2): white space, commas
// and semicolons stand between properties, and also around the equals sign.
func viewportProperties(content string) map[string]string {
	const separators = " \t\n\f\r,;"
	out := map[string]string{}
	rest := strings.ToLower(content)
	for {
		rest = strings.TrimLeft(rest, separators+"=")
		if rest == "" {
			return out
		}
		end := strings.IndexAny(rest, separators+"=")
		if end < 0 {
			return out
		}
		name := rest[:end]
		rest = rest[end:]
		// The value may be divided from the equals sign by white space, but a comma or semicolon ends the property.
		next := strings.IndexAny(rest, "=,;")
		if spaces := strings.TrimLeft(rest, " \t\n\f\r"); next < 0 || rest[next] != '=' || spaces == "" || spaces[0] != '=' {
			continue
		}
		rest = strings.TrimLeft(rest[next:], " \t\n\f\r=")
		end = strings.IndexAny(rest, separators+"=")
		if end < 0 {
			end = len(rest)
		}
		if end > 0 {
			out[name] = rest[:end]
		}
		rest = rest[end:]
	}
}

// leadingNumber reads the number that a value begins with.
func leadingNumber(value string) (float64, bool) {
	for end := len(value); end > 0; end-- {
		if v, err := strconv.ParseFloat(value[:end], 64); err == nil && !strings.ContainsAny(value[:end], "xXpPiInN_") {
			return v, true
		}
	}
	return 0, false
}

// scalable reads the property user-scalable; what is not understood is no (CSS Device Adaptation, 9.4.3).
func scalable(value string) bool {
	switch value {
	case "yes", "device-width", "device-height":
		return true
	}
	v, ok := leadingNumber(value)
	return ok && (v >= 1 || v <= -1)
}

// maximumScale reads the property maximum-scale (CSS Device Adaptation, 9.4.2). It is false for what sets no limit:
// negative numbers.
func maximumScale(value string) (float64, bool) {
	switch value {
	case "yes":
		return 1, true
	case "device-width", "device-height":
		return 10, true
	}
	v, ok := leadingNumber(value)
	if !ok {
		return 0.1, true
	}
	return min(max(v, 0.1), 10), v >= 0
}
