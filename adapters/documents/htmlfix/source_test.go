package htmlfix

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

func FuzzScanTag(f *testing.F) {
	for _, tag := range []string{
		`<img src=a.png alt = "x y" / hidden>`, `<a href='x>y'title=z>`, `<p =x y== "">`, `<br/>`, `<a b=c/>`, `<A HREF = X/ Y>`, `<a b='c' 'd' "e">`, "<a\nb\r=\fc>",
	} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, text string) {
		source := []byte(text)
		z := html.NewTokenizer(bytes.NewReader(source))
		for _, token := range htmlcheck.Tokenize(source) {
			z.Next()
			if token.Kind != html.StartTagToken && token.Kind != html.SelfClosingTagToken {
				continue
			}
			if name := string(source[token.Start+1 : token.Start+1+len(token.Name)]); len(name) == len(token.Name) && !strings.EqualFold(name, token.Name) {
				t.Errorf("the tag %q is said to be at %q", token.Name, name)
			}
			var want, got []string
			for _, more := z.TagName(); more; {
				var key, value []byte
				key, value, more = z.TagAttr()
				want = append(want, string(key), string(value))
			}
			attributes, last := scanTag(source, token)
			seen := map[string]bool{}
			for _, a := range attributes {
				if seen[a.key] { // the first one counts
					continue
				}
				seen[a.key] = true
				got = append(got, a.key, string(source[a.valueStart:a.valEnd]))
				if a.start < token.Start || a.end > token.End || a.end > last {
					t.Errorf("the attribute %+v lies outside of its tag", a)
				}
			}
			if strings.ContainsAny(text, "&\r\x00") || !isASCII(text) { // those are read as something else
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("attributes of %q (-tokenizer +scan):\n%s", source[token.Start:token.End], diff)
			}
		}
	})
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > 0x7f }) < 0
}

func TestExtents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ source, tag, want string }{
		{`<p>a<p>b</p>c`, "<p>a", "<p>a"},
		{`<p>a<p>b</p>c`, "<p>b", "<p>b</p>"},
		{`<ul><li>a<li>b <i>c</i></ul>d`, "<ul", "<ul><li>a<li>b <i>c</i></ul>"},
		{`<ul><li>a<li>b <i>c</i></ul>d`, "<li>b", "<li>b <i>c</i>"},
		{`<table><tr><td>a<td>b</table>`, "<td>a", "<td>a"},
		{`<table><tr><td>a<td>b</table>`, "<tr", "<tr><td>a<td>b"},
		{`<div>a<br>b</div>`, "<br", "<br>"},
		{`<div>a</span>b</div>c`, "<div", "<div>a</span>b</div>"},
		{`<div><textarea></div></textarea></div>c`, "<div", "<div><textarea></div></textarea></div>"},
		{`<div><!-- </div> --><script>"</div>"</script></div>c`, "<div", `<div><!-- </div> --><script>"</div>"</script></div>`},
		{`<main>a`, "<main", "<main>a"},
		{`<b><p>a</b>b</p>`, "<b", ""},
		{`<section><div>a</section>b`, "<div", "<div>a"},
	} {
		source := []byte(c.source)
		found, err := extents(source, htmlcheck.Tokenize(source))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if e, ok := found[strings.Index(c.source, c.tag)]; ok {
			got = c.source[e.start:e.end]
		}
		if got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.tag, c.source, got, c.want)
		}
	}
}

// TestWayBack checks that what edits leave alone is found where it was.
func TestWayBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.SliceOfN(rapid.Byte(), 1, 60).Draw(t, "source")
		var edits []edit
		for at := 0; at <= len(source); {
			at += rapid.IntRange(0, 9).Draw(t, "gap")
			end := at + rapid.IntRange(0, 4).Draw(t, "length")
			if end > len(source) {
				break
			}
			edits = append(edits, edit{start: at, end: end, text: rapid.SampledFrom([]string{"", "x", "abc"}).Draw(t, "text"), partner: -1})
			at = end + 1
		}
		step := apply(source, edits)
		kept := 0
		for i, c := range step.source {
			at, inside := step.before(i)
			if inside >= 0 {
				continue
			}
			kept++
			if source[at] != c {
				t.Fatalf("byte %d is %q, and is said to have been %q at %d", i, c, source[at], at)
			}
		}
		want := len(source)
		for _, e := range edits {
			want -= e.end - e.start
		}
		if kept != want {
			t.Fatalf("%d bytes are said to be kept, want %d", kept, want)
		}
	})
}

func TestRenumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		levels := rapid.SliceOfN(rapid.IntRange(1, 8), 1, 20).Draw(t, "levels")
		main := rapid.IntRange(-1, len(levels)-1).Draw(t, "main")
		if main >= 0 {
			for i, level := range levels { // a main heading is chosen only where no level is one
				levels[i] = max(level, 2)
			}
		}
		got := renumber(levels, main)
		for i, level := range got {
			if i > 0 && level > got[i-1]+1 {
				t.Fatalf("%v became %v, with a gap at %d", levels, got, i)
			}
			if main >= 0 && (level == 1) != (i == main) {
				t.Fatalf("%v became %v, with the main heading %d", levels, got, main)
			}
			if i > 0 && levels[i] == levels[i-1] && i != main && i-1 != main && got[i] != got[i-1] {
				t.Fatalf("%v became %v: equal neighbours differ", levels, got)
			}
		}
		if diff := cmp.Diff(got, renumber(got, -1)); diff != "" {
			t.Fatalf("a second time it changes: %s", diff)
		}
	})
}

func TestContrasting(t *testing.T) {
	t.Parallel()
	part := rapid.Map(rapid.IntRange(0, 255), func(v int) float64 { return float64(v) / 255 })
	rapid.Check(t, func(t *rapid.T) {
		text := htmlcheck.Color{part.Draw(t, "r"), part.Draw(t, "g"), part.Draw(t, "b")}
		ground := htmlcheck.Color{part.Draw(t, "ground r"), part.Draw(t, "ground g"), part.Draw(t, "ground b")}
		need := rapid.SampledFrom([]float64{3, 4.5}).Draw(t, "need")
		got, ok := contrasting(text, ground, need)
		if !ok { // black or white has at least 4.58 to any colour
			t.Fatalf("no colour found for %v on %v", text, ground)
		}
		if ratio := htmlcheck.ContrastRatio(got, ground); ratio < need {
			t.Fatalf("%v on %v has %.2f, less than %.1f", got, ground, ratio, need)
		}
	})
}
