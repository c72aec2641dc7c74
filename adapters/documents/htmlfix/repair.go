package htmlfix

import (
	"slices"
	"strconv"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// repair is one repair and the edits that make it.
type repair struct {
	rule string
	// at is the place in the page, -1 for the document as a whole.
	at     int
	detail string
	// review says what a person should look at though it is repaired, "" if there is nothing.
	review string
	edits  []edit

	plan *plan
	// touched are the attributes and tags that the repair changes, for the plan to see that no other one does.
	touched []string
	// failed is set if the repair cannot be written into the source.
	failed bool
}

// plan collects the repairs of one stage.
type plan struct {
	*state
	*page
	repairs []*repair
	touched map[string]bool
	// named are the links and buttons that get a name by that of an image in them.
	named map[*html.Node]bool
	// byRole are the elements that are shown by their roles, found when they are first asked for.
	byRole map[string][]*html.Node
	// texts records which links and buttons have a text.
	texts map[*html.Node]bool
	// links are the names of links by their addresses, found when they are first asked for.
	links map[string]string
	// alternatives are those of images by their sources, found when they are first asked for.
	alternatives map[string]string
	// places are those of cells by their tables.
	places map[*html.Node]map[*html.Node]place
	// newIDs counts the identifiers given in this stage by what they begin with.
	newIDs map[string]int
}

func newPlan(s *state) *plan {
	return &plan{state: s, page: s.page, touched: map[string]bool{}, texts: map[*html.Node]bool{}, named: map[*html.Node]bool{}, newIDs: map[string]int{}}
}

// start begins a repair of an element, or with nil of the document as a whole.
func (p *plan) start(rule string, n *html.Node, detail string) *repair {
	r := &repair{rule: rule, at: -1, detail: detail, plan: p}
	if n != nil {
		if offset, ok := p.Offset(n); ok {
			r.at = offset
		}
	}
	return r
}

// add puts a repair into the plan unless it cannot be made or another one touches the same; then a later round may
// make it.
func (p *plan) add(r *repair) bool {
	if r.failed || len(r.edits) == 0 {
		return false
	}
	for _, key := range r.touched {
		if p.touched[key] {
			return false
		}
	}
	for _, key := range r.touched {
		p.touched[key] = true
	}
	p.repairs = append(p.repairs, r)
	return true
}

// tag returns the start tag of an element.
func (r *repair) tag(n *html.Node) (htmlcheck.Token, bool) {
	offset, ok := r.plan.Offset(n)
	if !ok {
		r.failed = true
		return htmlcheck.Token{}, false
	}
	tokens := r.plan.Tokens
	i, ok := tokenAt(tokens, offset)
	if !ok {
		r.failed = true
		return htmlcheck.Token{}, false
	}
	return tokens[i], true
}

// set adds an attribute to an element, or changes it.
func (r *repair) set(n *html.Node, key, value string) *repair {
	t, ok := r.tag(n)
	if !ok {
		return r
	}
	r.touch(t, key)
	text := key + `="` + escape(value) + `"`
	attributes, last := scanTag(r.plan.Source, t)
	for _, a := range attributes {
		if a.key == key {
			r.edits = append(r.edits, edit{start: a.start, end: a.end, text: text, partner: -1})
			return r
		}
	}
	r.edits = append(r.edits, edit{start: last, end: last, text: " " + text, partner: -1})
	return r
}

// remove takes an attribute away, with the space before it.
func (r *repair) remove(n *html.Node, key string) *repair {
	t, ok := r.tag(n)
	if !ok {
		return r
	}
	r.touch(t, key)
	attributes, _ := scanTag(r.plan.Source, t)
	for _, a := range attributes {
		if a.key != key {
			continue
		}
		start := a.start
		for start > t.Start && isSpace(r.plan.Source[start-1]) {
			start--
		}
		e := edit{start: start, end: a.end, partner: -1}
		if next := a.end; next < t.End && r.plan.Source[next] != '>' && !isSpace(r.plan.Source[next]) {
			e.text = " " // what follows stands without a space
		}
		r.edits = append(r.edits, e)
	}
	return r
}

// rename changes the name of an element in its tags.
func (r *repair) rename(n *html.Node, name string) *repair {
	t, ok := r.tag(n)
	if !ok {
		return r
	}
	e, ok := r.plan.extent(n)
	if !ok {
		r.failed = true
		return r
	}
	r.touch(t, "<")
	from := t.Start + 1
	r.edits = append(r.edits, edit{start: from, end: from + len(t.Name), text: name, partner: -1})
	if e.closed {
		from = e.innerEnd + 2
		r.edits = append(r.edits, edit{start: from, end: from + len(t.Name), text: name, partner: -1})
	}
	return r
}

// wrap puts tags around the source from start to end.
func (r *repair) wrap(start, end int, open, name string) *repair {
	if start >= end {
		r.failed = true
		return r
	}
	r.touched = append(r.touched, "wrap "+strconv.Itoa(start), "wrap end "+strconv.Itoa(end))
	r.edits = append(r.edits,
		edit{start: start, end: start, text: open, partner: end},
		edit{start: end, end: end, text: "</" + name + ">", partner: start})
	return r
}

// insert puts a whole element at an offset.
func (r *repair) insert(at int, text string) *repair {
	r.edits = append(r.edits, edit{start: at, end: at, text: text, partner: -1, whole: true})
	return r
}

func (r *repair) touch(t htmlcheck.Token, key string) {
	r.touched = append(r.touched, strconv.Itoa(t.Start)+" "+key)
}

// id returns the identifier of an element, a new one if it has none.
func (r *repair) id(n *html.Node, hint string) string {
	if id := htmlcheck.Attr(n, "id"); id != "" {
		if targets := r.plan.ByID(id); len(targets) == 0 || targets[0] != n {
			r.failed = true // a reference would find another element
		}
		return id
	}
	id := r.plan.freeID(hint)
	r.set(n, "id", id)
	return id
}

// freeID returns an identifier that the document does not have. It begins with a word of its own, so that no style sheet
// of the page means it.
func (p *plan) freeID(hint string) string {
	hint = "perfectworks-" + hint
	for {
		p.newIDs[hint]++
		id := hint
		if n := p.newIDs[hint]; n > 1 {
			id += "-" + strconv.Itoa(n)
		}
		if len(p.ByID(id)) == 0 {
			return id
		}
	}
}

// maxAttributes bounds the attributes of elements that are repaired: each repair looks at all of them.
const maxAttributes = 200

// findings returns what fails of some rules, on elements that can be repaired.
func (p *plan) findings(rules ...string) []htmlcheck.Finding {
	var out []htmlcheck.Finding
	for _, f := range p.result.Findings {
		if slices.Contains(rules, f.Rule) && f.Node != nil && len(f.Node.Attr) <= maxAttributes {
			out = append(out, f)
		}
	}
	return out
}
