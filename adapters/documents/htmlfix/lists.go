package htmlfix

import (
	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// lists makes lists hold items only, and items lie in lists. What is added has no look of its own.
func (p *plan) lists() {
	for _, f := range p.findings("list") {
		p.strayInList(f)
	}
	done := map[*html.Node]bool{}
	for _, f := range p.findings("listitem") {
		if !done[f.Node.Parent] {
			done[f.Node.Parent] = true
			p.looseItems(f)
		}
	}
	for _, f := range p.findings("definition-list") {
		p.definitionList(f)
	}
	for _, f := range p.findings("dlitem") {
		if !done[f.Node.Parent] {
			done[f.Node.Parent] = true
			p.looseTerms(f)
		}
	}
}

var noContent = htmlcheck.Named("script", "template", "style", "link", "meta")

// strayInList wraps what is no item into one.
func (p *plan) strayInList(f htmlcheck.Finding) {
	isStray := func(n *html.Node) bool {
		return n.Type == html.TextNode || n.Data != "li" && htmlcheck.ExplicitRole(n) != "listitem"
	}
	r := p.start(f.Rule, f.Node, "what stands between the items made items")
	for _, run := range runs(f.Node, isStray, noContent) {
		p.wrapRun(r, run, `<li style="list-style: none">`, "li")
	}
	p.add(r)
}

// wrapRun wraps siblings into an element.
func (p *plan) wrapRun(r *repair, run [2]*html.Node, open, name string) {
	start, end, ok := p.rangeOf(run[0], run[1])
	if !ok || htmlcheck.Closest(run[0], func(n *html.Node) bool { return htmlcheck.IsLeaf(p.Role(n)) }) != nil {
		// Nothing means anything to assistive technology inside of what has only a name.
		r.failed = true
		return
	}
	r.wrap(start, end, open, name)
}

// looseItems wraps the items of a parent that is no list into lists.
func (p *plan) looseItems(f htmlcheck.Finding) {
	isItem := func(n *html.Node) bool { return n.Type == html.ElementNode && n.Data == "li" }
	for _, run := range runs(f.Node.Parent, isItem, never) {
		r := p.start(f.Rule, run[0], "items put into a list")
		p.wrapRun(r, run, `<ul style="margin: 0; padding: 0">`, "ul")
		p.add(r)
	}
}

// definitionList repairs a description list by what it holds.
func (p *plan) definitionList(f htmlcheck.Finding) {
	terms, descriptions, strays, others := p.listParts(f.Node)
	switch {
	case len(others) > 0 || htmlcheck.Has(f.Node, "role"):
	case len(terms) == 0:
		p.add(p.start(f.Rule, f.Node, "description list without terms made one that means nothing").set(f.Node, "role", "presentation"))
	case strays:
		p.strayInDefinitions(f, terms[0])
	case len(descriptions) == 0:
		r := p.start(f.Rule, f.Node, "description list without descriptions made a list of its terms").set(f.Node, "role", "list")
		for _, term := range terms {
			r.set(term, "role", "listitem")
		}
		p.add(r)
	}
}

// listParts tells what a description list holds directly, and whether it holds groups.
func (p *plan) listParts(n *html.Node) (terms, descriptions []*html.Node, strays bool, others []*html.Node) {
	for kid := n.FirstChild; kid != nil; kid = kid.NextSibling {
		switch {
		case !isContent(kid) || noContent(kid):
		case kid.Type == html.TextNode:
			strays = true
		case kid.Data == "dt":
			terms = append(terms, kid)
		case kid.Data == "dd":
			descriptions = append(descriptions, kid)
		case kid.Data == "div":
			others = append(others, kid)
		default:
			strays = true
		}
	}
	return terms, descriptions, strays, others
}

// strayInDefinitions takes what stands after a term, and is neither a term nor a description, for a description.
func (p *plan) strayInDefinitions(f htmlcheck.Finding, first *html.Node) {
	isStray := func(n *html.Node) bool { return n.Type == html.TextNode || n.Data != "dt" && n.Data != "dd" }
	r := p.start(f.Rule, f.Node, "what stands between terms made descriptions")
	found := runs(f.Node, isStray, noContent)
	for n := f.Node.FirstChild; n != first; n = n.NextSibling {
		if n == found[0][0] { // what stands before all terms describes none
			return
		}
	}
	for _, run := range found {
		p.wrapRun(r, run, `<dd style="margin: 0">`, "dd")
	}
	p.add(r)
}

// looseTerms wraps terms and descriptions in a parent that is no description list into lists.
func (p *plan) looseTerms(f htmlcheck.Finding) {
	isPart := func(n *html.Node) bool { return n.Type == html.ElementNode && (n.Data == "dt" || n.Data == "dd") }
	for _, run := range runs(f.Node.Parent, isPart, never) {
		var terms []*html.Node
		descriptions := false
		for n := run[0]; n != nil; n = n.NextSibling {
			if n.Type == html.ElementNode && n.Data == "dt" {
				terms = append(terms, n)
			}
			descriptions = descriptions || n.Type == html.ElementNode && n.Data == "dd" && len(terms) > 0
			if n == run[1] {
				break
			}
		}
		r := p.start(f.Rule, run[0], "terms and descriptions put into a list")
		role := ""
		switch {
		case len(terms) == 0:
			role = ` role="presentation"`
		case !descriptions:
			role = ` role="list"`
			for _, term := range terms {
				r.set(term, "role", "listitem")
			}
		}
		p.wrapRun(r, run, `<dl`+role+` style="margin: 0">`, "dl")
		p.add(r)
	}
}
