package pdfhtml_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// wellFormed tells what is wrong with a document as HTML: it does not come out of a parser as it went in, identifiers
// are not unique or lead nowhere, heading levels skip, or there is something that runs.
func wellFormed(t interface {
	Helper()
	Errorf(format string, args ...any)
}, document []byte,
) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(document))
	if err != nil {
		t.Errorf("no HTML: %v", err)
		return
	}
	var again bytes.Buffer
	if err := html.Render(&again, root); err != nil {
		t.Errorf("cannot be written: %v", err)
	}
	if before, after := tokens(document), tokens(again.Bytes()); !slices.Equal(before, after) {
		at := 0
		for at < min(len(before), len(after)) && before[at] == after[at] {
			at++
		}
		t.Errorf("a parser reads something else:\n%q\n%q", before[max(0, at-4):min(len(before), at+4)], after[max(0, at-4):min(len(after), at+4)])
	}
	ids, level := map[string]int{}, 0
	var targets []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch n.Data {
		case "script", "iframe", "object", "embed", "base", "link":
			if n.Type == html.ElementNode {
				t.Errorf("there is a %s", n.Data)
			}
		case "h1", "h2", "h3", "h4", "h5", "h6":
			if l := int(n.Data[1] - '0'); n.Type == html.ElementNode {
				if l > level+1 {
					t.Errorf("level %d after %d", l, level)
				}
				level = l
			}
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "id":
				ids[a.Val]++
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				targets = append(targets, a.Val[1:])
			case a.Key == "href" && !strings.HasPrefix(a.Val, "https:") && !strings.HasPrefix(a.Val, "http:") && !strings.HasPrefix(a.Val, "mailto:") && !strings.HasPrefix(a.Val, "tel:"):
				t.Errorf("a link leads to %q", a.Val)
			case strings.HasPrefix(a.Key, "on"):
				t.Errorf("there is an attribute %s", a.Key)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	for id, n := range ids {
		if n > 1 {
			t.Errorf("the identifier %q is there %d times", id, n)
		}
	}
	for _, target := range targets {
		if ids[target] == 0 {
			t.Errorf("a link leads to %q, which is not there", target)
		}
	}
}

// tokens gives the tags and texts of a document, without white space between tags; the order of attributes is no matter.
func tokens(document []byte) []string {
	var out []string
	for z := html.NewTokenizer(bytes.NewReader(document)); z.Next() != html.ErrorToken; {
		token := z.Token()
		slices.SortFunc(token.Attr, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
		if s := strings.TrimSpace(token.String()); s != "" {
			out = append(out, s)
		}
	}
	return out
}

var kinds = []pdf.Name{
	"Document", "Part", "Art", "Sect", "Div", "BlockQuote", "Caption", "TOC", "TOCI", "Index", "NonStruct", "P", "H", "H1",
	"H2", "H3", "H6", "L", "LI", "Lbl", "LBody", "Table", "TR", "TH", "TD", "THead", "TBody", "TFoot", "Span", "Quote",
	"Note", "Reference", "BibEntry", "Code", "Link", "Annot", "Ruby", "RB", "RT", "Figure", "Formula", "Form",
}

// anyTree draws a tree of any types in any order; every text is in it once.
func anyTree(t *rapid.T, d *draft, depth int, words *[]string) *structure.Node {
	if depth == 0 || rapid.IntRange(0, 4).Draw(t, "leaf") == 0 {
		switch rapid.IntRange(0, 12).Draw(t, "content") {
		case 0:
			return d.image(float64(rapid.IntRange(1, 40).Draw(t, "size")))
		case 1:
			return d.link(rapid.SampledFrom([]string{"https://example.org/", "javascript:x", "mailto:a@b.c"}).Draw(t, "address"))
		case 2:
			return d.to(1, float64(rapid.IntRange(0, 800).Draw(t, "top")))
		case 3:
			if len(d.pages) < 5 {
				d.page()
			}
		}
		word := rapid.StringMatching(`[a-z]{6,9}`).Draw(t, "word")
		*words = append(*words, word)
		change := rapid.SampledFrom([]func(*pagetext.Run){bold, italic, mono, func(*pagetext.Run) {}}).Draw(t, "style")
		if rapid.Bool().Draw(t, "line") {
			return d.line(" "+word+" <", change)
		}
		return d.run(" "+word+" &", change)
	}
	n := node(rapid.SampledFrom(kinds).Draw(t, "kind"))
	for range rapid.IntRange(0, 5).Draw(t, "kids") {
		n.Kids = append(n.Kids, anyTree(t, d, depth-1, words))
	}
	n.Edit().ColSpan, n.Edit().RowSpan = rapid.IntRange(0, 3).Draw(t, "columns"), rapid.IntRange(0, 3).Draw(t, "rows")
	n.Edit().Lang = rapid.SampledFrom([]string{"", "", "de", "he", "no language"}).Draw(t, "language")
	n.Edit().Alt = rapid.SampledFrom([]string{"", "", `an "alternative"`}).Draw(t, "alternative")
	return n
}

// TestAnyTree converts trees of any shape: the result is well-formed, keeps the rules, and has each word once.
func TestAnyTree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := newDraft()
		var words []string
		tree := &structure.Tree{Root: node("Document"), Title: "Title of it all"}
		for range rapid.IntRange(0, 5).Draw(rt, "blocks") {
			tree.Root.Kids = append(tree.Root.Kids, anyTree(rt, d, 5, &words))
		}
		r, err := pdfhtml.Convert(d.file, tree, d.pages, pdfhtml.Options{Language: "en"})
		if err != nil {
			rt.Fatal(err)
		}
		wellFormed(rt, r.HTML)
		shown := mainOf(string(r.HTML))
		for _, word := range words {
			if !strings.Contains(shown, word) {
				rt.Errorf("the word %q is lost in\n%s", word, shown)
			}
		}
	})
}

// TestDeepTrees converts trees that nest much deeper than HTML may.
func TestDeepTrees(t *testing.T) {
	t.Parallel()
	for _, kind := range []pdf.Name{"Sect", "Div", "L", "LI", "Table", "TD", "BlockQuote", "TOC", "TOCI", "Note", "Span", "Link", "Figure", "P", "Ruby"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			d := newDraft()
			n := d.line("deepest")
			for range 190 { // what reading tags lets through
				n = node(kind, n, d.line("x"))
			}
			wellFormed(t, d.result(t, pdfhtml.Options{}, n).HTML)
		})
	}
}

// FuzzConvert converts damaged files: what comes out is well-formed.
func FuzzConvert(f *testing.F) {
	sample, err := os.ReadFile("testdata/sample.pdf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := convert(data, pdfhtml.Options{}); err == nil {
			wellFormed(t, r.HTML)
		}
	})
}

// TestMutations converts the corpus with bytes changed here and there.
func TestMutations(t *testing.T) {
	t.Parallel()
	rounds := 1
	if os.Getenv("CORPUS") != "" {
		rounds = 40
	}
	paths := corpus(t)
	if rounds == 1 {
		paths = paths[:len(paths)/4]
	}
	random := rand.New(rand.NewPCG(1, 2))
	converted := 0
	for range rounds {
		for _, path := range paths {
			data := bytes.Clone(file(t, path))
			for range random.IntN(20) + 1 {
				data[random.IntN(len(data))] = byte(random.IntN(256))
			}
			r, err := convert(data, pdfhtml.Options{})
			if err != nil {
				continue
			}
			converted++
			if wellFormed(t, r.HTML); t.Failed() {
				t.Fatalf("mutation of %s", path)
			}
		}
	}
	if converted == 0 {
		t.Error("no mutation could be converted")
	}
}
