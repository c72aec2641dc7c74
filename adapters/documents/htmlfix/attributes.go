package htmlfix

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// attributes plans what needs no more than attributes, or tags renamed where they stand.
func (p *plan) attributes() {
	p.metadata()
	p.images()
	p.controls()
	p.identifiers()
	p.labels()
	p.frames()
	p.aria()
	p.colors()
	p.timing()
	p.scopes()
	p.skipTargets()
}

// timing stops what moves or sounds by itself, and gives the tab key the order of the document.
func (p *plan) timing() {
	for _, f := range p.findings("tabindex") {
		p.add(p.start(f.Rule, f.Node, "tabindex set to 0: the order of the document counts").set(f.Node, "tabindex", "0"))
	}
	for _, f := range p.findings("blink", "marquee") {
		p.add(p.still(f))
	}
	for _, f := range p.findings("no-autoplay-audio") {
		r := p.start(f.Rule, f.Node, "autoplay replaced by controls").remove(f.Node, "autoplay").set(f.Node, "controls", "")
		p.add(r)
	}
}

// still makes an element that moves its content one that does not, in the same place.
func (p *plan) still(f htmlcheck.Finding) *repair {
	r := p.start(f.Rule, f.Node, "<"+f.Node.Data+"> replaced by <span>").rename(f.Node, "span")
	if f.Node.Data == "marquee" {
		r.style(f.Node, "display: inline-block")
	}
	return r
}

// style adds a declaration to an element's style attribute.
func (r *repair) style(n *html.Node, declaration string) *repair {
	style := strings.TrimRight(strings.TrimSpace(htmlcheck.Attr(n, "style")), "; ")
	if style != "" {
		style += "; "
	}
	return r.set(n, "style", style+declaration)
}

// identifiers gives the second element with an identifier another one where nothing but references of the page can
// tell the two apart. References lead to the first element, and still do, but for labels: where there are as many
// labels as elements, each is for its own.
func (p *plan) identifiers() {
	found := p.findings("duplicate-id-aria")
	if len(found) == 0 || p.hasOutsideReferences() {
		return
	}
	labels := map[string][]*html.Node{}
	for _, label := range p.All("label") {
		id := htmlcheck.Attr(label, "for")
		labels[id] = append(labels[id], label)
	}
	inside := p.insideWords()
	for _, f := range found {
		id := htmlcheck.Attr(f.Node, "id")
		if inside[id] || strings.ContainsFunc(id, isNoWord) {
			continue
		}
		fresh := p.freeID(id)
		r := p.start(f.Rule, f.Node, "second identifier "+id+" changed to "+fresh).set(f.Node, "id", fresh)
		same := p.ByID(id)
		if at := slices.Index(same, f.Node); len(labels[id]) == len(same) {
			r.set(labels[id][at], "for", fresh)
		}
		p.add(r)
	}
}

// hasOutsideReferences reports whether style sheets or scripts in other files may refer to identifiers.
func (p *plan) hasOutsideReferences() bool {
	return slices.ContainsFunc(p.Elements, func(n *html.Node) bool {
		return n.Data == "script" && htmlcheck.Has(n, "src") ||
			n.Data == "link" && strings.Contains(strings.ToLower(htmlcheck.Attr(n, "rel")), "stylesheet")
	})
}

// insideWords returns the words of the style sheets, scripts and addresses of the page, which may name identifiers.
func (p *plan) insideWords() map[string]bool {
	out := map[string]bool{}
	add := func(text string) {
		for word := range strings.FieldsFuncSeq(text, isNoWord) {
			out[word] = true
		}
	}
	for _, n := range p.Elements {
		if (n.Data == "style" || n.Data == "script") && n.FirstChild != nil {
			add(n.FirstChild.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "href" && strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Key, "on") {
				add(a.Val)
			}
		}
	}
	return out
}

func isNoWord(r rune) bool {
	return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// scopes repairs the scopes of table cells.
func (p *plan) scopes() {
	for _, f := range p.findings("scope-attr-valid") {
		scope := strings.ToLower(strings.TrimSpace(htmlcheck.Attr(f.Node, "scope")))
		meant := map[string]string{
			"column": "col", "columns": "col", "cols": "col", "rows": "row", "col": "col", "row": "row",
			"rowgroup": "rowgroup", "colgroup": "colgroup",
		}[scope]
		switch {
		case f.Node.Data == "td" && (meant == "col" || meant == "row") && !htmlcheck.Has(f.Node, "role") && htmlcheck.Text(f.Node) != "":
			role := map[string]string{"col": "columnheader", "row": "rowheader"}[meant]
			p.add(p.start(f.Rule, f.Node, "cell with a scope made a header").remove(f.Node, "scope").set(f.Node, "role", role))
		case f.Node.Data == "td" || meant == "":
			p.add(p.start(f.Rule, f.Node, "scope="+scope+" removed").remove(f.Node, "scope"))
		default:
			p.add(p.start(f.Rule, f.Node, "scope="+scope+" changed to "+meant).set(f.Node, "scope", meant))
		}
	}
	for _, f := range p.findings("table-duplicate-name") {
		p.add(p.start(f.Rule, f.Node, "summary removed, which repeats the caption").remove(f.Node, "summary"))
	}
	for _, f := range p.findings("td-headers-attr") {
		p.add(p.headersAttr(f))
	}
	for _, f := range p.findings("empty-table-header") {
		p.add(p.emptyHeader(f))
	}
}

// headersAttr leaves out the identifiers that are not those of cells of the same table.
func (p *plan) headersAttr(f htmlcheck.Finding) *repair {
	table := htmlcheck.Closest(f.Node, htmlcheck.Named("table"))
	var left []string
	for id := range strings.FieldsSeq(htmlcheck.Attr(f.Node, "headers")) {
		for _, target := range p.ByID(id) {
			if target != f.Node && htmlcheck.Named("td", "th")(target) && htmlcheck.Closest(target, htmlcheck.Named("table")) == table {
				left = append(left, id)
				break
			}
		}
	}
	r := p.start(f.Rule, f.Node, "headers that are not in the table left out")
	if len(left) == 0 {
		return r.remove(f.Node, "headers")
	}
	return r.set(f.Node, "headers", strings.Join(left, " "))
}

// emptyHeader makes a header cell without any content a plain cell, as the corner of a table is. It keeps its look.
func (p *plan) emptyHeader(f htmlcheck.Finding) *repair {
	r := p.start(f.Rule, f.Node, "empty header cell made a plain one")
	if f.Node.Data != "th" || htmlcheck.Has(f.Node, "role") || htmlcheck.Text(f.Node) != "" ||
		htmlcheck.Under(f.Node, func(n *html.Node) bool { return n.Data != "br" }) {
		r.failed = true
		return r
	}
	role := "cell"
	if table := htmlcheck.Closest(f.Node, htmlcheck.Named("table")); table != nil && slices.Contains([]string{"grid", "treegrid"}, htmlcheck.ExplicitRole(table)) {
		role = "gridcell"
	}
	return r.set(f.Node, "role", role)
}
