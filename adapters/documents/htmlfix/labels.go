package htmlfix

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// maxLabel bounds what is taken for a label or name, in characters.
const maxLabel = 120

// labels names form fields by what stands beside them.
func (p *plan) labels() {
	for _, f := range p.findings("label-title-only") {
		title := htmlcheck.Collapse(htmlcheck.Attr(f.Node, "title"))
		p.add(p.start(f.Rule, f.Node, "label taken from the title").set(f.Node, "aria-label", title))
	}
	for _, f := range p.findings("form-field-multiple-labels") {
		if len(p.ByID(htmlcheck.Attr(f.Node, "id"))) > 1 {
			continue // the labels may be those of several fields
		}
		r := p.start(f.Rule, f.Node, "all labels named in aria-labelledby")
		var ids []string
		for _, label := range p.Labels(f.Node) {
			if p.Shown(label) {
				ids = append(ids, r.id(label, "label"))
			}
		}
		p.add(r.set(f.Node, "aria-labelledby", strings.Join(ids, " ")))
	}
	for _, f := range p.findings(
		"label", "select-name", "aria-input-field-name", "aria-toggle-field-name", "aria-meter-name", "aria-progressbar-name",
	) {
		for _, find := range []func(htmlcheck.Finding) bool{p.deafLabel, p.looseLabel, p.textBeside, p.elementBeside, p.cellBeside, p.buttonBeside} {
			if find(f) {
				break
			}
		}
	}
}

// isLabelText reports whether a text can label a field.
func isLabelText(text string) bool {
	return hasWord(strings.TrimRight(text, ":* ")) && utf8.RuneCountInString(text) <= maxLabel
}

// isChoice recognizes controls whose label follows them.
func isChoice(n *html.Node) bool {
	kind := strings.ToLower(htmlcheck.Attr(n, "type"))
	return n.Data == "input" && (kind == "checkbox" || kind == "radio")
}

// isNative recognizes controls that a label element can label.
func isNative(n *html.Node) bool {
	return htmlcheck.Named("input", "select", "textarea", "meter", "progress")(n)
}

func isControl(n *html.Node) bool {
	return htmlcheck.Named("input", "select", "textarea", "button", "meter", "progress", "a", "iframe")(n) ||
		htmlcheck.Has(n, "contenteditable") || htmlcheck.Has(n, "tabindex")
}

// neighbour returns what stands before or after a node in its parent, white space and one line break left out.
func neighbour(n *html.Node, after bool) *html.Node {
	breaks := 0
	for {
		if after {
			n = n.NextSibling
		} else {
			n = n.PrevSibling
		}
		switch {
		case n == nil:
			return nil
		case n.Type == html.CommentNode, n.Type == html.TextNode && strings.TrimSpace(n.Data) == "":
		case n.Type == html.ElementNode && n.Data == "br" && breaks == 0 && !after:
			breaks++
		default:
			return n
		}
	}
}

// labelFollows tells on which side the label of a field stands. Labels of choices follow them, unless what stands in
// the same parent ends with a choice.
func labelFollows(n *html.Node) bool {
	if !isChoice(n) {
		return false
	}
	for last := n.Parent.LastChild; last != nil; last = last.PrevSibling {
		switch {
		case last.Type == html.TextNode && strings.TrimSpace(last.Data) == "", last.Type == html.ElementNode && last.Data == "br":
			continue
		case last.Type == html.ElementNode && isChoice(last):
			return last == n && neighbour(n, false) == nil // then the label stands in another cell
		}
		return true
	}
	return true
}

// looseLabel finds a label element beside a field, or in the cell beside it, that labels nothing.
func (p *plan) looseLabel(f htmlcheck.Finding) bool {
	isLoose := func(n *html.Node) bool {
		if n == nil || n.Type != html.ElementNode || n.Data != "label" || !isLabelText(p.Name(n)) || htmlcheck.Under(n, isNative) {
			return false
		}
		return !htmlcheck.Has(n, "for") || len(p.ByID(htmlcheck.Attr(n, "for"))) == 0
	}
	label := neighbour(f.Node, labelFollows(f.Node))
	if !isLoose(label) {
		label = nil
		for _, cell := range p.cellsBeside(f.Node) {
			if kids := htmlcheck.Kids(cell); len(kids) == 1 && isLoose(kids[0]) {
				label = kids[0]
				break
			}
		}
	}
	if label == nil {
		return false
	}
	r := p.start(f.Rule, f.Node, "label beside the field tied to it")
	if isNative(f.Node) {
		return p.add(r.set(label, "for", r.id(f.Node, "field")))
	}
	return p.add(r.set(f.Node, "aria-labelledby", r.id(label, "label")))
}

// deafLabel finds the label element that is meant for a control by its attribute for or around it, but which HTML ties to
// controls of its own alone.
func (p *plan) deafLabel(f htmlcheck.Finding) bool {
	if isNative(f.Node) {
		return false
	}
	label := htmlcheck.Closest(f.Node, htmlcheck.Named("label"))
	if label != nil && (htmlcheck.Has(label, "for") || htmlcheck.Under(label, isNative)) {
		label = nil
	}
	if labels := p.Labels(f.Node); label == nil && len(labels) > 0 {
		label = labels[0]
	}
	if label == nil || !p.Shown(label) || !isLabelText(htmlcheck.Text(label)) {
		return false
	}
	r := p.start(f.Rule, f.Node, "label meant for the control tied to it")
	return p.add(r.set(f.Node, "aria-labelledby", r.id(label, "label")))
}

// textBeside makes the text beside a field its label.
func (p *plan) textBeside(f htmlcheck.Finding) bool {
	after := labelFollows(f.Node)
	text := neighbour(f.Node, after)
	if text == nil || text.Type != html.TextNode || !isLabelText(htmlcheck.Collapse(text.Data)) || !isNative(f.Node) ||
		htmlcheck.Closest(f.Node, htmlcheck.Named("label", "a", "button")) != nil {
		return false
	}
	start, end, ok := p.textRange(f.Node, text, after)
	if !ok {
		return false
	}
	r := p.start(f.Rule, f.Node, "text beside the field made its label")
	id := r.id(f.Node, "field")
	return p.add(r.wrap(start, end, `<label for="`+escape(id)+`">`, "label"))
}

// textRange finds a text that stands beside an element in the source, white space around it left out.
func (p *plan) textRange(n, text *html.Node, after bool) (start, end int, ok bool) {
	offset, ok := p.Offset(n)
	if !ok {
		return 0, 0, false
	}
	tokens := p.Tokens
	i, ok := tokenAt(tokens, offset)
	if after {
		e, known := p.extent(n)
		if !known {
			return 0, 0, false
		}
		if i, ok = tokenAt(tokens, e.end); !ok {
			return 0, 0, false
		}
	}
	for range 3 { // a line break and white space may stand between
		if !after {
			i--
		}
		if !ok || i < 0 || i >= len(tokens) {
			return 0, 0, false
		}
		t := tokens[i]
		raw := p.Source[t.Start:t.End]
		if t.Kind == html.TextToken && strings.TrimSpace(string(raw)) != "" {
			if htmlcheck.Collapse(html.UnescapeString(string(raw))) != htmlcheck.Collapse(text.Data) {
				return 0, 0, false
			}
			start = skipSpace(p.Source, t.Start, t.End)
			for end = t.End; end > start && isSpace(p.Source[end-1]); {
				end--
			}
			return start, end, true
		}
		if t.Kind != html.TextToken && t.Name != "br" {
			return 0, 0, false
		}
		if after {
			i++
		}
	}
	return 0, 0, false
}

// elementBeside names a field by an element beside it that holds nothing but a short text.
func (p *plan) elementBeside(f htmlcheck.Finding) bool {
	n := neighbour(f.Node, labelFollows(f.Node))
	if n == nil && f.Node.Parent != nil && htmlcheck.Named("dd", "p", "div", "span")(f.Node.Parent) && len(htmlcheck.Kids(f.Node.Parent)) == 1 {
		n = neighbour(f.Node.Parent, false) // the field stands alone in its parent
	}
	if n == nil || n.Type != html.ElementNode {
		return false
	}
	if !htmlcheck.Named("b", "strong", "span", "font", "em", "i", "small", "p", "div", "dt", "h2", "h3", "h4", "h5", "h6")(n) {
		return false
	}
	return p.labelBy(f, n, "name taken from the text beside the field")
}

func (p *plan) labelBy(f htmlcheck.Finding, n *html.Node, detail string) bool {
	if !p.Shown(n) || !isLabelText(htmlcheck.Text(n)) || htmlcheck.Under(n, isControl) {
		return false
	}
	r := p.start(f.Rule, f.Node, detail)
	return p.add(r.set(f.Node, "aria-labelledby", r.id(n, "label")))
}

// buttonBeside names the only field before a button by the button (WCAG 2.2, technique G167).
func (p *plan) buttonBeside(f htmlcheck.Finding) bool {
	n := neighbour(f.Node, true)
	if n == nil || n.Type != html.ElementNode || p.Role(n) != "button" || isChoice(f.Node) {
		return false
	}
	name := p.Name(n)
	if !isLabelText(name) {
		return false
	}
	form := htmlcheck.Closest(f.Node, htmlcheck.Named("form"))
	if form == nil {
		form = f.Node.Parent
	}
	fields := 0
	htmlcheck.Under(form, func(m *html.Node) bool {
		role := p.Role(m)
		if isNative(m) && role != "button" && !strings.EqualFold(htmlcheck.Attr(m, "type"), "hidden") {
			fields++
		}
		return fields > 1
	})
	if fields != 1 {
		return false
	}
	return p.add(p.start(f.Rule, f.Node, "name taken from the button beside the field").set(f.Node, "aria-label", name))
}
