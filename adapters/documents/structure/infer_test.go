package structure_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// TestInfer looks at one rule after the other.
func TestInfer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		pages func() []*pagetext.Page
		hints structure.Hints
		want  []string // lines that must be there; with "!" before it, must not
	}{
		{
			name: "paragraphs by their space",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.paragraph(50, c.paragraph(50, 700, 400, 3), 400, 3)
				return pagesOf(c)
			},
			want: []string{"P(and700 and…End of it.)", "P(and656 win…End of it.)"},
		},
		{
			name: "paragraphs by indentation alone",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				for i := range 9 {
					x := 50.0
					if i%3 == 0 {
						x = 65
					}
					c.text(x, 700-12*float64(i), prose(450-x, i))
				}
				return pagesOf(c)
			},
			want: []string{"P(and0 the w…d abouteee)", "P(and3 ", "P(and6 ", "!P(and1"},
		},
		{
			name: "a heading by its size and one by its weight",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.text(50, 750, "On wells", sized(20))
				y := c.paragraph(50, 720, 400, 4)
				c.text(50, y, "Their repair", bold)
				c.paragraph(50, y-16, 400, 4)
				return pagesOf(c)
			},
			want: []string{"H1(On wells)", "H2(Their repair)"},
		},
		{
			name: "headings of two columns under a block over both",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.text(150, 760, "A title over both columns", sized(20)).text(230, 735, "by Ann Example")
				for k, x := range []float64{50, 310} {
					c.text(x+75, 705, []string{"I. WELLS", "III. PUMPS"}[k], bold)
					y := c.paragraph(x, 689, 230, 9)
					c.text(x+75, y, []string{"II. WATER", "IV. COSTS"}[k], bold)
					c.paragraph(x, y-16, 230, 9)
				}
				return pagesOf(c)
			},
			want: []string{"P(by Ann Example)\nH2(I. WELLS)\nP(", "H2(II. WATER)\nP(", "H2(III. PUMPS)\nP(", "H2(IV. COSTS)\nP("},
		},
		{
			name: "a chart with the labels of its axes and a legend",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				for i := range 5 {
					c.shape(100, 400+50*float64(i), 400, 401+50*float64(i))
					c.text(75, 396+50*float64(i), fmt.Sprint(100+10*i), sized(8))
					c.text(95+70*float64(i), 385, fmt.Sprint(2020+i), sized(8))
				}
				c.shape(100, 400, 101, 600).text(220, 372, "Year of the count", sized(8))
				for i, town := range []string{"Mill", "Green"} {
					c.shape(420, 500+14*float64(i), 426, 506+14*float64(i)).text(430, 500+14*float64(i), town, sized(8))
				}
				c.paragraph(50, min(y, 340), 400, 3)
				return pagesOf(c)
			},
			want: []string{"Figure(", "!P(100", "!P(2020", "!Year of the count)", "!P(Mill"},
		},
		{
			name: "bullets before quotations",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				for i, words := range []string{"\u201cIt has run dry,\u201d said one.", "\u201cIt has not,\u201d said another.", "\u2018So be it,\u2019 wrote a third."} {
					c.text(60, y-14*float64(i), "•").text(75, y-14*float64(i), words)
				}
				c.paragraph(50, y-60, 400, 3)
				return pagesOf(c)
			},
			want: []string{"L:Disc(LI(Lbl(•) LBody(", "!P(•", "!P(\u201c"},
		},
		{
			name: "the letters of the parts of a figure are no headings",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				for k, x := range []float64{60, 280} {
					c.image(x, y-100, x+150, y)
					c.text(x+70, y-114, []string{"(a)", "(b)"}[k], bold)
				}
				c.text(150, y-132, "Figure 1: Both parts of the count")
				c.paragraph(50, y-170, 400, 3)
				return pagesOf(c)
			},
			want: []string{"Figure(▣", "!H1(", "!H2("},
		},
		{
			name: "an initial beside three lines",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 4)
				c.text(50, y-24, "T", sized(44))
				c.text(75, y, "he wells of this village were repaired before the winter of last year by people")
				c.text(75, y-12, prose(375, 7)).text(75, y-24, prose(375, 8))
				c.paragraph(50, y-36, 400, 4)
				return pagesOf(c)
			},
			want: []string{"P(The wells …End of it.)"},
		},
		{
			name: "a bold lead is no heading",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 720, 400, 4)
				c.text(50, y, "Note.", bold).text(78, y, prose(370, 1)).text(50, y-12, prose(400, 2)).text(50, y-24, "ends.")
				return pagesOf(c)
			},
			want: []string{"!H1("},
		},
		{
			name: "levels by numbering, none left out",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.text(50, 770, "Wells", sized(22))
				y := 740.0
				for _, h := range []string{"1 One", "1.1 Two", "1.1.1 Three", "2 Four"} {
					c.text(50, y, h, bold, sized(12))
					y = c.paragraph(50, y-18, 400, 3)
				}
				return pagesOf(c)
			},
			want: []string{"H1(Wells)", "H2(1 One)", "H3(1.1 Two)", "H4(1.1.1 Three)", "H2(2 Four)"},
		},
		{
			name: "two columns are read one after the other",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.text(50, 760, "A title over both of the columns of the page", sized(20))
				for i := range 10 {
					c.text(50, 700-12*float64(i), prose(230, i))
				}
				for i := range 10 {
					c.text(310, 700-12*float64(i), prose(230, 20+i))
				}
				return pagesOf(c)
			},
			want: []string{"H1(A title ov…f the page)", "P(and0 the w…mps andeee and20 of t…osts theee)"},
		},
		{
			name: "page numbers and running titles",
			pages: func() []*pagetext.Page {
				var list []*canvas
				for i := range 5 {
					c := newCanvas(i+1).text(50, 780, "The book of wells")
					c.paragraph(50, 700, 400, 8)
					list = append(list, c.text(300, 30, string(rune('1'+i))))
				}
				return pagesOf(list...)
			},
			want: []string{"-Header(The book of wells)", "-Footer(1)", "-Footer(5)", "!P(The book"},
		},
		{
			name: "a lone page number",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.paragraph(50, 700, 400, 8)
				return pagesOf(c.text(300, 30, "- 1 -"))
			},
			want: []string{"-Footer(- 1 -)"},
		},
		{
			name: "a list with bullets of its own and one inside of it",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 720, 400, 3)
				c.text(60, y, "•").text(72, y, "First").text(60, y-12, "•").text(72, y-12, "Second")
				c.text(80, y-24, "–").text(92, y-24, "inner").text(60, y-36, "•").text(72, y-36, "Third")
				return pagesOf(c)
			},
			want: []string{"L:Disc(LI(Lbl(•) LBody(First)) LI(Lbl(•) LBody(P(Second) L:Disc(LI(Lbl(–) LBody(inner))))) LI(Lbl(•) LBody(Third)))"},
		},
		{
			name: "numbered items with lines that hang",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 720, 400, 3)
				for i := range 3 {
					c.text(50, y, string(rune('1'+i))+".").text(65, y, prose(385, i)).text(65, y-12, "so it ends")
					y -= 24
				}
				return pagesOf(c)
			},
			want: []string{"L:Decimal(LI(Lbl(1.) LBody(and0 the w…so it ends)) LI(Lbl(2.) LBody(and1 wells…so it ends)) LI(Lbl(3.) LBody(and2 of th…so it ends)))"},
		},
		{
			name: "a year at the start of a line is no label",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.text(50, 700, prose(400, 1)).text(50, 688, "12. "+prose(380, 2)).text(50, 676, "and ends.")
				return pagesOf(c)
			},
			want: []string{"!L:Decimal("},
		},
		{
			name: "drawn bullets",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 720, 400, 3)
				for i := range 3 {
					v := y - 12*float64(i)
					c.shape(60, v+2, 63, v+5).text(72, v, "Item "+string(rune('a'+i)))
				}
				return pagesOf(c)
			},
			want: []string{"L:Disc(LI(LBody(Item a)) LI(LBody(Item b)) LI(LBody(Item c)))"},
		},
		{
			name: "code keeps its lines",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 720, 400, 6)
				c.text(60, y, "for {", mono).text(72, y-12, "run()", mono).text(60, y-24, "}", mono)
				c.paragraph(50, y-44, 400, 6)
				return pagesOf(c)
			},
			want: []string{"P(Code(for {\nrun()\n}))"},
		},
		{
			name: "a table of contents",
			pages: func() []*pagetext.Page {
				c := newCanvas(1).text(50, 760, "Contents", sized(18))
				for i, s := range []string{"One", "Two", "Three", "Four"} {
					y := 700 - 14*float64(i)
					c.text(50, y, s).text(100, y, ". . . . . . . . . . . . . . . . . .").text(440, y, string(rune('1'+i)))
				}
				c.text(50, 644, "Five, which takes").text(60, 632, "two").text(100, 632, ". . . . . . . . . . . . . . . . . .").text(440, 632, "5")
				c.paragraph(50, 600, 400, 4)
				return pagesOf(c)
			},
			want: []string{"TOC(TOCI(Reference(One 1)) TOCI(Reference(Two 2)) TOCI(Reference(Three 3)) TOCI(Reference(Four 4)) " +
				"TOCI(Reference(Five, which takes two 5)))"},
		},
		{
			name: "a figure with its caption, and a background",
			pages: func() []*pagetext.Page {
				c := newCanvas(1).image(0, 0, 600, 800)
				y := c.paragraph(50, 720, 400, 8)
				c.image(50, y-150, 250, y).text(50, y-165, "Figure 1. A well")
				c.paragraph(50, y-200, 400, 4)
				return pagesOf(c)
			},
			want: []string{"Figure(▣ Caption(Figure 1. A well))", "-(▣)"},
		},
		{
			name: "a drawing with labels",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 720, 400, 4)
				for i := range 4 {
					x := 60 + 40*float64(i)
					c.shape(x, y-100, x+35, y-20).text(x+5, y-60, "A"+string(rune('1'+i)))
				}
				c.paragraph(50, y-140, 400, 4)
				return pagesOf(c)
			},
			want: []string{"Figure(A1 A2 A3 A4△△△△)"},
		},
		{
			name: "a footnote and its mark",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.text(50, 700, "A well").text(80, 704, "1", sized(6)).text(84, 700, prose(360, 1))
				c.paragraph(50, 688, 400, 8)
				y := 100.0
				c.rule(50, y-10, 150, y-9.5).text(50, y-24, "1", sized(6)).text(54, y-27, "Dug in 1890.", sized(8))
				return pagesOf(c)
			},
			want: []string{"Reference(1)", "Note(Lbl(1) P(Dug in 1890.))"},
		},
		{
			name: "links over text",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				return pagesOf(c.text(50, 700, "Read ").text(75, 700, "this").text(100, 700, "first."))
			},
			hints: structure.Hints{Links: []structure.Link{{
				Page: 1, Annotation: pdf.Ref{Number: 7}, URI: "https://example.org/",
				Areas: []pagetext.Rect{{Left: 74, Bottom: 697, Right: 96, Top: 709}},
			}}},
			want: []string{"P(Read Link(this @7) first.)"},
		},
		{
			name: "form fields in their lines",
			pages: func() []*pagetext.Page {
				return pagesOf(newCanvas(1).text(50, 700, "Name:"))
			},
			hints: structure.Hints{Fields: []structure.Field{{
				Page: 1, Annotation: pdf.Ref{Number: 9}, Area: pagetext.Rect{Left: 80, Bottom: 696, Right: 200, Top: 710},
			}}},
			want: []string{"P(Name: Form(@9))"},
		},
		{
			name: "a paragraph over two pages",
			pages: func() []*pagetext.Page {
				a, b := newCanvas(1), newCanvas(2)
				for i := range 5 {
					a.text(50, 160-12*float64(i), prose(400, i))
					b.text(50, 700-12*float64(i), "so "+prose(385, 50+i))
				}
				return pagesOf(a, b)
			},
			want: []string{"P(and0 the w…pumps ande so and50 a…le who had)"},
		},
		{
			name: "text from right to left",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				return pagesOf(c.text(80, 700, "שלום").text(50, 700, "עולם").text(46, 700, "."))
			},
			want: []string{"P(שלום עולם.)"},
		},
		{
			name: "the lines of an address",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				for i, words := range []string{"Ada Byron", "12 Mill Lane", "Northfield Inc.", "York"} {
					c.text(50, 760-12*float64(i), words)
				}
				c.paragraph(50, 690, 400, 4)
				return pagesOf(c)
			},
			want: []string{"P(Ada Byron … Inc. York)"},
		},
		{
			name: "options in type of a fixed pitch",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				for _, option := range []string{"-a", "-q, --quiet", "--depth N"} {
					c.text(118-6*float64(len(option)), y, option, mono)
					c.text(125, y, prose(325, int(y))).text(125, y-12, "and so on.")
					y -= 24
				}
				c.paragraph(50, y-10, 400, 3)
				return pagesOf(c)
			},
			want: []string{"L:None(LI(Lbl(-a) LBody(", "LI(Lbl(-q, --quiet) LBody(", "LI(Lbl(--depth N) LBody("},
		},
		{
			name: "items and words of another script from right to left",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				for i := range 5 {
					c.text(250, 760-12*float64(i), painted("בארות הכפר תוקנו לפני החורף על ידי אנשים"))
				}
				for i := range 3 {
					y := 680 - 14*float64(i)
					c.text(440, y, string(rune('1'+i))).text(429, y, " .").text(300, y, painted("של")).text(316, y, "PDF").text(337, y, painted("בארות הכפר תוקנו"))
				}
				return pagesOf(c)
			},
			want: []string{"L:Decimal(LI(Lbl(1 .) LBody(בארות", "PDF של)) LI(Lbl(3 .) LBody("},
		},
		{
			name: "a watermark, and a marginal note",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				c.paragraph(50, 720, 400, 8)
				c.text(100, 640, "DRAFT", sized(80), func(r *pagetext.Run) { r.Angle = 45 })
				c.text(300, 200, "SALE", sized(80), func(r *pagetext.Run) { r.Angle = 45 })
				c.text(20, 300, "Aside", func(r *pagetext.Run) { r.Angle = 90 })
				return pagesOf(c)
			},
			want: []string{"-(DRAFT)", "P(Aside)", "!-(SALE)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pages := tt.pages()
			tree := structure.Infer(pages, tt.hints)
			exactlyOnce(t, tree, pages)
			wellNested(t, tree)
			got := sketchAll(tree, pages)
			for _, want := range tt.want {
				if none, not := strings.CutPrefix(want, "!"); strings.Contains(got, none) == not {
					t.Errorf("want %s in\n%s", want, got)
				}
			}
		})
	}
}
