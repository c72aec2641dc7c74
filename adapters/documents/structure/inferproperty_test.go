package structure_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// nesting are the elements that may only be in some others, and those that hold some others alone (ISO 14289-1, 7.2).
var (
	parents = map[pdf.Name][]pdf.Name{
		"TR": {"Table"}, "TH": {"TR"}, "TD": {"TR"}, "LI": {"L"}, "Lbl": {"LI", "Note"}, "LBody": {"LI"}, "TOCI": {"TOC"},
	}
	only = map[pdf.Name][]pdf.Name{
		"Table": {"TR", "Caption"}, "TR": {"TH", "TD"}, "L": {"LI"}, "LI": {"Lbl", "LBody"}, "TOC": {"TOCI", "TOC"},
	}
)

// wellNested checks what PDF/UA asks of a tree.
func wellNested(t interface {
	Helper()
	Errorf(format string, args ...any)
}, tree *structure.Tree,
) {
	t.Helper()
	before := 0
	ids := map[string]bool{}
	var walk func(n, parent *structure.Node)
	walk = func(n, parent *structure.Node) {
		if allowed := parents[n.Type]; allowed != nil && !slices.Contains(allowed, parent.Type) {
			t.Errorf("a %s is in a %s", n.Type, parent.Type)
		}
		if allowed := only[parent.Type]; allowed != nil && !slices.Contains(allowed, n.Type) {
			t.Errorf("a %q is in a %s", n.Type, parent.Type)
		}
		if level := strings.TrimPrefix(string(n.Type), "H"); len(level) == 1 && string(n.Type) != level {
			if now := int(level[0] - '0'); now > before+1 {
				t.Errorf("H%d follows H%d", now, before)
			} else {
				before = now
			}
		}
		if n.Type == "Note" && (n.Attributes().ID == "" || ids[n.Attributes().ID]) {
			t.Errorf("a note has the identifier %q", n.Attributes().ID)
		}
		ids[n.Attributes().ID] = true
		if n.Type == "Table" {
			regular(t, n)
		}
		for _, kid := range n.Kids {
			walk(kid, n)
		}
	}
	for _, kid := range tree.Root.Kids {
		walk(kid, tree.Root)
	}
}

// regular checks that all rows of a table have as many columns.
func regular(t interface{ Errorf(string, ...any) }, table *structure.Node) {
	var taken []int // rows that a cell above still takes, by column
	width := -1
	for _, tr := range table.Kids {
		if tr.Type != "TR" {
			continue
		}
		at := 0
		next := slices.Clone(taken)
		for i := range next {
			next[i] = max(0, next[i]-1)
		}
		for _, cell := range tr.Kids {
			for at < len(taken) && taken[at] > 0 {
				at++
			}
			for range max(1, cell.Attributes().ColSpan) {
				for len(next) <= at {
					next = append(next, 0)
				}
				next[at] = max(1, cell.Attributes().RowSpan) - 1
				at++
			}
		}
		for at < len(taken) && taken[at] > 0 {
			at++
		}
		if width >= 0 && at != width {
			t.Errorf("a row has %d columns, those before it %d", at, width)
		}
		width, taken = at, next
	}
	for _, left := range taken {
		if left > 0 {
			t.Errorf("a cell reaches below the table")
		}
	}
}

// TestInferAnything scatters text, images and lines over pages: nothing is lost, and the tree is sound.
func TestInferAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var list []*canvas
		for i := range rapid.IntRange(1, 3).Draw(t, "pages") {
			c := newCanvas(i + 1)
			for range rapid.IntRange(0, 40).Draw(t, "runs") {
				// A coarse raster makes columns, rows and touching edges likely.
				x := float64(rapid.IntRange(0, 12).Draw(t, "x") * 45)
				y := float64(rapid.IntRange(0, 60).Draw(t, "y") * 13)
				text := rapid.SampledFrom([]string{
					"1.", "2.", "a)", "•", "–", "12", "Chapter 3", "1.2 Title", "Table 1. Wells", "Figure 2: X", "word",
					"two words", prose(300, 1), " ", "", "end-", "....... 7", "[3]", "iv", "12.50", "(i)",
				}).Draw(t, "text")
				size := rapid.SampledFrom([]float64{5, 6, 8, 10, 10, 10, 12, 20, 0}).Draw(t, "size")
				angle := rapid.SampledFrom([]float64{0, 0, 0, 0, 90, 45, 270}).Draw(t, "angle")
				c.text(x, y, text, sized(size), func(r *pagetext.Run) {
					r.Angle = angle
					r.Bold = rapid.Bool().Draw(t, "bold")
					r.Mono = rapid.IntRange(0, 5).Draw(t, "mono") == 0
					r.Hidden = rapid.IntRange(0, 20).Draw(t, "hidden") == 0
				})
			}
			for range rapid.IntRange(0, 25).Draw(t, "lines") {
				x := float64(rapid.IntRange(0, 6).Draw(t, "x") * 90)
				y := float64(rapid.IntRange(0, 20).Draw(t, "y") * 39)
				switch rapid.IntRange(0, 4).Draw(t, "kind") {
				case 0:
					c.rule(x, y, x+float64(rapid.IntRange(1, 5).Draw(t, "n")*90), y+0.5)
				case 1:
					c.rule(x, y, x+0.5, y+float64(rapid.IntRange(1, 5).Draw(t, "n")*39))
				case 2:
					c.fill(x, y, x+90, y+39, 0xdddddd)
				case 3:
					c.shape(x, y, x+float64(rapid.IntRange(1, 60).Draw(t, "w")), y+float64(rapid.IntRange(1, 60).Draw(t, "h")))
				default:
					c.image(x, y, x+float64(rapid.IntRange(1, 500).Draw(t, "w")), y+float64(rapid.IntRange(1, 500).Draw(t, "h")))
				}
			}
			list = append(list, c)
		}
		pages := pagesOf(list...)
		hints := structure.Hints{Links: []structure.Link{
			{Page: 1, Annotation: pdf.Ref{Number: 3}, Areas: []pagetext.Rect{{Left: 40, Bottom: 100, Right: 300, Top: 300}}},
			{Page: 1, Annotation: pdf.Ref{Number: 4}, URI: "x", Areas: []pagetext.Rect{{Left: 1, Bottom: 1, Right: 2, Top: 2}}},
		}}
		for i := range rapid.IntRange(0, 4).Draw(t, "fields") {
			x, y := float64(rapid.IntRange(0, 12).Draw(t, "x")*45), float64(rapid.IntRange(0, 60).Draw(t, "y")*13)
			hints.Fields = append(hints.Fields, structure.Field{
				Page: 1, Annotation: pdf.Ref{Number: 5 + i}, Area: pagetext.Rect{Left: x, Bottom: y, Right: x + 90, Top: y + 14},
			})
		}
		tree := structure.Infer(pages, hints)
		complete(t, tree, pages)
		annotated(t, tree, hints)
		wellNested(t, tree)
	})
}

// annotated checks that every link and field is there once.
func annotated(t interface{ Errorf(string, ...any) }, tree *structure.Tree, hints structure.Hints) {
	count := map[pdf.Ref]int{}
	var walk func(n *structure.Node)
	walk = func(n *structure.Node) {
		count[n.Content.Annotation]++
		for _, kid := range n.Kids {
			walk(kid)
		}
	}
	walk(tree.Root)
	for _, l := range hints.Links {
		if n := count[l.Annotation]; n != 1 {
			t.Errorf("link %d is there %d times", l.Annotation.Number, n)
		}
	}
	for _, f := range hints.Fields {
		if n := count[f.Annotation]; n != 1 {
			t.Errorf("field %d is there %d times", f.Annotation.Number, n)
		}
	}
}

// complete checks that everything is there once.
func complete(t interface{ Errorf(string, ...any) }, tree *structure.Tree, pages []*pagetext.Page) {
	count := map[string]int{}
	add := func(c structure.Content) {
		for _, i := range c.Runs {
			count[fmt.Sprint(c.Page, " run ", i)]++
		}
		for _, i := range c.Images {
			count[fmt.Sprint(c.Page, " image ", i)]++
		}
	}
	var walk func(n *structure.Node)
	walk = func(n *structure.Node) {
		add(n.Content)
		for _, kid := range n.Kids {
			walk(kid)
		}
	}
	walk(tree.Root)
	for _, a := range tree.Artifacts {
		add(a.Content)
	}
	want := 0
	for _, p := range pages {
		want += len(p.Runs()) + len(p.Images)
	}
	for key, n := range count {
		if n != 1 {
			t.Errorf("%s is there %d times", key, n)
		}
	}
	if len(count) != want {
		t.Errorf("%d things are there, of %d", len(count), want)
	}
}

// inferFile infers the structure of a file.
func inferFile(tb testing.TB, data []byte, operations int) (*structure.Tree, []*pagetext.Page) {
	tb.Helper()
	f, err := pdf.Open(data, pdf.Limits{StreamBytes: 8 << 20, TotalBytes: 64 << 20})
	if err != nil {
		return nil, nil
	}
	list, err := f.Pages(500)
	if err != nil {
		return nil, nil
	}
	pages, err := pagetext.Read(f, list, pagetext.Limits{Operations: operations, Runs: operations})
	if err != nil {
		return nil, nil
	}
	return structure.Infer(pages, structure.ReadHints(f, list)), pages
}

// TestInferCorpus infers what the files of the corpus have tags for: nothing is lost, and the tree is sound.
func TestInferCorpus(t *testing.T) {
	t.Parallel()
	for _, path := range corpus(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if tree, pages := inferFile(t, data, 1_000_000); tree != nil {
				complete(t, tree, pages)
				wellNested(t, tree)
			}
		})
	}
}

// FuzzInfer infers the structure of anything.
func FuzzInfer(f *testing.F) {
	f.Add(tagged("/P<</MCID 0>>BDC BT/F 10 Tf 50 700 Td(1. A)Tj 0 -12 Td(2. B)Tj ET EMC 50 600 100 100 re S /I Do", "null"))
	f.Add(tagged("BT/F 10 Tf 1 0 0 1 50 700 Tm[(A)-2000(B)]TJ T*(C)' ET 0 0 m 100 0 l S 50 50 20 20 re f", "null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tree, pages := inferFile(t, data, 20_000); tree != nil {
			complete(t, tree, pages)
			wellNested(t, tree)
		}
	})
}
