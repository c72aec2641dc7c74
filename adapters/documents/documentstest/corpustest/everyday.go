package corpustest

import (
	"context"
	"fmt"
	"html"
	"math/rand/v2"
	"os"
	"strings"
)

// everyday is how many documents of each kind are written by chance.
const everyday = 10

// everydayKinds are the kinds of documents that offices and authors write most, and what writes one of them.
var everydayKinds = []struct {
	name  string
	write func(*author)
}{
	{"letter", (*author).letter},
	{"payslip", (*author).payslip},
	{"form", (*author).form},
	{"paper", (*author).paper},
	{"options", (*author).options},
	{"rtl", (*author).rightToLeft},
}

// EverydayDocuments gives the documents of the everyday set by their names: letters, payslips, forms, papers in two
// columns, manuals of programs with their options, and text that runs from right to left.
func EverydayDocuments() map[string]string {
	out := map[string]string{}
	for kind, k := range everydayKinds {
		for seed := range uint64(everyday) {
			a := &author{chance: rand.New(rand.NewPCG(seed, 70001+uint64(kind))), text: languages[0]}
			k.write(a)
			out[fmt.Sprintf("%s-%02d", k.name, seed)] = a.out.String()
		}
	}
	return out
}

// MakeEveryday is [MakeKnown] for the everyday set, which it puts into the folder perfectworks/everyday. The truth on text
// from right to left is that of the HTML: Chromium paints its letters in the order in which they are seen, and tags them so.
func MakeEveryday(ctx context.Context) ([]Known, error) {
	made, err := makeKnown(ctx, "everyday", EverydayDocuments())
	if err != nil {
		return nil, err
	}
	for i := range made {
		if !strings.HasPrefix(made[i].Name, "rtl-") {
			continue
		}
		data, err := os.ReadFile(made[i].HTML)
		if err != nil {
			return nil, err
		}
		if made[i].Truth, err = HTMLBlocks(data); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// open begins a document: css is added to what all kinds have in common.
func (a *author) open(title, css string) {
	size := []float64{9.5, 10, 10.5, 11, 12}[a.chance.IntN(5)]
	family := a.one([]string{"'DejaVu Sans'", "'DejaVu Serif'", "'DejaVu Sans'", "'DejaVu Serif Condensed'", "'DejaVu Sans Condensed'"})
	fmt.Fprintf(&a.out, "<!DOCTYPE html>\n<html lang=%q>\n<head>\n<meta charset=\"utf-8\">\n<title>%s</title>\n<style>\n", a.text.tag, html.EscapeString(title))
	fmt.Fprintf(&a.out, "body{margin:0;font:%gpt/%g %s}\n", size, 1.15+0.1*float64(a.chance.IntN(4)), family)
	// Chromium tags heads that are repeated on each page as if they stood in one cell.
	a.out.WriteString("thead{display:table-row-group}\n")
	a.out.WriteString(css)
	a.out.WriteString("</style>\n</head>\n<body>\n")
}

func (a *author) close() { a.out.WriteString("</body>\n</html>\n") }

// f writes formatted text.
func (a *author) f(format string, args ...any) { fmt.Fprintf(&a.out, format, args...) }

var (
	givenNames  = strings.Fields("Helen Omar Ingrid Paul Amara Jonas Lucia Peter Nadia Tomas Ruth Samir Clara David Yusuf Edith")
	familyNames = strings.Fields("Archer Okafor Lindqvist Meyer Novak Ferreira Walsh Brandt Haddad Jensen Moreau Kowalski Price Stone")
	streets     = strings.Fields("Station Mill Church Park Harbour Castle Orchard Bridge North Garden")
	towns       = strings.Fields("Northfield Eastbury Lowmoor Kingsford Ashby Marlow Thornton Wexley")
	months      = strings.Fields("January February March April May June July August September October November December")
	trades      = strings.Fields("Water Energy Insurance Housing Transport Printing Logistics Consulting")
	companyEnds = []string{"Ltd", "GmbH", "Inc.", "Services", "and Partners", "Cooperative"}
)

func (a *author) person() string { return a.one(givenNames) + " " + a.one(familyNames) }
func (a *author) company() string {
	return a.one(towns) + " " + a.one(trades) + " " + a.one(companyEnds)
}

func (a *author) street() string {
	return fmt.Sprintf("%d %s %s", 1+a.chance.IntN(180), a.one(streets), a.one([]string{"Road", "Street", "Lane", "Avenue"}))
}

func (a *author) town() string {
	return fmt.Sprintf("%s NF%d %dQT", a.one(towns), 1+a.chance.IntN(20), 1+a.chance.IntN(9))
}

func (a *author) date() string {
	return fmt.Sprintf("%d %s 20%02d", 1+a.chance.IntN(28), a.one(months), 10+a.chance.IntN(16))
}

// amount gives a sum of money.
func (a *author) amount(most int) string {
	n := a.chance.IntN(most)
	if n >= 1000 {
		return fmt.Sprintf("%d,%03d.%02d", n/1000, n%1000, a.chance.IntN(100))
	}
	return fmt.Sprintf("%d.%02d", n, a.chance.IntN(100))
}

// border gives the look of tables.
func (a *author) border() string {
	return a.one([]string{
		"table{border-collapse:collapse}th,td{border:1px solid #666}\n",
		"table{border-collapse:collapse}thead th{border-bottom:1.5px solid #000}tbody tr{border-bottom:1px solid #ccc}\n",
		"table{border-spacing:0}thead th{background:#dde4ee}\n",
		"table{border-spacing:10px 2px}thead th{border-bottom:1px solid}\n",
	})
}
