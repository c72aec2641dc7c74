package structure_test

import (
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// cells puts rows of words into columns.
func (c *canvas) cells(y, step float64, xs []float64, rows ...string) float64 {
	for i, row := range rows {
		for k, word := range strings.Split(row, "|") {
			if word == "" {
				continue
			}
			var looks []look
			if i == 0 {
				looks = append(looks, bold)
			}
			c.text(xs[k], y, word, looks...)
		}
		y -= step
	}
	return y
}

// lines rules a grid.
func (c *canvas) lines(xs, ys []float64) {
	for _, x := range xs {
		c.rule(x, ys[len(ys)-1], x+0.5, ys[0])
	}
	for _, y := range ys {
		c.rule(xs[0], y, xs[len(xs)-1], y+0.5)
	}
}

func TestInferTables(t *testing.T) {
	t.Parallel()
	rows := []string{"Name|Depth|Year", "Mill|12|1890", "Church|8|1902", "Green|20|1911"}
	const plain = "Table(TR(TH:Column(Name) TH:Column(Depth) TH:Column(Year)) TR(TD(Mill) TD(12) TD(1890)) " +
		"TR(TD(Church) TD(8) TD(1902)) TR(TD(Green) TD(20) TD(1911)))"
	for _, tt := range []struct {
		name  string
		pages func() []*pagetext.Page
		want  []string
	}{
		{
			name: "with a line below the head of each column",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				end := c.cells(y, 16, []float64{60, 160, 260}, rows...)
				for _, x := range []float64{58, 158, 258} {
					c.rule(x, y-4, x+92, y-3.5)
				}
				c.paragraph(50, end-14, 400, 3)
				return pagesOf(c)
			},
			want: []string{plain},
		},
		{
			name: "with two rows and a line below the head of each column",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.text(60, y, "Code", bold).text(160, y, "Meaning", bold).text(60, y-16, "Mill").text(160, y-16, "by the river")
				c.rule(58, y-4, 150, y-3.5).rule(158, y-4, 250, y-3.5)
				c.paragraph(50, y-60, 400, 3)
				return pagesOf(c)
			},
			want: []string{"Table(TR(TH:Column(Code) TH:Column(Meaning)) TR(TD(Mill) TD(by the river)))"},
		},
		{
			name: "with rows after the last line, and a head of two lines",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.text(160, y-12, "of well", bold)
				c.cells(y, 24, []float64{60, 160, 260}, rows...)
				for _, by := range []float64{16, 34, 57} {
					c.rule(50, y-by, 350, y-by+0.5)
				}
				return pagesOf(c)
			},
			want: []string{
				"Table(TR(TH:Column(Name) TH:Column(Depth of well) TH:Column(Year))", "TR(TD(Church) TD(8) TD(1902)) TR(TD(Green) TD(20) TD(1911)))",
			},
		},
		{
			name: "two with the same sides, one below the other",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				for range 2 {
					end := c.cells(y, 16, []float64{60, 160, 260}, rows...)
					for k := range 4 {
						c.rule(50, y-4-16*float64(k), 350, y-3.5-16*float64(k))
					}
					y = end - 14
				}
				return pagesOf(c)
			},
			want: []string{plain + "\n" + plain},
		},
		{
			name: "names and what they are, two in a row",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				for i, row := range []string{"Name|Ada|Town|York", "Born|1815|Died|1852", "Work|Engine|Tongue|English"} {
					for k, word := range strings.Split(row, "|") {
						var looks []look
						if k%2 == 0 {
							looks = append(looks, bold)
						}
						c.text([]float64{60, 130, 230, 300}[k], y-20*float64(i), word, looks...)
					}
				}
				c.lines([]float64{50, 120, 220, 290, 370}, []float64{y + 14, y - 6, y - 26, y - 46})
				return pagesOf(c)
			},
			want: []string{"TR(TH:Row(Name) TD(Ada) TH:Row(Town) TD(York))", "TR(TH:Row(Work) TD(Engine) TH:Row(Tongue) TD(English))"},
		},
		{
			name: "from right to left",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				for i := range 5 {
					c.text(250, 760-12*float64(i), painted("בארות הכפר תוקנו לפני החורף על ידי אנשים"))
				}
				y := 680.0
				for _, row := range []string{"באר|עומק|שנה", "טחנה|12|1890", "כנסיה|8|1902"} {
					for k, word := range strings.Split(row, "|") {
						if k == 0 || y > 670 {
							word = painted(word)
						}
						c.text([]float64{400, 300, 200}[k], y, word)
					}
					y -= 20
				}
				c.lines([]float64{190, 290, 390, 490}, []float64{694, 674, 654, 634})
				return pagesOf(c)
			},
			want: []string{"TD(טחנה) TD(12) TD(1890)", "TD(כנסיה) TD(8) TD(1902)"},
		},
		{
			name: "ruled on all sides",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.cells(y, 20, []float64{60, 160, 260}, rows...)
				c.lines([]float64{50, 150, 250, 350}, []float64{y + 14, y - 6, y - 26, y - 46, y - 66})
				return pagesOf(c)
			},
			want: []string{plain},
		},
		{
			name: "options and what they do are a list",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.paragraph(50, c.cells(y, 14, []float64{60, 190}, "-a, --all|everything is shown", "-b|names are escaped", "--color=WHEN|colors are used", "-d|folders as such")-20, 400, 3)
				return pagesOf(c)
			},
			want: []string{"L:None(LI(Lbl(-a, --all) LBody(everything is shown)) LI(Lbl(-b) ", "!Table("},
		},
		{
			name: "with a shaded head",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				for i, row := range []string{"Town|2023|2024", "Mill|12|18", "Green|20|19"} {
					for k, word := range strings.Split(row, "|") {
						c.text([]float64{60, 160, 260}[k], y-20*float64(i), word)
					}
				}
				c.fill(50, y-6, 350, y+14, 0xd0d0d0)
				c.lines([]float64{50, 150, 250, 350}, []float64{y + 14, y - 6, y - 26, y - 46})
				return pagesOf(c)
			},
			want: []string{"Table(TR(TH:Column(Town) TH:Column(2023) TH:Column(2024)) TR(TD(Mill) TD(12) TD(18)) TR(TD(Green) TD(20) TD(19)))"},
		},
		{
			name: "with a shaded first column",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				for i, row := range []string{"2019|12|18", "2020|20|19", "2021|21|30"} {
					for k, word := range strings.Split(row, "|") {
						c.text([]float64{60, 160, 260}[k], y-20*float64(i), word)
					}
				}
				c.fill(50, y-46, 150, y+14, 0xd0d0d0)
				c.lines([]float64{50, 150, 250, 350}, []float64{y + 14, y - 6, y - 26, y - 46})
				return pagesOf(c)
			},
			want: []string{"Table(TR(TH:Row(2019) TD(12) TD(18)) TR(TH:Row(2020) TD(20) TD(19)) TR(TH:Row(2021) TD(21) TD(30)))"},
		},
		{
			name: "ruled above, below and under its head",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.cells(y, 14, []float64{60, 160, 260}, rows...)
				for _, v := range []float64{y + 11, y - 4, y - 46} {
					c.rule(55, v, 330, v+0.6)
				}
				return pagesOf(c)
			},
			want: []string{plain},
		},
		{
			name: "no lines at all",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.paragraph(50, c.cells(y, 14, []float64{60, 160, 260}, rows...)-20, 400, 3)
				return pagesOf(c)
			},
			want: []string{plain},
		},
		{
			name: "striped",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.cells(y, 20, []float64{60, 160, 260}, rows...)
				for _, v := range []float64{y, y - 40} {
					for _, x := range []float64{50, 150, 250} {
						c.fill(x, v-6, x+100, v+14, 0xeeeeee)
					}
				}
				return pagesOf(c)
			},
			want: []string{plain},
		},
		{
			name: "a cell over two columns and one over two rows",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.text(60, y, "Both", bold).text(260, y, "Year", bold)
				c.text(60, y-20, "Mill").text(160, y-20, "12").text(260, y-30, "1890")
				c.text(60, y-40, "Green").text(160, y-40, "9")
				for _, x := range []float64{50, 250, 350} {
					c.rule(x, y-46, x+0.5, y+14)
				}
				c.rule(150, y-46, 150.5, y-6)
				for _, v := range []float64{y + 14, y - 6, y - 46} {
					c.rule(50, v, 350, v+0.5)
				}
				c.rule(50, y-26, 250, y-25.5)
				return pagesOf(c)
			},
			want: []string{"Table(TR(TH:Column:1x2(Both) TH:Column(Year)) TR(TD(Mill) TD(12) TD:2x1(1890)) TR(TD(Green) TD(9)))"},
		},
		{
			name: "two pages, with the head repeated",
			pages: func() []*pagetext.Page {
				a, b := newCanvas(1), newCanvas(2)
				xs := []float64{60, 160, 260}
				a.cells(100, 14, xs, rows...)
				b.paragraph(50, b.cells(740, 14, xs, "Name|Depth|Year", "Hill|31|1931", "Dale|15|1933", "Wood|19|1939")-20, 400, 4)
				return pagesOf(a, b)
			},
			want: []string{"TR(TD(Green) TD(20) TD(1911)) TR(TD(Hill) TD(31) TD(1931))", "-(Name)\n-(Depth)\n-(Year)"},
		},
		{
			name: "a caption above",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(50, 760, 400, 3)
				c.text(60, y, "Table 1. Wells")
				c.paragraph(50, c.cells(y-20, 14, []float64{60, 160, 260}, rows...)-20, 400, 3)
				return pagesOf(c)
			},
			want: []string{"Table(Caption(Table 1. Wells) TR("},
		},
		{
			name: "a frame around text is none",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				y := c.paragraph(60, 740, 400, 3)
				c.lines([]float64{50, 470}, []float64{755, y + 10})
				return pagesOf(c)
			},
			want: []string{"!Table("},
		},
		{
			name: "two sides of a letterhead are none",
			pages: func() []*pagetext.Page {
				c := newCanvas(1)
				for i, s := range []string{"Wells and Sons", "Mill Lane 4", "Northfield"} {
					c.text(50, 760-12*float64(i), s)
				}
				for i, s := range []string{"Invoice desk", "Mondays only", "Room nine"} {
					c.text(400, 760-12*float64(i), s)
				}
				c.paragraph(50, 690, 450, 5)
				return pagesOf(c)
			},
			want: []string{"!Table(", "!Wells and…ice desk"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pages := tt.pages()
			tree := structure.Infer(pages, structure.Hints{})
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
