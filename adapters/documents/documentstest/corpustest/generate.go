package corpustest

import (
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
)

// generated is how many documents are written by chance.
const generated = 48

// author writes one document by chance: the same seed gives the same document.
type author struct {
	chance *rand.Rand
	text   language
	out    strings.Builder
	// chapter, figure and table count what was numbered; numbered tells whether headings are.
	chapter  []int
	figure   int
	table    int
	numbered bool
	// narrow tells that lines are too short for wide tables.
	narrow bool
}

// Generate writes an HTML document of known structure by chance: articles, manuals, forms of lists and tables in four
// languages, with varied fonts, sizes, columns and running headers.
func Generate(seed uint64) string {
	a := &author{chance: rand.New(rand.NewPCG(seed, 14289))}
	a.text = languages[a.pick(5, 1, 1, 1)]
	a.numbered = a.odds(0.35)
	title := a.title()
	fmt.Fprintf(&a.out, "<!DOCTYPE html>\n<html lang=%q>\n<head>\n<meta charset=\"utf-8\">\n<title>%s</title>\n<style>\n%s</style>\n</head>\n<body>\n",
		a.text.tag, html.EscapeString(title), a.style(title))
	fmt.Fprintf(&a.out, "<h1>%s</h1>\n", html.EscapeString(title))
	if a.odds(0.5) {
		a.paragraph(1 + a.chance.IntN(2))
	}
	for range 2 + a.chance.IntN(5) {
		a.section(2)
	}
	a.out.WriteString("</body>\n</html>\n")
	return a.out.String()
}

func (a *author) odds(p float64) bool { return a.chance.Float64() < p }

// pick gives an index with the given weights.
func (a *author) pick(weights ...int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	at := a.chance.IntN(total)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return 0
}

func (a *author) one(of []string) string { return of[a.chance.IntN(len(of))] }

// section writes a heading and what stands under it, down to a fourth level.
func (a *author) section(level int) {
	a.heading(level)
	a.paragraph(1 + a.chance.IntN(3))
	for range 1 + a.chance.IntN(4) {
		a.block()
	}
	if level < 4 && a.odds(0.45) {
		for range 1 + a.chance.IntN(2) {
			a.section(level + 1)
		}
	}
}

func (a *author) heading(level int) {
	number := ""
	if a.numbered {
		depth := level - 1
		for len(a.chapter) < depth {
			a.chapter = append(a.chapter, 0)
		}
		a.chapter = a.chapter[:depth]
		a.chapter[depth-1]++
		parts := make([]string, depth)
		for i, n := range a.chapter {
			parts[i] = fmt.Sprint(n)
		}
		number = strings.Join(parts, ".") + " "
	}
	fmt.Fprintf(&a.out, "<h%d>%s%s</h%d>\n", level, number, html.EscapeString(a.title()), level)
}

func (a *author) block() {
	switch a.pick(8, 3, 2, 3, 2, 1, 1) {
	case 0:
		a.paragraph(2 + a.chance.IntN(5))
	case 1:
		a.list(a.one([]string{"ul", "ul", "ol"}), 1)
	case 2:
		a.list("ol", 2)
	case 3:
		a.grid()
	case 4:
		a.drawing()
	case 5:
		fmt.Fprintf(&a.out, "<blockquote><p>%s</p></blockquote>\n", a.sentences(2))
	case 6:
		fmt.Fprintf(&a.out, "<p class=\"note\">%s</p>\n", a.sentences(2))
	}
}

func (a *author) paragraph(sentences int) {
	fmt.Fprintf(&a.out, "<p>%s</p>\n", a.sentences(sentences))
}

// list writes a list of items, some of which hold a list.
func (a *author) list(kind string, depth int) {
	attributes := ""
	if kind == "ol" {
		attributes = a.one([]string{"", "", " type=\"a\"", " type=\"i\"", " start=\"3\""})
	}
	fmt.Fprintf(&a.out, "<%s%s>\n", kind, attributes)
	long := a.odds(0.4)
	for range 2 + a.chance.IntN(6) {
		a.out.WriteString("<li>")
		if long {
			a.out.WriteString(a.sentences(1 + a.chance.IntN(2)))
		} else {
			a.out.WriteString(html.EscapeString(a.phrase(2, 6)))
		}
		if depth > 1 && a.odds(0.3) {
			a.out.WriteString("\n")
			a.list(a.one([]string{"ul", "ol"}), depth-1)
		}
		a.out.WriteString("</li>\n")
	}
	fmt.Fprintf(&a.out, "</%s>\n", kind)
}

// grid writes a table with a row of headers.
func (a *author) grid() {
	columns, rows := 2+a.chance.IntN(5), 2+a.chance.IntN(9)
	if a.narrow {
		columns = min(columns, 3)
	}
	heads := a.odds(0.4)
	a.out.WriteString("<table>\n")
	if a.odds(0.5) {
		a.table++
		fmt.Fprintf(&a.out, "<caption>%s %d. %s</caption>\n", a.text.table, a.table, html.EscapeString(a.title()))
	}
	a.out.WriteString("<thead><tr>")
	for range columns {
		fmt.Fprintf(&a.out, "<th scope=\"col\">%s</th>", html.EscapeString(a.capital(a.phrase(1, 2))))
	}
	a.out.WriteString("</tr></thead>\n<tbody>\n")
	numeric := make([]bool, columns)
	for i := range numeric {
		numeric[i] = i > 0 && a.odds(0.6)
	}
	for range rows {
		a.out.WriteString("<tr>")
		for i := range columns {
			switch {
			case i == 0 && heads:
				fmt.Fprintf(&a.out, "<th scope=\"row\">%s</th>", html.EscapeString(a.capital(a.phrase(1, 2))))
			case numeric[i]:
				fmt.Fprintf(&a.out, "<td class=\"n\">%d.%02d</td>", a.chance.IntN(5000), a.chance.IntN(100))
			default:
				fmt.Fprintf(&a.out, "<td>%s</td>", html.EscapeString(a.phrase(1, 1+a.chance.IntN(8))))
			}
		}
		a.out.WriteString("</tr>\n")
	}
	a.out.WriteString("</tbody>\n</table>\n")
}

// drawing writes a figure with bars, or with a filled picture.
func (a *author) drawing() {
	a.figure++
	width, height := 160+a.chance.IntN(240), 80+a.chance.IntN(120)
	fmt.Fprintf(&a.out, "<figure><svg role=\"img\" aria-label=\"%s\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">",
		html.EscapeString(a.title()), width, height, width, height)
	bars := 3 + a.chance.IntN(9)
	for i := range bars {
		tall := 5 + a.chance.IntN(height-5)
		fmt.Fprintf(&a.out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"hsl(%d 60%% 45%%)\"/>",
			i*width/bars, height-tall, width/bars-3, tall, a.chance.IntN(360))
	}
	fmt.Fprintf(&a.out, "<path d=\"M0 %d Q %d 0 %d %d\" stroke=\"#333\" fill=\"none\"/></svg>", height, width/2, width, height)
	fmt.Fprintf(&a.out, "<figcaption>%s %d. %s</figcaption></figure>\n", a.text.figure, a.figure, html.EscapeString(a.title()))
}
