package structure_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// tagged makes a file of one page with the given content, whose structure tree has the given root; the elements are
// objects from 10 on.
func tagged(content, root string, elements ...string) []byte {
	f := &pdftest.File{}
	f.Add("<</Type/Catalog/Pages 2 0 R/Lang(en)/StructTreeRoot<</K " + root + ">>>>")
	f.Add("<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 600 800]>>")
	f.Add("<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R/I 7 0 R>>>>/Annots[8 0 R]>>")
	f.Stream("", []byte(content))
	f.Add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
	f.Stream("/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</Font<</F 5 0 R>>>>", []byte("/P<</MCID 0>>BDC BT/F 10 Tf 50 300 Td(in a form)Tj ET EMC BT/F 10 Tf 50 200 Td(unmarked in a form)Tj ET"))
	f.Stream("/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8", []byte("x"))
	f.Add("<</Type/Annot/Subtype/Link/Rect[50 500 100 520]/A<</S/URI/URI(https://example.org/)>>>>")
	f.Add("null")
	for _, e := range elements {
		f.Add(e)
	}
	f.Trailer = "/Info<</Title(The title)>>"
	return f.Bytes()
}

func at(y int, text string) string { return fmt.Sprintf("BT/F 10 Tf 50 %d Td(%s)Tj ET ", y, text) }

func marked(id, y int, text string) string {
	return fmt.Sprintf("/P<</MCID %d>>BDC %sEMC ", id, at(y, text))
}

func read(t *testing.T, data []byte, limits structure.ReadLimits) (*structure.Tree, []*pagetext.Page, error) {
	t.Helper()
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Skipf("no usable file: %v", err)
	}
	list, err := f.Pages(1000)
	if err != nil {
		t.Skipf("no usable pages: %v", err)
	}
	pages, err := pagetext.Read(f, list, pagetext.Limits{Operations: 200_000})
	if err != nil {
		t.Skipf("no usable content: %v", err)
	}
	tree, err := structure.Read(f, pages, limits)
	return tree, pages, err
}

// dump writes a tree in one line, with its text and what is not in its default state.
func dump(n *structure.Node, pages []*pagetext.Page) string {
	if n.Type == "" {
		var parts []string
		for _, i := range n.Content.Runs {
			parts = append(parts, "'"+pages[n.Content.Page-1].Runs()[i].Text+"'")
		}
		for range n.Content.Images {
			parts = append(parts, "image")
		}
		if (n.Content.Annotation != pdf.Ref{}) {
			parts = append(parts, fmt.Sprintf("annotation %d", n.Content.Annotation.Number))
		}
		return strings.Join(parts, " ")
	}
	attributes := ""
	a := n.Attributes()
	for _, v := range []any{a.Title, a.Lang, a.Alt, a.ActualText, a.Expansion, string(a.Scope), a.RowSpan, a.ColSpan, string(a.Numbering), a.ID, a.Headers} {
		if s := fmt.Sprint(v); s != "" && s != "0" && s != "[]" {
			attributes += "·" + s
		}
	}
	kids := make([]string, 0, len(n.Kids))
	for _, kid := range n.Kids {
		kids = append(kids, dump(kid, pages))
	}
	return string(n.Type) + attributes + "(" + strings.Join(kids, ", ") + ")"
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content, root string
		elements      []string
		want          string
		artifacts     int
	}{
		"heading and paragraph": {
			marked(0, 700, "Title") + marked(1, 650, "Text"), "10 0 R",
			[]string{"<</S/Document/K[11 0 R 12 0 R]>>", "<</S/H1/Pg 3 0 R/K 0>>", "<</S/P/Pg 3 0 R/K[1]>>"},
			"Document(H1('Title'), P('Text'))", 0,
		},
		"another order than painted": {
			marked(0, 700, "second") + marked(1, 650, "first"), "[11 0 R 10 0 R]",
			[]string{"<</S/P/Pg 3 0 R/K 0>>", "<</S/P/Pg 3 0 R/K 1>>"},
			"Document(P('first'), P('second'))", 0,
		},
		"marked-content references": {
			marked(0, 700, "a") + "/X Do", "10 0 R",
			[]string{"<</S/P/K[<</Type/MCR/Pg 3 0 R/MCID 0>> <</Type/MCR/Pg 3 0 R/Stm 6 0 R/MCID 0>>]>>"},
			"Document(P('a', 'in a form'), P('unmarked in a form'))", 0,
		},
		"form as an object": {
			"/X Do", "10 0 R",
			[]string{"<</S/Figure/Alt(a form)/Pg 3 0 R/K<</Type/OBJR/Obj 6 0 R>>>>"},
			"Document(Figure·a form('unmarked in a form'), P('in a form'))", 0,
		},
		"image as an object": {
			"q 100 0 0 100 50 50 cm/I Do Q", "10 0 R",
			[]string{"<</S/Figure/Pg 3 0 R/K<</Type/OBJR/Obj 7 0 R>>>>"},
			"Document(Figure(image))", 0,
		},
		"link": {
			marked(0, 500, "here"), "10 0 R",
			[]string{"<</S/P/K 11 0 R>>", "<</S/Link/Pg 3 0 R/K[0 <</Type/OBJR/Obj 8 0 R>>]>>"},
			"Document(P(Link('here', annotation 8)))", 0,
		},
		"attributes": {
			marked(0, 700, "a"), "10 0 R",
			[]string{
				"<</S/Table/T(Title)/Lang(de)/K 11 0 R>>", "<</S/TR/K[12 0 R 13 0 R 14 0 R]>>",
				"<</S/TH/ID(h)/A[<</O/Layout/Placement/Block>> 0 <</O/Table/Scope/Column/ColSpan 2>>]/Pg 3 0 R/K 0>>",
				"<</S/TD/A<</O/Table/Headers[(h)]/RowSpan 100000/ColSpan 1>>>>", "<</S/L/A<</O/List/ListNumbering/Decimal>>/Alt(x)/ActualText(y)/E(z)>>",
			},
			"Document(Table·Title·de(TR(TH·Column·2·h('a'), TD·1000·[h](), L·x·y·z·Decimal())))", 0,
		},
		"tag used twice": {
			marked(0, 700, "a"), "[10 0 R 11 0 R 10 0 R]",
			[]string{"<</S/P/Pg 3 0 R/K 0>>", "<</S/P/Pg 3 0 R/K 0>>"},
			"Document(P('a'), P())", 0,
		},
		"loop": {
			marked(0, 700, "a"), "10 0 R",
			[]string{"<</S/Sect/Pg 3 0 R/K[0 11 0 R]>>", "<</S/Div/K[10 0 R 11 0 R]>>"},
			"Document(Sect('a', Div()))", 0,
		},
		"untagged text in its place": {
			marked(0, 700, "a") + at(600, "b") + at(590, "c") + at(500, "d") + "/Artifact BMC " + at(790, "head") + "EMC ", "10 0 R",
			[]string{"<</S/Document/K[11 0 R]>>", "<</S/P/Pg 3 0 R/K 0>>"},
			"Document(P('a'), P('b' 'c'), P('d'))", 1,
		},
		"untagged text in the margins": {
			marked(0, 600, "a") + at(780, "head") + at(20, "5") + at(700, "b"), "10 0 R",
			[]string{"<</S/P/Pg 3 0 R/K 0>>"},
			"Document(P('a'), P('b'))", 2,
		},
		"untagged images": {
			marked(0, 700, "a") + "q 100 0 0 100 50 50 cm/I Do Q q 5 0 0 5 50 50 cm/I Do Q q 600 0 0 800 0 0 cm/I Do Q", "10 0 R",
			[]string{"<</S/P/Pg 3 0 R/K 0>>"},
			"Document(P('a'), Figure(image))", 2,
		},
		"artifact in the tree": {
			marked(0, 700, "a") + marked(1, 400, "b"), "[10 0 R 11 0 R]",
			[]string{"<</S/Artifact/Pg 3 0 R/K 0>>", "<</S/P/Pg 3 0 R/K 1>>"},
			"Document(P('b'))", 1,
		},
		"unknown types": {
			marked(0, 700, "a"), "10 0 R",
			[]string{"<</S/Whatever/K[11 0 R]>>", "<</S/Em/Pg 3 0 R/K 0>>"},
			"Document(NonStruct(Span('a')))", 0,
		},
		"what is no content": {
			marked(0, 700, "a"), "10 0 R",
			[]string{"<</S/P/K[0 -1 99 null (x) <</Type/MCR>> <</Type/OBJR>> 99 0 R]>>"},
			"Document(P(), P('a'))", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, pages, err := read(t, tagged(tc.content, tc.root, tc.elements...), structure.ReadLimits{})
			if err != nil {
				t.Fatal(err)
			}
			got := dump(tree.Root, pages)
			got = strings.ReplaceAll(strings.ReplaceAll(got, ", )", ")"), "(, ", "(")
			if got != tc.want || len(tree.Artifacts) != tc.artifacts {
				t.Errorf("got  %s\nwant %s\n%d artifacts, want %d", got, tc.want, len(tree.Artifacts), tc.artifacts)
			}
			if tree.Title != "The title" && tree.Root.Attributes().Title == "" || tree.Language != "en" {
				t.Errorf("title %q, language %q", tree.Title, tree.Language)
			}
			exactlyOnce(t, tree, pages)
		})
	}
}

func TestRoleMap(t *testing.T) {
	t.Parallel()
	data := tagged(marked(0, 700, "a"), "10 0 R/RoleMap<</Chapter/Top/Top/H1/Round/About/About/Round>>", "<</S/Chapter/Pg 3 0 R/K[0 11 0 R]>>", "<</S/Round>>")
	tree, pages, err := read(t, data, structure.ReadLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(tree.Root, pages), "Document(H1('a', NonStruct()))"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	paragraph := "<</S/P/Pg 3 0 R/K 0>>"
	for name, tc := range map[string]struct {
		content string
		want    float64
	}{
		"all":            {marked(0, 700, "abcd"), 1},
		"half":           {marked(0, 700, "abcd") + at(600, "abcd"), 0.5},
		"none":           {at(600, "abcd"), 0},
		"but artifacts":  {marked(0, 700, "abcd") + "/Artifact BMC " + at(600, "abcd") + "EMC", 1},
		"only artifacts": {"/Artifact BMC " + at(600, "abcd") + "EMC", 0},
		"no text":        {"", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, pages, err := read(t, tagged(tc.content, "10 0 R", paragraph), structure.ReadLimits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := structure.Coverage(tree, pages); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	if _, _, err := read(t, pdftest.Pages(1).Bytes(), structure.ReadLimits{}); !errors.Is(err, structure.ErrUntagged) {
		t.Errorf("untagged: %v", err)
	}
	many := make([]string, 1000)
	kids := ""
	for i := range many {
		many[i] = "<</S/P>>"
		kids += fmt.Sprintf("%d 0 R ", 10+i)
	}
	var limit *pdf.LimitError
	if _, _, err := read(t, tagged("", "["+kids+"]", many...), structure.ReadLimits{Elements: 999}); !errors.As(err, &limit) {
		t.Errorf("many elements: %v", err)
	}
	for i := range many {
		many[i] = fmt.Sprintf("<</S/Div/Pg 3 0 R/K[%d 0 R]>>", 11+i)
	}
	many[999] = "<</S/P/Pg 3 0 R/K 0>>"
	tree, pages, err := read(t, tagged(marked(0, 700, "deep"), "10 0 R", many...), structure.ReadLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := dump(tree.Root, pages); strings.Count(got, "P('deep')") != 1 {
		t.Errorf("what lies too deep is lost: %s", got)
	}
}

// exactlyOnce tells of content that is in no leaf and no artifact, or in several.
func exactlyOnce(t *testing.T, tree *structure.Tree, pages []*pagetext.Page) {
	t.Helper()
	runs, images := map[[2]int]int{}, map[[2]int]int{}
	count := func(c structure.Content) {
		for _, i := range c.Runs {
			runs[[2]int{c.Page, i}]++
		}
		for _, i := range c.Images {
			images[[2]int{c.Page, i}]++
		}
	}
	var walk func(n *structure.Node)
	walk = func(n *structure.Node) {
		if n.Type == "" {
			count(n.Content)
		}
		for _, kid := range n.Kids {
			walk(kid)
		}
	}
	walk(tree.Root)
	for _, artifact := range tree.Artifacts {
		count(artifact.Content)
	}
	for _, p := range pages {
		for i, run := range p.Runs() {
			if n := runs[[2]int{p.Number, i}]; n != 1 {
				t.Errorf("page %d: run %d (%q) is there %d times", p.Number, i, run.Text, n)
			}
		}
		for i := range p.Images {
			if n := images[[2]int{p.Number, i}]; n != 1 {
				t.Errorf("page %d: image %d is there %d times", p.Number, i, n)
			}
		}
	}
}

func corpus(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("../../../../shared/corpus/pdfua1/*.pdf")
	if err != nil || len(paths) == 0 {
		tb.Skip("the corpus is needed")
	}
	slices.Sort(paths)
	return paths
}

// TestReadCorpus reads the tags of the corpus: nothing is lost, and those of files that conform reach all text.
func TestReadCorpus(t *testing.T) {
	t.Parallel()
	for _, path := range corpus(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			tree, pages, err := read(t, data, structure.ReadLimits{})
			if errors.Is(err, structure.ErrUntagged) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			exactlyOnce(t, tree, pages)
			if share := structure.Coverage(tree, pages); share < 1 && strings.Contains(path, "pass") && !strings.HasSuffix(path, "7.1-t01-pass-b.pdf") { // all artifacts
				t.Errorf("the tags reach %.2f of the text", share)
			}
		})
	}
}

// FuzzRead reads damaged files: what is read has all content exactly once.
func FuzzRead(f *testing.F) {
	f.Add(tagged(marked(0, 700, "a")+"/X Do/X Do", "10 0 R", "<</S/P/K[<</Type/MCR/Pg 3 0 R/MCID 0>> <</Type/OBJR/Obj 6 0 R/Pg 3 0 R>>]>>"))
	f.Add(tagged(marked(0, 700, "a")+"/I Do", "[10 0 R 11 0 R]", "<</S/Sect/Pg 3 0 R/K[0 11 0 R]>>", "<</S/Div/A[1 2]/C/X/K[10 0 R 11 0 R]>>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tree, pages, err := read(t, data, structure.ReadLimits{Elements: 10_000}); err == nil {
			exactlyOnce(t, tree, pages)
		}
	})
}
