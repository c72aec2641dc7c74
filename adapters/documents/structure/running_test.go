package structure_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// leaf is a page with running text in its middle; each adds what is at its edges.
func leaf(number int, each func(c *canvas)) *canvas {
	c := newCanvas(number)
	c.paragraph(50, 640, 400, 8)
	each(c)
	return c
}

// TestRunning tells what repeats from what only stands at the edge of a page. The content that is named must be in the
// tree, the artifacts must not.
func TestRunning(t *testing.T) {
	t.Parallel()
	words := []string{"Ada Byron", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Tony Hoare"}
	for _, tt := range []struct {
		name  string
		pages int
		page  func(i int, c *canvas)
		// content and artifact are given for each page.
		content, artifact func(i int) []string
	}{
		{
			name: "payslips: the address below the title of each page repeats", pages: 3,
			page: func(i int, c *canvas) {
				c.text(50, 780, "Payslip "+[]string{"March", "April", "May"}[i], sized(18), bold)
				c.text(50, 756, "Water Works Ltd").text(50, 744, "12 Mill Lane")
			},
			content:  func(int) []string { return []string{"Water Works Ltd", "12 Mill Lane"} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "letters: the letterhead and the bank repeat, name and address do not", pages: 3,
			page: func(i int, c *canvas) {
				c.text(50, 780, "Water Works Ltd", sized(12))
				c.text(50, 740, words[i]).text(50, 728, fmt.Sprintf("%d High Street", 12+7*i))
				c.text(50, 30, "Bank 123 456, account 7890")
			},
			content:  func(i int) []string { return []string{words[i], fmt.Sprintf("%d High Street", 12+7*i)} },
			artifact: func(int) []string { return []string{"Water Works Ltd", "Bank 123 456, account 7890"} },
		},
		{
			name: "letters that are numbered", pages: 4,
			page:     func(i int, c *canvas) { c.text(50, 780, fmt.Sprintf("Letter %d", i+1)).text(50, 740, words[i]) },
			content:  func(i int) []string { return []string{fmt.Sprintf("Letter %d", i+1), words[i]} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "payslips: an amount at the foot of each", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 60, "Gross pay").text(400, 60, fmt.Sprintf("%d.00", 2500+131*i))
				c.text(50, 30, "Paid by Water Works Ltd")
			},
			content:  func(i int) []string { return []string{"Gross pay", fmt.Sprintf("%d.00", 2500+131*i)} },
			artifact: func(int) []string { return []string{"Paid by Water Works Ltd"} },
		},
		{
			name: "footnotes whose numbers rise with the pages", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 40, fmt.Sprintf("%d", i+1), sized(8)).text(62, 40, "See "+words[i]+", passim.", sized(8))
			},
			content:  func(i int) []string { return []string{"See " + words[i] + ", passim."} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "clauses whose numbers rise with the pages", pages: 5,
			page: func(i int, c *canvas) {
				c.text(50, 770, fmt.Sprintf("%d.", i+1)).text(80, 770, "Duties of "+words[i])
				c.text(300, 30, fmt.Sprintf("Page %d of 5", i+1))
			},
			content:  func(i int) []string { return []string{"Duties of " + words[i]} },
			artifact: func(i int) []string { return []string{fmt.Sprintf("Page %d of 5", i+1)} },
		},
		{
			name: "what stands outside of a repeated row", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 785, "For "+words[i]).text(50, 760, "Water Works Ltd, 12 Well Lane")
			},
			content:  func(i int) []string { return []string{"For " + words[i]} },
			artifact: func(int) []string { return []string{"Water Works Ltd, 12 Well Lane"} },
		},
		{
			name: "titles at the same place of each page", pages: 6,
			page:     func(i int, c *canvas) { c.text(50, 770, "About "+words[i]) },
			content:  func(i int) []string { return []string{"About " + words[i]} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "the number of the page beside a changing title", pages: 6,
			page: func(i int, c *canvas) {
				c.text(50, 780, "About "+words[i]).text(500, 780, fmt.Sprintf("%d", 31+i))
			},
			content:  func(i int) []string { return []string{"About " + words[i]} },
			artifact: func(i int) []string { return []string{fmt.Sprintf("%d", 31+i)} },
		},
		{
			name: "a changing title that repeats a heading", pages: 6,
			page: func(i int, c *canvas) {
				c.text(50, 780, strings.ToUpper("About "+words[i])).text(500, 780, fmt.Sprintf("%d", 31+i))
				c.text(50, 700, "About "+words[i], bold, sized(14))
			},
			content:  func(i int) []string { return []string{"About " + words[i]} },
			artifact: func(i int) []string { return []string{fmt.Sprintf("%d", 31+i), strings.ToUpper("About " + words[i])} },
		},
		{
			name: "numbers on the outer sides of odd and even pages", pages: 6,
			page: func(i int, c *canvas) {
				if i%2 == 0 {
					c.text(50, 30, "Water report").text(500, 30, fmt.Sprintf("%d", i+9))
				} else {
					c.text(50, 30, fmt.Sprintf("%d", i+9)).text(440, 30, "Water report")
				}
			},
			content:  func(int) []string { return nil },
			artifact: func(i int) []string { return []string{"Water report", fmt.Sprintf("%d", i+9)} },
		},
		{
			name: "the town that all addresses end with", pages: 5,
			page: func(i int, c *canvas) {
				c.text(350, 770, words[i]).text(350, 758, "12 High Street").text(350, 746, "4000 Town")
				c.text(50, 770, fmt.Sprintf("Invoice %d", 101+i)).text(50, 758, fmt.Sprintf("Customer %d", 1+i))
			},
			content:  func(int) []string { return []string{"12 High Street", "4000 Town"} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "dates that rise with the pages", pages: 5,
			page: func(i int, c *canvas) {
				c.text(50, 770, fmt.Sprintf("%d March 2024", i+1)).text(50, 30, fmt.Sprintf("2024-03-%02d", i+1))
			},
			content: func(i int) []string {
				return []string{fmt.Sprintf("%d March 2024", i+1), fmt.Sprintf("2024-03-%02d", i+1)}
			},
			artifact: func(int) []string { return nil },
		},
		{
			name: "numbers of things that are numbered with the pages", pages: 5,
			page: func(i int, c *canvas) {
				c.text(50, 770, fmt.Sprintf("Statement %d of 2024", i+1)).text(50, 30, fmt.Sprintf("Policy 77, insured person no. %d", i+1))
			},
			content: func(i int) []string {
				return []string{fmt.Sprintf("Statement %d of 2024", i+1), fmt.Sprintf("Policy 77, insured person no. %d", i+1)}
			},
			artifact: func(int) []string { return nil },
		},
		{
			name: "numbers of pages beside what repeats", pages: 5,
			page: func(i int, c *canvas) {
				c.text(50, 770, fmt.Sprintf("Lease 2024 – %d/5", i+1)).text(50, 30, fmt.Sprintf("%d | Annual report", i+1))
			},
			content: func(int) []string { return nil },
			artifact: func(i int) []string {
				return []string{fmt.Sprintf("Lease 2024 – %d/5", i+1), fmt.Sprintf("%d | Annual report", i+1)}
			},
		},
		{
			name: "the title of each certificate", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 740, "Certificate", sized(24)).text(50, 700, words[i])
			},
			content:  func(int) []string { return []string{"Certificate"} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "rows of a table at the foot", pages: 4,
			page: func(i int, c *canvas) {
				for k, y := range []float64{150, 120, 90} {
					c.text(50, y, "Well").text(400, y, fmt.Sprintf("%d", 40+10*k+i))
				}
			},
			content:  func(i int) []string { return []string{fmt.Sprintf("%d", 60+i)} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "invoices whose numbers rise with the pages", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 780, "Water Works Ltd", sized(12)).text(400, 780, fmt.Sprintf("Invoice 2024-%03d", 17+i))
				c.text(50, 750, words[i])
			},
			content: func(i int) []string {
				return []string{"Water Works Ltd", fmt.Sprintf("Invoice 2024-%03d", 17+i), words[i]}
			},
			artifact: func(int) []string { return nil },
		},
		{
			name: "orders that are counted, in a row with the number of pages", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 780, "Water Works Ltd").text(250, 780, fmt.Sprintf("Order no. %d", 6+i)).text(450, 780, "Copy")
				c.text(300, 30, fmt.Sprintf("Page %d", i+1))
			},
			content:  func(i int) []string { return []string{fmt.Sprintf("Order no. %d", 6+i)} },
			artifact: func(i int) []string { return []string{fmt.Sprintf("Page %d", i+1)} },
		},
		{
			name: "a title with the word page and its number", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 780, "Water report").text(450, 780, fmt.Sprintf("Page %d", i+1))
			},
			content:  func(int) []string { return nil },
			artifact: func(i int) []string { return []string{"Water report", fmt.Sprintf("Page %d", i+1)} },
		},
		{
			name: "numbers of customers that rise with the pages", pages: 4,
			page:     func(i int, c *canvas) { c.text(50, 780, fmt.Sprintf("Customer %d", 1001+i)).text(50, 765, words[i]) },
			content:  func(i int) []string { return []string{fmt.Sprintf("Customer %d", 1001+i), words[i]} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "questions, one on each page", pages: 5,
			page: func(i int, c *canvas) {
				c.text(50, 770, fmt.Sprintf("Question %d", i+1), bold).text(300, 30, fmt.Sprintf("%d", i+1))
			},
			content:  func(i int) []string { return []string{fmt.Sprintf("Question %d", i+1)} },
			artifact: func(i int) []string { return []string{fmt.Sprintf("%d", i+1)} },
		},
		{
			name: "clauses with Roman numbers", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 770, []string{"I.", "II.", "III.", "IV."}[i]).text(80, 770, "Rights of "+words[i])
			},
			content:  func(i int) []string { return []string{"Rights of " + words[i]} },
			artifact: func(int) []string { return nil },
		},
		{
			name: "two footnotes on each page, above its number", pages: 4,
			page: func(i int, c *canvas) {
				c.text(50, 62, fmt.Sprintf("%d", 2*i+1), sized(8)).text(62, 62, "After "+words[i]+".", sized(8))
				c.text(50, 52, fmt.Sprintf("%d", 2*i+2), sized(8)).text(62, 52, "Against "+words[i]+".", sized(8))
				c.text(300, 30, fmt.Sprintf("%d", i+1))
			},
			content: func(i int) []string {
				return []string{"After " + words[i] + ".", "Against " + words[i] + "."}
			},
			artifact: func(i int) []string { return []string{fmt.Sprintf("%d", i+1)} },
		},
		{
			name: "a reference beside the number of pages", pages: 3,
			page: func(i int, c *canvas) {
				c.text(50, 30, "Ref. "+words[i]).text(450, 30, fmt.Sprintf("Page %d of 3", i+1))
			},
			content:  func(i int) []string { return []string{"Ref. " + words[i]} },
			artifact: func(i int) []string { return []string{fmt.Sprintf("Page %d of 3", i+1)} },
		},
		{
			name: "a number in the margin that is not that of the page", pages: 1,
			page:     func(_ int, c *canvas) { c.text(300, 30, "117") },
			content:  func(int) []string { return []string{"117"} },
			artifact: func(int) []string { return nil },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list []*canvas
			for i := range tt.pages {
				list = append(list, leaf(i+1, func(c *canvas) { tt.page(i, c) }))
			}
			pages := pagesOf(list...)
			tree := structure.Infer(pages, structure.Hints{})
			exactlyOnce(t, tree, pages)
			hidden := make([][]string, tt.pages)
			for _, a := range tree.Artifacts {
				for _, r := range a.Content.Runs {
					hidden[a.Content.Page-1] = append(hidden[a.Content.Page-1], pages[a.Content.Page-1].Runs()[r].Text)
				}
			}
			for i := range tt.pages {
				for _, want := range tt.artifact(i) {
					if !slices.Contains(hidden[i], want) {
						t.Errorf("page %d: %q is content", i+1, want)
					}
				}
				for _, want := range tt.content(i) {
					if slices.Contains(hidden[i], want) {
						t.Errorf("page %d: %q is hidden", i+1, want)
					}
				}
				if n := len(tt.artifact(i)); len(hidden[i]) > n {
					t.Errorf("page %d: hidden are %q, want %d of them", i+1, hidden[i], n)
				}
			}
		})
	}
}

// TestLonePageNumbers reads what stands alone in the margin of a document of one page.
func TestLonePageNumbers(t *testing.T) {
	t.Parallel()
	for text, hidden := range map[string]bool{
		"1": true, "- 7 -": true, "Page 12": true, "Seite 3 von 10": true, "12/20": true, "стр. 4": true, "iv": false, "Step 3": false,
		"Part 1": false, "1,234": false, "$ 120": false, "Total 12": false, "7": false, "s. 3": true, "12 of 20": true,
	} {
		pages := []*pagetext.Page{leaf(1, func(c *canvas) { c.text(300, 30, text) }).page}
		tree := structure.Infer(pages, structure.Hints{})
		if got := len(tree.Artifacts) > 0; got != hidden {
			t.Errorf("%q: hidden is %v, want %v", text, got, hidden)
		}
	}
}
