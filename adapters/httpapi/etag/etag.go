// Package etag reads the preconditions of a request and writes the entity tags
// that they speak of: RFC 9110, sections 8.8.3 and 13.1. An entity tag here is
// the revision of a stream and, where a representation changes without an event,
// a digest of what does. Changes are made to a revision, so that If-Match looks
// at nothing else; If-None-Match looks at the whole.
package etag

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/perfectworks/backend/domain/event"
)

// maxTags bounds a list of tags. A client holds one version, or a few.
const maxTags = 32

// ErrMalformed is the refusal of Parse.
var ErrMalformed = errors.New(`must be * or a list of at most 32 entity tags, such as "7"`)

// The fields that hold conditions.
const (
	IfMatch     = "If-Match"
	IfNoneMatch = "If-None-Match"
)

// Tag is an entity tag.
type Tag string

// Of is the entity tag of a revision, and of what changes without one: empty
// when nothing has.
func Of(r event.Revision, unversioned string) Tag {
	revision := strconv.FormatInt(int64(r), 10)
	if unversioned == "" {
		return Tag(revision)
	}
	sum := sha256.Sum256([]byte(unversioned))
	return Tag(revision + separator + hex.EncodeToString(sum[:6]))
}

// separator stands between a revision and a digest.
const separator = "-"

// String is the tag as it is written in a header.
func (t Tag) String() string { return `"` + string(t) + `"` }

// Condition is the value of an If-Match or If-None-Match field. The zero value
// is a field that is absent.
type Condition struct {
	any  bool
	tags []tag
}

type tag struct {
	opaque string
	weak   bool
}

// Parse reads the lines of one such field.
func Parse(lines []string) (Condition, error) {
	switch len(lines) {
	case 0:
		return Condition{}, nil
	case 1:
		if strings.Trim(lines[0], " \t") == "*" {
			return Condition{any: true}, nil
		}
	}
	var c Condition
	for _, line := range lines {
		if err := c.add(line); err != nil {
			return Condition{}, err
		}
	}
	if len(c.tags) == 0 {
		return Condition{}, ErrMalformed
	}
	return c, nil
}

// add reads one line: tags between commas. Empty elements are to be ignored:
// RFC 9110, section 5.6.1.2.
func (c *Condition) add(line string) error {
	for {
		line = strings.TrimLeft(line, " \t,")
		if line == "" {
			return nil
		}
		var t tag
		line, t.weak = strings.CutPrefix(line, "W/")
		rest, quoted := strings.CutPrefix(line, `"`)
		opaque, rest, closed := strings.Cut(rest, `"`)
		if !quoted || !closed || !isOpaque(opaque) || len(c.tags) == maxTags {
			return ErrMalformed
		}
		t.opaque = opaque
		c.tags = append(c.tags, t)
		line = strings.TrimLeft(rest, " \t")
		if line != "" && line[0] != ',' {
			return ErrMalformed
		}
	}
}

func isOpaque(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// IsZero tells whether there is no condition.
func (c Condition) IsZero() bool { return !c.any && len(c.tags) == 0 }

// IsAny tells whether whatever exists meets the condition.
func (c Condition) IsAny() bool { return c.any }

// Strong are the revisions that meet an If-Match: it compares strongly, so weak
// tags meet nothing, nor do tags that we never gave.
func (c Condition) Strong() []event.Revision {
	var revisions []event.Revision
	for _, t := range c.tags {
		text, _, _ := strings.Cut(t.opaque, separator)
		n, err := strconv.ParseInt(text, 10, 64)
		if err == nil && !t.weak && n >= 0 && text == strconv.FormatInt(n, 10) {
			revisions = append(revisions, event.Revision(n))
		}
	}
	return revisions
}

// Matches tells whether an If-None-Match names a tag: it compares weakly.
func (c Condition) Matches(tag Tag) bool {
	if c.any {
		return true
	}
	for _, t := range c.tags {
		if t.opaque == string(tag) {
			return true
		}
	}
	return false
}
