package htmlcheck_test

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// cases hold a rule, whether it fails, and a page or a part of one. Where axe knowingly says less, "beyond" follows.
//
//go:embed testdata/cases.txt
var cases string

type example struct {
	rule string
	fail bool
	// beyond is set if axe does not find it.
	beyond bool
	html   string
}

func examples(t *testing.T) []example {
	t.Helper()
	var out []example
	for part := range strings.SplitSeq(strings.TrimPrefix(cases, "== "), "\n== ") {
		head, body, _ := strings.Cut(part, "\n")
		rule, verdict, ok := strings.Cut(head, " ")
		verdict, beyond := strings.CutSuffix(verdict, " beyond")
		if !ok || verdict != "fail" && verdict != "pass" {
			t.Fatalf("malformed case %q", head)
		}
		if !strings.HasPrefix(body, "<!DOCTYPE") {
			body = `<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><main><h1>x</h1>` + body + `</main></body></html>`
		}
		out = append(out, example{rule: rule, fail: verdict == "fail", beyond: beyond, html: body})
	}
	return out
}

func check(t *testing.T, html string) *htmlcheck.Result {
	t.Helper()
	result, err := htmlcheck.Check([]byte(html))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func failing(result *htmlcheck.Result) map[string]int {
	out := map[string]int{}
	for _, f := range result.Findings {
		out[f.Rule]++
	}
	return out
}

func TestRules(t *testing.T) {
	t.Parallel()
	failed := map[string]bool{"charset": true} // tested apart
	for i, e := range examples(t) {
		failed[e.rule] = failed[e.rule] || e.fail
		t.Run(fmt.Sprintf("%d %s", i, e.rule), func(t *testing.T) {
			t.Parallel()
			result := check(t, e.html)
			if got := failing(result)[e.rule] > 0; got != e.fail {
				t.Errorf("fails: %t, want %t\n%s\n%+v", got, e.fail, e.html, result.Findings)
			}
		})
	}
	for _, rule := range htmlcheck.Rules() {
		if !failed[rule.ID] {
			t.Errorf("no case in which %s fails", rule.ID)
		}
	}
}

func TestGoodPageHasNoFindings(t *testing.T) {
	t.Parallel()
	result := check(t, `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Prices</title><meta name="viewport" content="width=device-width"></head>
<body><a href="#main">Skip to content</a><header><nav aria-label="Main"><ul><li><a href="/">Home</a></li></ul></nav></header>
<main id="main"><h1>Prices</h1><h2>Tea</h2><img src="a.png" alt="A cup of tea">
<table><caption>Tea</caption><tr><th scope="col">Kind</th><th scope="col">Price</th></tr><tr><td>Green</td><td>3</td></tr></table>
<form><label>Name <input autocomplete="name"></label><button>Send</button></form></main><footer><p>Imprint</p></footer></body></html>`)
	if len(result.Findings) > 0 {
		t.Errorf("findings: %+v", result.Findings)
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	html := "<!DOCTYPE html><html lang=en><title>t</title>\n<main><h1>x</h1>\n\té<img src=a>\n<table><img src=b></table>\n<p><img\nsrc=c></main>"
	var got [][2]int
	for _, f := range check(t, html).Findings {
		if f.Rule == "image-alt" {
			got = append(got, [2]int{f.Line, f.Column})
		}
	}
	// The second image is moved in front of its table, but stays where it is written.
	if diff := cmp.Diff([][2]int{{3, 3}, {4, 8}, {5, 4}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCharset(t *testing.T) {
	t.Parallel()
	if failing(check(t, "<html lang=en><title>t</title><p>a\ufffdb"))["charset"] != 1 {
		t.Error("a replacement character is not found")
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	t.Parallel()
	var deep *htmlcheck.TooDeepError
	if _, err := htmlcheck.Check([]byte(strings.Repeat("<div>", 100_000))); !errors.As(err, &deep) {
		t.Errorf("got %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	for part := range strings.SplitSeq(cases, "\n== ") {
		_, body, _ := strings.Cut(part, "\n")
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		result, err := htmlcheck.Check([]byte(strings.ToValidUTF8(string(source), "\ufffd")))
		if err != nil {
			return
		}
		for _, finding := range result.Findings {
			if _, ok := htmlcheck.RuleByID(finding.Rule); !ok {
				t.Errorf("unknown rule %s", finding.Rule)
			}
			if finding.Line < 1 || finding.Column < 1 {
				t.Errorf("no place for %+v", finding)
			}
		}
	})
}
