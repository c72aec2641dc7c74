package etag

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain/event"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines  []string
		strong []event.Revision
		any    bool
		bad    bool
	}{
		"absent":                        {},
		"any":                           {lines: []string{"*"}, any: true},
		"any with space":                {lines: []string{" *\t"}, any: true},
		"one":                           {lines: []string{`"7"`}, strong: []event.Revision{7}},
		"revision zero":                 {lines: []string{`"0"`}, strong: []event.Revision{0}},
		"a list":                        {lines: []string{`"7", "9"`}, strong: []event.Revision{7, 9}},
		"a digest beside":               {lines: []string{`"7-0badc0ffee00"`}, strong: []event.Revision{7}},
		"a list over lines":             {lines: []string{`"7"`, `"9"`}, strong: []event.Revision{7, 9}},
		"no space":                      {lines: []string{`"7","9"`}, strong: []event.Revision{7, 9}},
		"empty elements":                {lines: []string{`, "7", ,`}, strong: []event.Revision{7}},
		"weak ones match nothing":       {lines: []string{`W/"7"`}},
		"weak and strong":               {lines: []string{`W/"7", "9"`}, strong: []event.Revision{9}},
		"not ours":                      {lines: []string{`"abc"`}},
		"another writing of a number":   {lines: []string{`"07", "+7", "-1"`}},
		"a comma within a tag":          {lines: []string{`"7,8", "9"`}, strong: []event.Revision{9}},
		"the empty tag":                 {lines: []string{`""`}},
		"bytes beyond ASCII":            {lines: []string{"\"\xff\""}},
		"beyond 64 bits":                {lines: []string{`"99999999999999999999"`}},
		"bare":                          {lines: []string{`7`}, bad: true},
		"not closed":                    {lines: []string{`"7`}, bad: true},
		"two without a comma":           {lines: []string{`"7" "8"`}, bad: true},
		"any among others":              {lines: []string{`*, "7"`}, bad: true},
		"any twice":                     {lines: []string{`*`, `*`}, bad: true},
		"empty":                         {lines: []string{``}, bad: true},
		"only commas":                   {lines: []string{`, ,`}, bad: true},
		"space in a tag":                {lines: []string{`"7 8"`}, bad: true},
		"lower-case weakness":           {lines: []string{`w/"7"`}, bad: true},
		"more tags than anybody needs":  {lines: []string{strings.Repeat(`"7",`, maxTags+1)}, bad: true},
		"as many tags as can be needed": {lines: []string{strings.Repeat(`"x",`, maxTags)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse(test.lines)
			if (err != nil) != test.bad {
				t.Fatalf("Parse(%q): %v", test.lines, err)
			}
			if diff := cmp.Diff(test.strong, c.Strong()); diff != "" {
				t.Errorf("strong tags: %s", diff)
			}
			if c.IsAny() != test.any {
				t.Errorf("any is %v", c.IsAny())
			}
			if c.IsZero() != (test.bad || len(test.lines) == 0) {
				t.Errorf("zero is %v", c.IsZero())
			}
		})
	}
}

func TestMatchesComparesWeakly(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		`"7"`: true, `W/"7"`: true, `"6", "7"`: true, `*`: true, `"6"`: false, `"07"`: false, `"7-0badc0ffee00"`: false,
	} {
		c, err := Parse([]string{value})
		if err != nil {
			t.Fatalf("Parse(%q): %v", value, err)
		}
		if c.Matches(Of(7, "")) != want {
			t.Errorf("%q matches revision 7: %v", value, !want)
		}
	}
}

// A tag names what is shown: what changes without an event makes another one, of
// the same revision.
func TestTagsOfWhatChangesWithoutAnEvent(t *testing.T) {
	t.Parallel()
	plain, expired, used := Of(7, ""), Of(7, "expired"), Of(7, "expired, used")
	if plain.String() != `"7"` || expired == plain || used == expired {
		t.Errorf("%s %s %s", plain, expired, used)
	}
	c, err := Parse([]string{expired.String()})
	if err != nil || !c.Matches(expired) || c.Matches(plain) || c.Matches(used) {
		t.Errorf("%v: it matches other representations", err)
	}
	if got := c.Strong(); len(got) != 1 || got[0] != 7 {
		t.Errorf("a change is made to %v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`*`, `"7"`, `W/"7", "8"`, `"`, `,`, `"7,8"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c, err := Parse([]string{value})
		if err != nil {
			if !c.IsZero() {
				t.Error("a refused value left a condition")
			}
			return
		}
		if c.IsZero() {
			t.Error("an accepted value is no condition")
		}
		for _, r := range c.Strong() {
			if !strings.Contains(value, `"`+string(Of(r, ""))) {
				t.Errorf("revision %d is not in %q", r, value)
			}
		}
	})
}
