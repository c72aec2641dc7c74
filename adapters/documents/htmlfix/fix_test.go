package htmlfix_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/documents/htmlfix"
)

func fix(tb testing.TB, source string) *htmlfix.Result {
	tb.Helper()
	result, err := htmlfix.Fix([]byte(source), htmlfix.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

// failing counts the findings of each rule.
func failing(tb testing.TB, source []byte) map[string]int {
	tb.Helper()
	result, err := htmlcheck.Check(source)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]int{}
	for _, f := range result.Findings {
		out[f.Rule]++
	}
	return out
}

type example struct {
	rule, html string
	fail       bool
}

// examples are the cases of the checker.
func examples(tb testing.TB) []example {
	tb.Helper()
	cases, err := os.ReadFile("../htmlcheck/testdata/cases.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var out []example
	for part := range strings.SplitSeq(strings.TrimPrefix(string(cases), "== "), "\n== ") {
		head, body, _ := strings.Cut(part, "\n")
		rule, verdict, _ := strings.Cut(head, " ")
		if !strings.HasPrefix(body, "<!DOCTYPE") {
			body = `<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><main><h1>x</h1>` + body + `</main></body></html>`
		}
		out = append(out, example{rule: rule, html: body, fail: strings.HasPrefix(verdict, "fail")})
	}
	return out
}

// sound checks what holds of each repair, whatever the document.
func sound(tb testing.TB, source string, result *htmlfix.Result) {
	tb.Helper()
	before, after := failing(tb, []byte(source)), failing(tb, result.HTML)
	manual := map[string]int{}
	for _, f := range result.Manual {
		manual[f.Rule]++
		if f.Detail == "" {
			tb.Errorf("no reason why %s is left", f.Rule)
		}
	}
	for rule, count := range after {
		if count > before[rule] && before["aria-hidden-body"] == 0 { // what is hidden is not checked
			tb.Errorf("%s fails %d times instead of %d after the repair\n%s\n%s", rule, count, before[rule], source, result.HTML)
		}
		if manual[rule] < count {
			tb.Errorf("%s still fails and is not flagged\n%s", rule, result.HTML)
		}
	}
	for _, r := range result.Fixed {
		if rule, ok := htmlcheck.RuleByID(r.Rule); !ok || !rule.Fixable {
			tb.Errorf("a repair of %s is claimed, which is not fixable", r.Rule)
		}
		if r.Line < 1 || r.Column < 1 || r.Detail == "" {
			tb.Errorf("a repair without a place or detail: %+v", r)
		}
	}
	if len(result.Fixed) == 0 && !bytes.Equal(result.HTML, []byte(source)) {
		tb.Errorf("nothing is fixed, yet the document differs\n%s\n%s", source, result.HTML)
	}
	again, err := htmlfix.Fix(result.HTML, htmlfix.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	if len(again.Fixed) > 0 {
		tb.Errorf("a second repair finds something to do: %+v\n%s", again.Fixed, result.HTML)
	}
	if diff := cmp.Diff(string(result.HTML), string(again.HTML)); diff != "" {
		tb.Errorf("a second repair changes the document (-first +second):\n%s", diff)
	}
}

// TestExamplesOfTheChecker compares what rules say of themselves with what happens to the cases in which they fail.
func TestExamplesOfTheChecker(t *testing.T) {
	t.Parallel()
	for i, e := range examples(t) {
		t.Run(fmt.Sprintf("%d %s", i, e.rule), func(t *testing.T) {
			t.Parallel()
			result := fix(t, e.html)
			sound(t, e.html, result)
			rule, ok := htmlcheck.RuleByID(e.rule)
			if !ok {
				t.Fatalf("no rule %s", e.rule)
			}
			repaired := slices.ContainsFunc(result.Fixed, func(r htmlfix.Repair) bool { return r.Rule == e.rule })
			left := failing(t, result.HTML)[e.rule]
			if os.Getenv("SHOW") != "" && e.fail {
				t.Logf("%v fixable %t repaired %t left %d\n%s\n%s\n%+v", e.rule, rule.Fixable, repaired, left, e.html, result.HTML, result.Fixed)
			}
			if e.fail && repaired && left > 0 {
				t.Errorf("a repair is claimed, yet the rule fails\n%s", result.HTML)
			}
		})
	}
}
