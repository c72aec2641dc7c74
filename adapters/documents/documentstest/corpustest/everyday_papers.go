package corpustest

import (
	"fmt"
	"html"
	"strings"
)

// paper writes a paper in two columns.
func (a *author) paper() {
	a.narrow = true
	a.numbered = a.odds(0.8)
	var css strings.Builder
	fmt.Fprintf(&css, "@page{size:%s;margin:18mm 16mm", a.one([]string{"A4", "letter"}))
	if a.odds(0.5) {
		css.WriteString(";@bottom-center{content:counter(page);font-size:8pt}")
	}
	css.WriteString("}\n@counter-style cited{system:numeric;symbols:\"0\" \"1\" \"2\" \"3\" \"4\" \"5\" \"6\" \"7\" \"8\" \"9\";prefix:\"[\";suffix:\"] \"}\n")
	fmt.Fprintf(&css, "body{font-size:%gpt;columns:2;column-gap:%dmm;text-align:justify}\n", 8.5+0.5*float64(a.chance.IntN(4)), 6+a.chance.IntN(4))
	css.WriteString(".top{column-span:all;text-align:center;margin-bottom:1.5em}h1{font-size:1.9em;margin:0 0 .5em}h2{font-size:1.2em;margin:1.1em 0 .4em;text-align:left}h3{font-size:1.05em;margin:.9em 0 .3em;text-align:left}\n")
	css.WriteString(".top p{margin:.2em 0}figure{margin:1em 0;break-inside:avoid}svg{max-width:100%;height:auto}figcaption,caption{font-size:.88em;text-align:left}caption{padding:3px}table{font-size:.85em;margin:1em 0;text-align:left}td,th{padding:2px 6px;text-align:left}td.n{text-align:right}ol.cited{list-style:cited;padding-left:2.2em;font-size:.9em}li{margin:.1em 0}\n")
	if a.odds(0.5) {
		css.WriteString("p{margin:0;text-indent:1.2em}h2+p,h3+p,.top p{text-indent:0}\n")
	} else {
		css.WriteString("p{margin:0 0 .6em}\n")
	}
	if a.odds(0.3) {
		css.WriteString("h2{text-transform:uppercase;font-size:1em;text-align:center}\n")
	}
	css.WriteString(a.border())
	title := a.title()
	a.open(title, css.String())
	a.f("<div class=\"top\"><h1>%s</h1>\n<p>%s, %s and %s</p>\n<p>%s</p></div>\n", html.EscapeString(title), a.person(), a.person(), a.person(), a.company())
	if a.odds(0.7) {
		a.f("<h2>Abstract</h2>\n")
	}
	a.paragraph(3 + a.chance.IntN(3))
	for range 3 + a.chance.IntN(3) {
		a.heading(2)
		a.paragraph(3 + a.chance.IntN(3))
		for range 1 + a.chance.IntN(4) {
			switch a.pick(8, 1, 2, 2) {
			case 0:
				a.paragraph(3 + a.chance.IntN(5))
			case 1:
				a.list(a.one([]string{"ul", "ol"}), 1)
			case 2:
				a.grid()
			case 3:
				a.drawing()
			}
		}
		if a.odds(0.5) {
			a.heading(3)
			a.paragraph(3 + a.chance.IntN(4))
		}
	}
	a.f("<h2>References</h2>\n<ol class=\"cited\">\n")
	for range 4 + a.chance.IntN(12) {
		a.f("<li>%s, %s. <em>%s</em>. %s, 20%02d, pp. %d–%d.</li>\n", a.person(), a.person(), html.EscapeString(a.title()), html.EscapeString(a.company()),
			a.chance.IntN(25), 10+a.chance.IntN(90), 100+a.chance.IntN(90))
	}
	a.f("</ol>\n")
	a.close()
}

// options writes the manual of a program: what its options do.
func (a *author) options() {
	var css strings.Builder
	fmt.Fprintf(&css, "@page{size:%s;margin:18mm 18mm", a.one([]string{"A4", "letter", "A5"}))
	if a.odds(0.6) {
		css.WriteString(";@bottom-center{content:counter(page);font-size:8pt}")
	}
	css.WriteString("}\nh1{font-size:1.6em;margin:0 0 .6em}h2{font-size:1.25em;margin:1.2em 0 .5em}h3{font-size:1.08em;margin:1em 0 .4em}p{margin:0 0 .7em}code{font-family:'DejaVu Sans Mono';font-size:.92em}\n")
	width := 7 + a.chance.IntN(5)
	fmt.Fprintf(&css, "ul.options{list-style-position:outside;margin:0 0 1em;padding-left:%dem}ul.options li{margin-bottom:.35em}\n", width)
	fmt.Fprintf(&css, "ul.options li::marker{font-family:'DejaVu Sans Mono';font-size:.9em}\n")
	css.WriteString("table{margin:0 0 1em}td,th{padding:2px 8px;text-align:left}td.n{text-align:right}\n" + a.border())
	name := a.one([]string{"pumpctl", "wellstat", "gridmap", "tagdoc", "feedsync"})
	a.open(name, css.String())
	a.f("<h1>%s – %s</h1>\n<h2>Synopsis</h2>\n<p><code>%s [option…] file…</code></p>\n<h2>Description</h2>\n", name, html.EscapeString(a.phrase(2, 5)), name)
	a.paragraph(2 + a.chance.IntN(3))
	groups := 1 + a.chance.IntN(3)
	for g := range groups {
		if groups > 1 {
			a.f("<h2>%s options</h2>\n", []string{"General", "Output", "Network"}[g])
		} else {
			a.f("<h2>Options</h2>\n")
		}
		a.f("<p>%s</p>\n<ul class=\"options\">\n", a.sentences(1))
		for range 3 + a.chance.IntN(8) {
			word := a.one(languages[0].words)
			option := a.one([]string{"-" + word[:1], "--" + word, "-" + word[:1] + ", --" + word[:min(5, len(word))], "-" + word[:1] + " N"})
			a.f("<li style='list-style-type:\"%s  \"'>%s</li>\n", option, a.sentences(1+a.chance.IntN(2)))
		}
		a.f("</ul>\n")
	}
	if a.odds(0.6) {
		a.f("<h2>Exit status</h2>\n<table>\n<thead><tr><th scope=\"col\">Code</th><th scope=\"col\">Meaning</th></tr></thead>\n<tbody>\n")
		for i := range 2 + a.chance.IntN(4) {
			a.f("<tr><td>%d</td><td>%s</td></tr>\n", i, html.EscapeString(a.capital(a.phrase(2, 6))))
		}
		a.f("</tbody>\n</table>\n")
	}
	a.f("<h2>Notes</h2>\n")
	a.list("ol", 1)
	a.paragraph(2)
	a.close()
}
