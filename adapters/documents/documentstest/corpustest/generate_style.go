package corpustest

import (
	"fmt"
	"strings"
)

// style writes the style sheet: what makes the same structure look different.
func (a *author) style(title string) string {
	var b strings.Builder
	size := []float64{9, 10, 10.5, 11, 12}[a.chance.IntN(5)]
	family := a.one([]string{"serif", "sans-serif", "'Liberation Serif'", "'Liberation Sans'", "'DejaVu Sans'", "'DejaVu Serif'"})
	page := a.one([]string{"A4", "A4", "letter", "A5"})
	a.narrow = page == "A5"
	fmt.Fprintf(&b, "@page{size:%s;margin:%dmm %dmm", page, 16+a.chance.IntN(12), 14+a.chance.IntN(14))
	if a.odds(0.6) {
		fmt.Fprintf(&b, ";@bottom-%s{content:%scounter(page);font-size:8pt}", a.one([]string{"center", "right", "left"}),
			a.one([]string{"", "\"– \"", "\"" + a.text.page + " \""}))
	}
	if a.odds(0.4) {
		fmt.Fprintf(&b, ";@top-%s{content:%q;font-size:8pt}", a.one([]string{"center", "right", "left"}), title)
	}
	b.WriteString("}\n")
	fmt.Fprintf(&b, "body{margin:0;font:%gpt/%g %s;text-align:%s}\n", size, 1.15+0.1*float64(a.chance.IntN(5)), family, a.one([]string{"left", "left", "justify"}))
	heading := a.one([]string{family, "sans-serif", "serif"})
	step := 1.12 + 0.06*float64(a.chance.IntN(4))
	for level, scale := 4, 1.0; level >= 1; level-- {
		if level < 4 {
			scale *= step
		}
		fmt.Fprintf(&b, "h%d{font:%s %.1fpt/1.2 %s;margin:%.1fem 0 .4em;color:%s}\n", level, a.one([]string{"bold", "bold", "bold", "normal"}),
			size*scale*1.05, heading, 0.7+0.3*float64(4-level), a.one([]string{"#000", "#000", "#1a3d6d", "#7a1f1f"}))
		if level == 4 && scale*1.05 < 1.1 {
			b.WriteString("h4{font-weight:bold}\n")
		}
	}
	if a.odds(0.4) {
		fmt.Fprintf(&b, "p{margin:0;text-indent:%.1fem}\nh1+p,h2+p,h3+p,h4+p{text-indent:0}\n", 1+a.chance.Float64())
	} else {
		fmt.Fprintf(&b, "p{margin:%.2fem 0}\n", 0.4+0.5*a.chance.Float64())
	}
	fmt.Fprintf(&b, "ul{list-style-type:%s}\n", a.one([]string{"disc", "disc", "square", "circle", "\"– \""}))
	switch a.chance.IntN(4) {
	case 0:
		b.WriteString("table{border-collapse:collapse}th,td{border:1px solid #555}\n")
	case 1:
		b.WriteString("table{border-collapse:collapse;width:100%}thead th{border-bottom:2px solid #000}tbody tr{border-bottom:1px solid #bbb}\n")
	case 2:
		b.WriteString("table{border-spacing:0}tbody tr:nth-child(odd){background:#e8eef5}thead th{background:#234;color:#fff}\n")
	case 3:
		b.WriteString("table{border-spacing:8px 2px}thead th{border-bottom:1px solid}\n")
	}
	fmt.Fprintf(&b, "table{margin:1em %s}th,td{padding:%dpx %dpx;text-align:left;vertical-align:top;overflow-wrap:anywhere}td.n{text-align:right;white-space:nowrap}\n", a.one([]string{"0", "auto"}), 2+a.chance.IntN(4), 5+a.chance.IntN(8))
	fmt.Fprintf(&b, "caption{caption-side:%s;padding:4px}\n", a.one([]string{"top", "bottom"}))
	// Chromium tags heads that are repeated on each page as if they stood in one cell.
	b.WriteString("thead{display:table-row-group}\n")
	b.WriteString("figure{margin:1em 0;break-inside:avoid}figcaption{font-size:.9em}\n")
	if a.odds(0.3) {
		b.WriteString(".note{border:1px solid #999;padding:6px;background:#f4f4f4}\n")
	}
	if a.odds(0.2) {
		a.narrow = true
		b.WriteString("body{columns:2;column-gap:8mm}h1{column-span:all}table{font-size:.75em}svg{max-width:100%;height:auto}\n")
	}
	return b.String()
}
