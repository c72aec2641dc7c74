package htmlfix

import (
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// landmarks plans the parts of the page.
func (p *plan) landmarks() {
	p.nestedLandmarks()
	p.doubleLandmarks()
	if p.counts["landmark-one-main"] > 0 || p.counts["region"] > 0 {
		p.pageParts()
	}
	p.skipLink()
}

// nestedLandmarks lets the main part, banner and footer of the page lie in no other part.
func (p *plan) nestedLandmarks() {
	for _, f := range p.findings("landmark-banner-is-top-level", "landmark-contentinfo-is-top-level") {
		if htmlcheck.Has(f.Node, "role") {
			p.withoutRole(f, "role removed: a part of another part is not one of the page")
		}
	}
	for _, f := range p.findings("landmark-main-is-top-level") {
		outer := htmlcheck.Closest(f.Node, func(n *html.Node) bool {
			role := p.Role(n)
			return htmlcheck.IsLandmark(role) && role != "form"
		})
		switch {
		case outer == nil:
		case htmlcheck.Has(outer, "role"):
			p.withRole(p.start(f.Rule, outer, "role removed from what holds the main part"), outer, "")
		case htmlcheck.Named("nav", "header", "footer", "aside")(outer):
			p.withRole(p.start(f.Rule, outer, "<"+outer.Data+"> that holds the main part made one that means nothing"), outer, "presentation")
		}
	}
}

// shownWithRole returns the shown elements with a role.
func (p *plan) shownWithRole(role string) []*html.Node {
	if p.byRole == nil {
		p.byRole = map[string][]*html.Node{}
		for _, n := range p.Elements {
			if p.Shown(n) {
				p.byRole[p.Role(n)] = append(p.byRole[p.Role(n)], n)
			}
		}
	}
	return p.byRole[role]
}

// doubleLandmarks puts main parts, banners or footers that lie side by side into one.
func (p *plan) doubleLandmarks() {
	for _, c := range []struct{ role, element string }{{"main", "main"}, {"banner", "header"}, {"contentinfo", "footer"}} {
		rule := "landmark-no-duplicate-" + c.role
		found := p.findings(rule)
		if len(found) == 0 {
			continue
		}
		all := p.shownWithRole(c.role)
		r := p.start(rule, found[0].Node, "<"+c.element+"> elements put into one")
		if p.sideBySide(all, c.role == "main") {
			p.wrapRun(r, [2]*html.Node{all[0], all[len(all)-1]}, "<"+c.element+">", c.element)
			for _, n := range all {
				p.demote(r, n, c.element)
			}
			p.add(r)
			continue
		}
		for _, f := range found {
			if htmlcheck.Closest(f.Node, func(n *html.Node) bool { return htmlcheck.IsLandmark(p.Role(n)) }) == nil {
				continue // its content would lie in no part
			}
			r := p.start(rule, f.Node, "part made one that is not the page's "+c.element)
			p.demote(r, f.Node, c.element)
			p.add(r)
		}
	}
}

// sideBySide reports whether elements are siblings, and, unless others may stand between them, with nothing between.
func (p *plan) sideBySide(all []*html.Node, others bool) bool {
	for i, n := range all[1:] {
		if n.Parent != all[0].Parent {
			return false
		}
		for between := all[i].NextSibling; between != n; between = between.NextSibling {
			if between == nil || isContent(between) && !others {
				return false
			}
		}
	}
	return true
}

// demote takes the meaning of a landmark from an element.
func (p *plan) demote(r *repair, n *html.Node, element string) {
	plain := "div"
	if htmlcheck.Has(n, "aria-label") || htmlcheck.Has(n, "aria-labelledby") { // a <div> may not have a name
		plain = "section"
	}
	switch {
	case htmlcheck.Has(n, "role"):
		r.remove(n, "role")
		if n.Data != element {
			return
		}
		if element != "main" { // the element means the same without the role
			r.failed = true
			return
		}
		r.rename(n, plain)
	case element == "main":
		r.rename(n, plain)
	default:
		r.set(n, "role", "presentation")
	}
}

// hints are words in identifiers and classes by which people name the parts of a page.
var hints = map[string][]string{
	"main":        strings.Fields("main content main-content maincontent main_content page-content primary inhalt hauptinhalt contenu"),
	"banner":      strings.Fields("header masthead page-header site-header banner kopf entete"),
	"contentinfo": strings.Fields("footer page-footer site-footer fuss fusszeile pied colophon"),
	"navigation":  strings.Fields("nav navigation navbar menu main-nav mainnav topnav main-menu mainmenu sidenav navi"),
}

// hinted returns the landmark that an element's identifier or class speaks of.
func hinted(n *html.Node) string {
	if n.Data != "div" && n.Data != "section" || htmlcheck.Has(n, "role") {
		return ""
	}
	words := append(strings.Fields(strings.ToLower(htmlcheck.Attr(n, "class"))), strings.ToLower(htmlcheck.Attr(n, "id")))
	for _, role := range []string{"main", "banner", "contentinfo", "navigation"} {
		if slices.ContainsFunc(words, func(word string) bool { return slices.Contains(hints[role], word) }) {
			return role
		}
	}
	return ""
}

// byHints finds the elements at the top of the page that name themselves, one of each kind.
func (p *plan) byHints(body *html.Node) map[string]*html.Node {
	out := map[string]*html.Node{}
	for _, role := range []string{"main", "banner", "contentinfo", "navigation"} {
		if len(p.shownWithRole(role)) > 0 {
			out[role] = nil // the page has it
		}
	}
	l := &lookout{plan: p, landmarks: map[*html.Node]bool{}, skips: map[*html.Node]bool{}}
	length := len(htmlcheck.Text(body))
	var walk func(n *html.Node, depth int)
	walk = func(n *html.Node, depth int) {
		for _, kid := range htmlcheck.Kids(n) {
			if !p.Shown(kid) || htmlcheck.IsLandmark(p.Role(kid)) || htmlcheck.Text(kid) == "" {
				continue
			}
			role := hinted(kid)
			if role == "main" && len(htmlcheck.Text(kid))*3 < length { // a part of that name, not the main one
				role = ""
			}
			if _, taken := out[role]; role != "" && !taken && (role != "main" || !p.holdsRole(kid, "banner", "contentinfo")) {
				out[role] = kid
				continue
			}
			if depth < 2 && kid.Data == "div" && role == "" && isPlain(p.Role(kid)) {
				walk(kid, depth+1)
			}
		}
	}
	walk(l.container(body), 0)
	for role, n := range out {
		if n == nil {
			delete(out, role)
		}
	}
	return out
}

// pageParts finds the main part of the page and puts what lies around it into parts too.
func (p *plan) pageParts() {
	body := p.All("body")
	if len(body) == 0 {
		return
	}
	var named []*html.Node
	byHint := p.byHints(body[0])
	for _, role := range []string{"main", "banner", "contentinfo", "navigation"} {
		n := byHint[role]
		if n == nil {
			continue
		}
		named = append(named, n)
		rule := "region"
		if role == "main" {
			rule = "landmark-one-main"
		}
		p.add(p.start(rule, n, "role "+role+" added to what names itself so").set(n, "role", role))
	}
	has := func(role string) bool { return byHint[role] != nil || len(p.shownWithRole(role)) > 0 }
	blocks := p.lookForBlocks(body[0], named)
	main := -1
	if !has("main") {
		for i, b := range blocks {
			if main < 0 || b.text-b.linked > blocks[main].text-blocks[main].linked {
				main = i
			}
		}
		if main >= 0 {
			r := p.start("landmark-one-main", blocks[main].first, "main part put into <main>")
			r.review = "The main part was chosen by its length: is it the part that differs from page to page?"
			p.wrapRun(r, [2]*html.Node{blocks[main].first, blocks[main].last}, `<main id="`+p.freeID("main")+`">`, "main")
			p.add(r)
		}
	}
	p.placeAround(blocks, main, byHint["main"], has)
}

// placeAround puts the blocks before and after the main part into landmarks.
func (p *plan) placeAround(blocks []block, main int, mainElement *html.Node, has func(string) bool) {
	if mainElement == nil && main < 0 {
		if all := p.shownWithRole("main"); len(all) > 0 {
			mainElement = all[0]
		}
	}
	taken := map[string]bool{}
	for i, b := range blocks {
		if i == main {
			continue
		}
		before := main >= 0 && i < main || mainElement != nil && p.precedes(b.first, mainElement)
		open, name := "", ""
		sectioned := htmlcheck.Closest(b.first, htmlcheck.Named("article", "aside", "main", "nav", "section")) != nil
		switch free := func(role string) bool { return !has(role) && !taken[role] && (role == "navigation" || !sectioned) }; {
		case b.isNavigation() && free("navigation"):
			taken["navigation"], open, name = true, "<nav>", "nav"
		case before && free("banner") && b.heading == nil || before && free("banner") && i == 0:
			taken["banner"], open, name = true, "<header>", "header"
		case !before && free("contentinfo") && b.heading == nil && i == len(blocks)-1:
			taken["contentinfo"], open, name = true, "<footer>", "footer"
		case b.heading == nil:
			continue
		}
		r := p.start("region", b.first, "content outside of all parts put into <"+name+">")
		if name == "" {
			open, name = `<section aria-labelledby="`+escape(r.id(b.heading, "heading"))+`">`, "section"
			r.detail = "content outside of all parts put into a <section> named by its heading"
		}
		p.wrapRun(r, [2]*html.Node{b.first, b.last}, open, name)
		p.add(r)
	}
}

// precedes reports whether a node stands before an element in the document.
func (p *plan) precedes(n, element *html.Node) bool {
	begin, ok := p.beginOf(n)
	offset, known := p.Offset(element)
	return ok && known && begin < offset
}
