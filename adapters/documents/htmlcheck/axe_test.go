package htmlcheck_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/axetest"
)

// layoutRules are axe's rules that need layout or style sheets, which are not checked natively.
var layoutRules = []string{
	"color-contrast-enhanced", "css-orientation-lock", "frame-tested", "hidden-content", "link-in-text-block",
	"scrollable-region-focusable", "target-size",
}

// beyondAxe are rules that axe does not have, or that ask for more than its rules of the same name.
var beyondAxe = []string{
	"charset", "image-alt-placeholder", "link-text-vague", "table-headers",
}

// TestAxe compares with axe in Chromium on a sample of the cases, or with CORPUS=1 on all: axe must not contradict a finding, and at least nine in ten of
// its violations must be found.
func TestAxe(t *testing.T) {
	t.Parallel()
	oracle := axetest.Start(t)
	violations, found, contradicted := 0, 0, 0
	all := examples(t)
	step := 12
	if os.Getenv("CORPUS") != "" {
		step = 1
	}
	for i := 0; i < len(all); i += step {
		e := all[i]
		if strings.Contains(e.html, `"refresh" content="0`) {
			continue // the browser leaves the page before axe can look at it
		}
		answer, err := oracle.Check(e.html)
		if err != nil {
			t.Fatalf("%s: %v\n%s", e.rule, err, e.html)
		}
		native := failing(check(t, e.html))
		for _, rule := range answer.Violations {
			if slices.Contains(layoutRules, rule) {
				continue
			}
			violations++
			if native[rule] > 0 {
				found++
			} else {
				t.Logf("axe alone finds %s in\n%s", rule, e.html)
			}
		}
		for rule := range native {
			if slices.Contains(beyondAxe, rule) || e.beyond && rule == e.rule || slices.Contains(answer.Violations, rule) || slices.Contains(answer.Incomplete, rule) {
				continue
			}
			if _, known := departures[rule]; !known {
				contradicted++
				t.Errorf("axe does not find %s in\n%s", rule, e.html)
			}
		}
	}
	t.Logf("axe has %d violations, %d of them are found; %d findings are contradicted", violations, found, contradicted)
	if found*10 < violations*9 {
		t.Error("fewer than nine in ten of axe's violations are found")
	}
}

// departures are rules that knowingly say more than axe, and why.
var departures = map[string]string{
	"lang-mismatch":              "axe does not look at the language of texts",
	"frame-focusable-content":    "axe must run in the frame as well",
	"meta-refresh-no-exceptions": "axe has it switched off",
	"th-has-data-cells":          "axe does not heed the attribute headers",
	"skip-link":                  "axe looks only at links that lie off screen until they have focus",
	"no-autoplay-audio":          "axe must load the sound to know its length",
}
