package corpustest

import (
	"fmt"
	"html"
	"strings"
)

// letter writes a business letter of one or two pages.
func (a *author) letter() {
	company := a.company()
	var css strings.Builder
	fmt.Fprintf(&css, "@page{size:%s;margin:%dmm %dmm", a.one([]string{"A4", "letter"}), 18+a.chance.IntN(10), 18+a.chance.IntN(8))
	if a.odds(0.7) {
		fmt.Fprintf(&css, ";@bottom-center{content:%q;font-size:7.5pt}", company+" · "+a.street()+" · "+a.town())
	}
	if a.odds(0.4) {
		css.WriteString(";@top-right{content:\"Page \" counter(page);font-size:8pt}")
	}
	css.WriteString("}\np{margin:0 0 .8em}h1{font-size:1.05em;margin:1.2em 0 .9em}.to{margin:2em 0 1.5em}.date{margin-bottom:1.6em}.sign{margin-top:3em}\n")
	css.WriteString(".small{font-size:.85em}ul,ol{margin:0 0 .8em}td,th{padding:2px 8px;text-align:left}td.n{text-align:right}\n")
	css.WriteString(a.border())
	side := a.one([]string{"right", "left", "between"})
	switch side {
	case "right":
		css.WriteString(".head{text-align:right}\n")
	case "between":
		css.WriteString(".head{display:flex;justify-content:space-between}\n")
	}
	subject := a.title()
	a.open(subject, css.String())
	a.f("<div class=\"head\"><p>%s<br>%s<br>%s</p>", company, a.street(), a.town())
	if side == "between" {
		a.f("<p>Telephone 01632 %06d<br>Reference %d/%02d<br>post@example.org</p>", a.chance.IntN(1e6), a.chance.IntN(9000), a.chance.IntN(99))
	}
	a.f("</div>\n<p class=\"to\">%s<br>%s<br>%s</p>\n<p class=\"date\">%s</p>\n", a.person(), a.street(), a.town(), a.date())
	a.f("<h1>%s</h1>\n<p>Dear %s,</p>\n", html.EscapeString(subject), a.person())
	for range 3 + a.chance.IntN(5) {
		switch a.pick(8, 1, 1) {
		case 0:
			a.paragraph(2 + a.chance.IntN(4))
		case 1:
			a.paragraph(1)
			a.list(a.one([]string{"ul", "ol"}), 1)
		case 2:
			a.paragraph(1)
			a.bill()
		}
	}
	a.f("<p>Yours sincerely,</p>\n<p class=\"sign\">%s<br>%s</p>\n", a.person(), a.one([]string{"Customer Accounts", "Head of Department", "Secretary"}))
	if a.odds(0.4) {
		a.f("<p class=\"small\">Enclosed: %s, %s</p>\n", html.EscapeString(a.phrase(1, 3)), html.EscapeString(a.phrase(1, 3)))
	}
	a.close()
}

// bill writes a table of amounts.
func (a *author) bill() {
	a.f("<table>\n<thead><tr><th scope=\"col\">Item</th><th scope=\"col\">Date</th><th scope=\"col\">Amount</th></tr></thead>\n<tbody>\n")
	for range 2 + a.chance.IntN(5) {
		a.f("<tr><td>%s</td><td>%s</td><td class=\"n\">%s</td></tr>\n", html.EscapeString(a.capital(a.phrase(1, 4))), a.date(), a.amount(5000))
	}
	a.f("</tbody>\n</table>\n")
}

// payslip writes the payslips of some months, a page each.
func (a *author) payslip() {
	var css strings.Builder
	fmt.Fprintf(&css, "@page{size:%s;margin:%dmm %dmm", a.one([]string{"A4", "A5", "letter"}), 14+a.chance.IntN(8), 14+a.chance.IntN(6))
	if a.odds(0.5) {
		css.WriteString(";@bottom-right{content:\"Page \" counter(page) \" of \" counter(pages);font-size:7.5pt}")
	}
	css.WriteString("}\nbody{font-size:9pt}h1{font-size:1.6em;margin:0 0 .5em}h2{font-size:1.15em;margin:1em 0 .4em}section+section{break-before:page}\n")
	css.WriteString("table{width:100%;margin-bottom:1em}td,th{padding:3px 8px;text-align:left}td.n,th.n{text-align:right}p{margin:0 0 .7em}.sum td{font-weight:bold}\n")
	css.WriteString(a.border())
	company, person, street, town := a.company(), a.person(), a.street(), a.town()
	a.open("Payslip of "+person, css.String())
	wide := a.odds(0.5)
	heads := a.odds(0.7) // whether the names of the particulars are header cells
	earnings := []string{"Basic salary", "Overtime", "Night supplement", "Travel allowance", "Holiday pay"}
	deductions := []string{"Income tax", "National insurance", "Pension", "Union dues"}
	titled := a.odds(0.6)
	month := a.chance.IntN(8)
	for i := range 1 + a.chance.IntN(3) {
		a.f("<section>\n<h1>Payslip %s 2024</h1>\n<p>%s<br>%s<br>%s</p>\n", months[month+i], company, street, town)
		a.particulars(heads, wide, [][2]string{
			{"Employee", person},
			{"Personnel number", fmt.Sprint(10000 + a.chance.IntN(90000))},
			{"Department", a.capital(a.phrase(1, 2))},
			{"Tax code", fmt.Sprintf("%dL", 1000+a.chance.IntN(400))},
			{"Date of payment", a.date()},
			{"Hours", fmt.Sprint(120 + a.chance.IntN(60))},
		})
		if titled {
			a.f("<h2>Earnings</h2>\n")
		}
		a.sums("Earnings", earnings[:2+a.chance.IntN(4)], "Gross pay")
		if titled {
			a.f("<h2>Deductions</h2>\n")
		}
		a.sums("Deductions", deductions[:2+a.chance.IntN(3)], "Net pay")
		a.f("<p>%s</p>\n</section>\n", a.sentences(1+a.chance.IntN(2)))
	}
	a.close()
}

// particulars writes a table of names and what they are, one or two in a row.
func (a *author) particulars(heads, wide bool, list [][2]string) {
	a.f("<table class=\"particulars\">\n<tbody>\n")
	for i, p := range list {
		if !wide || i%2 == 0 {
			a.f("<tr>")
		}
		if heads {
			a.f("<th scope=\"row\">%s</th><td>%s</td>", p[0], html.EscapeString(p[1]))
		} else {
			a.f("<td>%s</td><td>%s</td>", p[0], html.EscapeString(p[1]))
		}
		if !wide || i%2 == 1 {
			a.f("</tr>\n")
		}
	}
	a.f("</tbody>\n</table>\n")
}

// sums writes a table of amounts with their sum.
func (a *author) sums(name string, items []string, sum string) {
	a.f("<table>\n<thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">Hours</th><th scope=\"col\" class=\"n\">Rate</th><th scope=\"col\" class=\"n\">Amount</th></tr></thead>\n<tbody>\n", name)
	for _, item := range items {
		hours, rate := fmt.Sprint(a.chance.IntN(160)), a.amount(60)
		if a.odds(0.3) {
			hours, rate = "", ""
		}
		a.f("<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", item, hours, rate, a.amount(4000))
	}
	a.f("<tr class=\"sum\"><td>%s</td><td></td><td></td><td class=\"n\">%s</td></tr>\n</tbody>\n</table>\n", sum, a.amount(6000))
}

// form writes a form to be filled in by hand.
func (a *author) form() {
	var css strings.Builder
	fmt.Fprintf(&css, "@page{size:%s;margin:%dmm %dmm", a.one([]string{"A4", "letter"}), 15+a.chance.IntN(8), 15+a.chance.IntN(8))
	if a.odds(0.6) {
		fmt.Fprintf(&css, ";@bottom-left{content:\"Form %c-%d\";font-size:7.5pt};@bottom-right{content:counter(page);font-size:7.5pt}", 'A'+rune(a.chance.IntN(20)), 10+a.chance.IntN(90))
	}
	css.WriteString("}\np{margin:0 0 .8em}h1{font-size:1.7em;margin:0 0 .5em}h2{font-size:1.2em;margin:1.2em 0 .6em}table{width:100%;margin-bottom:1em}td,th{padding:4px 8px;text-align:left;height:1.4em}\n")
	css.WriteString(".line{display:inline-block;width:60%;border-bottom:1px solid #000;height:1em}.choices{list-style-type:\"☐ \";margin:0 0 .8em}\n")
	if a.odds(0.4) {
		css.WriteString("h2{background:#e4e4e4;padding:2px 6px}\n")
	}
	css.WriteString(a.border())
	title := "Application for " + a.phrase(1, 3)
	a.open(title, css.String())
	a.f("<h1>%s</h1>\n<p>%s</p>\n", html.EscapeString(title), a.sentences(1+a.chance.IntN(3)))
	fields := []string{"Full name", "Address", "Date of birth", "Telephone number", "Email", "Occupation", "Name of the landlord", "Bank account", "Number of children"}
	for section := range 2 + a.chance.IntN(4) {
		a.f("<h2>%d. %s</h2>\n", section+1, html.EscapeString(a.capital(a.phrase(1, 4))))
		switch a.pick(3, 3, 2, 2) {
		case 0:
			for range 2 + a.chance.IntN(5) {
				a.f("<p>%s: <span class=\"line\"></span></p>\n", a.one(fields))
			}
		case 1:
			a.f("<table>\n<tbody>\n")
			for range 2 + a.chance.IntN(5) {
				a.f("<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n", a.one(fields), a.phrase(1, 2))
			}
			a.f("</tbody>\n</table>\n")
		case 2:
			a.f("<p>%s</p>\n<ul class=\"choices\">\n", a.capital(a.phrase(4, 9))+"?")
			for range 2 + a.chance.IntN(4) {
				a.f("<li>%s</li>\n", html.EscapeString(a.capital(a.phrase(1, 6))))
			}
			a.f("</ul>\n")
		case 3:
			a.paragraph(1 + a.chance.IntN(2))
			a.grid()
		}
	}
	a.f("<p>%s</p>\n<p>Date: <span class=\"line\"></span></p>\n<p>Signature: <span class=\"line\"></span></p>\n", a.sentences(2))
	a.close()
}
