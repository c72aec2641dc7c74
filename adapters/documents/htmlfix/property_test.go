package htmlfix_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/documents/htmlfix"
)

// readersText returns the text that readers see, a skip link left out.
func readersText(tb testing.TB, source []byte) string {
	tb.Helper()
	d, err := htmlcheck.Parse(source)
	if err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	for _, n := range d.Elements {
		if n.Data == "html" {
			gatherText(n, &b)
			break
		}
	}
	return htmlcheck.Collapse(b.String())
}

func gatherText(n *html.Node, b *strings.Builder) {
	switch n.Type {
	case html.TextNode:
		b.WriteString(n.Data)
	case html.ElementNode:
		if n.Data == "title" && n.Namespace == "" || n.Data == "style" || n.Data == "script" || n.Data == "template" ||
			htmlcheck.Attr(n, "class") == "perfectworks-skip-link" {
			return
		}
	default: // comments are not seen
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		gatherText(child, b)
	}
}

// holds checks what holds of each document.
func holds(tb testing.TB, source string) {
	tb.Helper()
	result, err := htmlfix.Fix([]byte(source), htmlfix.Options{})
	var deep *htmlcheck.TooDeepError
	if errors.As(err, &deep) {
		return
	}
	if err != nil {
		tb.Fatal(err)
	}
	sound(tb, source, result)
	if before, after := readersText(tb, []byte(source)), readersText(tb, result.HTML); before != after {
		tb.Errorf("the text changed\n%q\n%q\n%s\n%s", before, after, source, result.HTML)
	}
	// Each tag may get some attributes or a partner; the page as a whole gets a skip link with its style and a title.
	if limit := 2000 + len(source) + 400*bytes.Count([]byte(source), []byte("<")); len(result.HTML) > limit {
		tb.Errorf("%d bytes became %d", len(source), len(result.HTML))
	}
}

var (
	tagNames = strings.Fields(`div p span b i a a ul ol li li dl dt dd table tr td th thead tbody caption h1 h2 h3 h4 h5 h6
		header footer main nav section article aside form label input input select option textarea button img img iframe
		svg figure figcaption marquee blink font center audio br hr meter details summary object title body template`)
	attributes = []string{
		`href="/a"`, `href="/b"`, `href="#x"`, `id=x`, `id="y"`, `for=x`, `for="gone"`, `alt`, `alt=" "`, `alt="icon"`, `alt='A cat'`,
		`title="A title"`, `aria-label="name"`, `aria-labelledby="x y"`, `aria-foo=1`, `aria-checked="maybe"`, `aria-hidden="true"`,
		`role="button"`, `role=buton`, `role="list"`, `role="listitem"`, `role="none"`, `role="heading"`, `role=main`, `role="directory"`,
		`role="checkbox"`, `role="slider"`, `role="banner"`, `role="img"`, `role="dialog"`, `tabindex="5"`, `tabindex=0`, `scope="column"`,
		`headers="x z"`, `style="color:#aaa;background:#fff"`, `style='letter-spacing: 0em !important'`, `style="display:none"`,
		`src=spacer.gif`, `src="a.png"`, `width=1 height=1`, `type=checkbox`, `type="image"`, `type="submit" value=""`, `type=radio`,
		`border=1`, `lang="french"`, `autoplay`, `hidden`, `class="content"`, `id="header"`, `bgcolor=#eee`, `placeholder="x"`, `/`,
		`data-tooltip="Tip"`, `summary="Prices"`, `aria-owns="x"`, `aria-describeby="x"`,
	}
	words = []string{"Name:", "Prices", "one", "2.50", "some text", "&amp;", "read more", " ", "\n", "é", "<!-- c -->", "Town hall"}
)

// messy draws markup as people write it who do not look at it: tags without an end, ends without a beginning.
func messy(t *rapid.T) string {
	var b strings.Builder
	if rapid.Bool().Draw(t, "doctype") {
		b.WriteString("<!DOCTYPE html><html lang=en><title>Prices</title>")
	}
	var open []string
	for range rapid.IntRange(1, 30).Draw(t, "parts") {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0, 1:
			b.WriteString(rapid.SampledFrom(words).Draw(t, "words"))
		case 2, 3:
			if len(open) > 0 {
				b.WriteString("</" + open[len(open)-1] + ">")
				open = open[:len(open)-1]
			}
		case 4:
			b.WriteString("</" + rapid.SampledFrom(tagNames).Draw(t, "end") + ">")
		default:
			name := rapid.SampledFrom(tagNames).Draw(t, "name")
			b.WriteString("<" + name)
			for range rapid.IntRange(0, 3).Draw(t, "attributes") {
				b.WriteString(" " + rapid.SampledFrom(attributes).Draw(t, "attribute"))
			}
			b.WriteString(">")
			open = append(open, name)
		}
	}
	return b.String()
}

func TestAnyDocument(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) { holds(failer{t, r}, messy(r)) })
}

// failer lets helpers of tests fail a rapid check.
type failer struct {
	*testing.T
	r *rapid.T
}

func (f failer) Helper()                      {}
func (f failer) Errorf(s string, args ...any) { f.r.Errorf(s, args...) }
func (f failer) Error(args ...any)            { f.r.Error(args...) }
func (f failer) Fatal(args ...any)            { f.r.Fatal(args...) }

func FuzzFix(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(e.html)
	}
	file, err := os.ReadFile(repairsFile)
	if err != nil {
		f.Fatal(err)
	}
	for part := range strings.SplitSeq(string(file), "\n== ") {
		_, body, _ := strings.Cut(part, "\n")
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, source string) {
		holds(t, strings.ToValidUTF8(source, "\ufffd"))
	})
}
