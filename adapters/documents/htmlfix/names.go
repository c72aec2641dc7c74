package htmlfix

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// saysSomething reports whether a text can be a name.
func saysSomething(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) &&
		!htmlcheck.SaysNothing(text) && !htmlcheck.IsVague(text)
}

// controls names links, buttons and other controls by what they hold.
func (p *plan) controls() {
	for _, f := range p.findings("button-name", "input-button-name", "link-name", "aria-command-name") {
		if name, source := p.nameFor(f.Node); name != "" && !p.named[f.Node] {
			p.add(p.start(f.Rule, f.Node, "name taken from "+source).set(f.Node, "aria-label", name))
		}
	}
	for _, f := range p.findings("aria-dialog-name") {
		p.labelByHeading(f, f.Node)
	}
	for _, f := range p.findings("landmark-unique") {
		if role := p.Role(f.Node); p.counts["landmark-no-duplicate-"+role] == 0 { // else only one of them will be left
			p.labelByHeading(f, f.Node)
		}
	}
}

// labelByHeading names an element by the first heading in it.
func (p *plan) labelByHeading(f htmlcheck.Finding, n *html.Node) {
	var heading *html.Node
	htmlcheck.Under(n, func(m *html.Node) bool {
		if p.Role(m) == "heading" && p.Shown(m) && p.Name(m) != "" {
			heading = m
			return true
		}
		return false
	})
	if heading == nil || htmlcheck.Has(n, "aria-labelledby") || htmlcheck.Has(n, "aria-label") {
		return
	}
	r := p.start(f.Rule, n, "name taken from its heading")
	p.add(r.set(n, "aria-labelledby", r.id(heading, "heading")))
}

// tooltips are attributes in which scripts keep what they show beside an element, instead of a title.
var tooltips = []string{"data-original-title", "data-bs-original-title", "data-bs-title", "data-tooltip", "data-tip", "data-title", "alt"}

// nameFor looks for the name of a link or button in what it holds and where it leads.
func (p *plan) nameFor(n *html.Node) (name, source string) {
	for _, key := range tooltips {
		if text := htmlcheck.Collapse(htmlcheck.Attr(n, key)); saysSomething(text) && utf8.RuneCountInString(text) <= maxLabel {
			return text, "its tooltip"
		}
	}
	var hidden, drawn string
	htmlcheck.Under(n, func(m *html.Node) bool {
		switch {
		case m.Namespace == "svg" && (m.Data == "title" || m.Data == "desc") && drawn == "":
			drawn = htmlcheck.Text(m)
		case m.Namespace == "" && hidden == "" && p.Rendered(m) && strings.EqualFold(htmlcheck.Attr(m, "aria-hidden"), "true") && !isIcon(m):
			hidden = htmlcheck.Text(m)
		}
		return false
	})
	switch {
	case saysSomething(drawn):
		return drawn, "its drawing"
	case hasWord(hidden) && utf8.RuneCountInString(hidden) <= maxLabel:
		return hidden, "its text, which is hidden from assistive technology"
	}
	href := htmlcheck.Attr(n, "href")
	if name := p.linkName(href); name != "" {
		return name, "another link to the same place"
	}
	scheme, address, _ := strings.Cut(strings.TrimSpace(href), ":")
	if scheme = strings.ToLower(scheme); scheme == "mailto" || scheme == "tel" {
		address, _, _ = strings.Cut(address, "?")
		if text, err := url.PathUnescape(address); err == nil && saysSomething(text) && utf8.ValidString(text) {
			return text, "the address"
		}
	}
	return "", ""
}

// hasWord reports whether a text has letters that stand together, and is not only a sign.
func hasWord(text string) bool {
	letters := 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			if letters++; letters == 2 {
				return saysSomething(text) && !strings.Contains(text, "_")
			}
		} else {
			letters = 0
		}
	}
	return false
}

// isIcon recognizes elements whose text is the name of a sign in an icon font.
func isIcon(n *html.Node) bool {
	return strings.Contains(strings.ToLower(htmlcheck.Attr(n, "class")), "icon") || n.Data == "i"
}

// linkName returns the name of a link to an address.
func (p *plan) linkName(href string) string {
	if p.links == nil {
		p.links = map[string]string{}
		for _, n := range p.All("a") {
			to := strings.TrimSpace(htmlcheck.Attr(n, "href"))
			if to == "" || p.links[to] != "" || !p.Shown(n) {
				continue
			}
			if name := p.Name(n); saysSomething(name) && utf8.RuneCountInString(name) <= maxLabel {
				p.links[to] = name
			}
		}
	}
	if href = strings.TrimSpace(href); href == "" || href == "#" || strings.HasPrefix(strings.ToLower(href), "javascript:") {
		return ""
	}
	return p.links[href]
}

// frames names frames by the title of the document that they hold, or by their caption.
func (p *plan) frames() {
	for _, f := range p.findings("frame-title") {
		if source := htmlcheck.Attr(f.Node, "srcdoc"); source != "" {
			if d, err := htmlcheck.Parse([]byte(source)); err == nil {
				for _, n := range d.All("title") {
					if text := htmlcheck.Text(n); n.Namespace == "" && saysSomething(text) {
						p.add(p.start(f.Rule, f.Node, "title taken from the document in the frame").set(f.Node, "title", text))
						break
					}
				}
			}
		}
		if figure := htmlcheck.Closest(f.Node, htmlcheck.Named("figure")); figure != nil {
			for _, kid := range htmlcheck.Kids(figure) {
				if text := htmlcheck.Text(kid); kid.Data == "figcaption" && saysSomething(text) {
					p.add(p.start(f.Rule, f.Node, "title taken from the caption").set(f.Node, "title", text))
				}
			}
		}
	}
}
