package style

import (
	"cmp"
	_ "embed" // the user agent's style sheet
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/html"
)

//go:embed useragent.css
var userAgentSource string

var userAgent = sync.OnceValue(func() *Sheet { return Parse(userAgentSource) })

// Resolver computes the styles of the elements of one document. It is not safe for concurrent use.
type Resolver struct {
	matcher matcher
	// byID, byClass, byTag and rest hold the rules by a condition of their subject.
	byID, byClass, byTag map[string][]*ranked
	rest                 []*ranked
	root                 float64
	shared               map[sharedKey]*Style
	hits                 []*ranked
}

// ranked is a rule with its place in the cascade.
type ranked struct {
	*rule
	author bool
	rank   int
}

// sharedKey identifies what a style is computed from where there is no style attribute.
type sharedKey struct {
	parent *Style
	rules  string
	table  *html.Node
}

// maxShared bounds the styles that are remembered.
const maxShared = 20_000

// NewResolver takes the author's style sheets in their order.
func NewResolver(sheets ...*Sheet) *Resolver {
	r := &Resolver{
		byID: map[string][]*ranked{}, byClass: map[string][]*ranked{}, byTag: map[string][]*ranked{}, root: rootSize,
		shared: map[sharedKey]*Style{},
	}
	rank := 0
	add := func(s *Sheet, author bool) {
		for _, rule := range s.rules {
			rank++
			k := &ranked{rule, author, rank}
			switch subject := rule.selector.compounds[0]; {
			case subject.id != "":
				r.byID[subject.id] = append(r.byID[subject.id], k)
			case len(subject.classes) > 0:
				r.byClass[subject.classes[0]] = append(r.byClass[subject.classes[0]], k)
			case subject.tag != "":
				r.byTag[subject.tag] = append(r.byTag[subject.tag], k)
			default:
				r.rest = append(r.rest, k)
			}
		}
	}
	add(userAgent(), false)
	for _, s := range sheets {
		add(s, true)
	}
	return r
}

// Exhausted tells that the style sheets asked for more work than is done, so that rules were left out.
func (r *Resolver) Exhausted() bool { return r.matcher.steps > maxMatchSteps }

// Style computes the style of an element whose parent has the style that is given.
func (r *Resolver) Style(n *html.Node, parent *Style) *Style {
	s := r.compute(n, parent, "")
	if n.Data == "html" {
		r.root = s.Size
	}
	if s.Display != None && isSource(n) {
		hidden := *s
		hidden.Display = None
		return &hidden
	}
	return s
}

// isSource tells of elements whose text is for programs. No style sheet of an author shows it: it may come from another
// file, which readers of the document are not meant to see.
func isSource(n *html.Node) bool {
	switch n.Data {
	case "head", "script", "style", "template", "title", "meta", "link", "base", "noscript":
		return n.Namespace == ""
	}
	return false
}

// Pseudo computes the style of ::before or ::after, nil if there is no such box.
func (r *Resolver) Pseudo(n *html.Node, which string, of *Style) *Style {
	s := r.compute(n, of, which)
	if s == nil || !s.HasContent || s.Display == None {
		return nil
	}
	return s
}

func (r *Resolver) compute(n *html.Node, parent *Style, pseudo string) *Style {
	r.collect(n, pseudo)
	if pseudo != "" && len(r.hits) == 0 {
		return nil
	}
	inline := ""
	if pseudo == "" {
		inline, _ = attribute(n, "style")
	}
	var hints bool
	key := sharedKey{parent: parent}
	if pseudo == "" {
		hints, key.table = hasHints(n)
	}
	if inline == "" && !hints {
		key.rules = hitKey(r.hits)
		if s, ok := r.shared[key]; ok {
			return s
		}
	}
	s := r.cascade(n, parent, inline, hints || key.table != nil)
	if inline == "" && !hints {
		if len(r.shared) >= maxShared {
			clear(r.shared)
		}
		r.shared[key] = s
	}
	return s
}

func hitKey(hits []*ranked) string {
	b := make([]byte, 0, 4*len(hits))
	for _, k := range hits {
		b = binary.BigEndian.AppendUint32(b, uint32(k.rank)) //nolint:gosec // the number of a rule
	}
	return string(b)
}

// collect finds the rules that match, in the order of the cascade without regard to importance.
func (r *Resolver) collect(n *html.Node, pseudo string) {
	r.hits = r.hits[:0]
	try := func(rules []*ranked) {
		for _, k := range rules {
			if k.selector.pseudo == pseudo && r.matcher.matches(&k.selector, n) {
				r.hits = append(r.hits, k)
			}
		}
	}
	if id, ok := attribute(n, "id"); ok {
		try(r.byID[id])
	}
	if class, ok := attribute(n, "class"); ok {
		words := strings.Fields(class)
		for i, word := range words[:min(len(words), 64)] {
			if !slices.Contains(words[:i], word) {
				try(r.byClass[word])
			}
		}
	}
	try(r.byTag[n.Data])
	try(r.rest)
	slices.SortFunc(r.hits, func(a, b *ranked) int {
		if a.author != b.author {
			if a.author {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.selector.specificity, b.selector.specificity), cmp.Compare(a.rank, b.rank))
	})
}

// cascade applies the declarations in their order: the user agent's, presentational hints, the author's, the style
// attribute, then what is important.
func (r *Resolver) cascade(n *html.Node, parent *Style, inline string, hints bool) *Style {
	s := parent.inherit()
	var list []declaration
	for _, k := range r.hits {
		if k.author && hints {
			list, hints = appendHints(list, n), false
		}
		list = append(list, k.declarations...)
	}
	if hints {
		list = appendHints(list, n)
	}
	if inline != "" {
		list = append(list, parseDeclarations(inline)...)
	}
	// Variables first, then the size of the font and its colour, which others refer to.
	for _, important := range []bool{false, true} {
		for _, d := range list {
			if strings.HasPrefix(d.name, "--") && d.important == important {
				s.custom = s.custom.with(d.name, d.value)
			}
		}
	}
	s.fontSizeBase = parent.Size
	early := func(name string) bool {
		return name == "font-size" || name == "font" || name == "color" || name == "direction"
	}
	for _, pass := range []bool{true, false} {
		for _, important := range []bool{false, true} {
			for _, d := range list {
				if early(d.name) == pass && d.important == important {
					s.apply(d, parent, r.root, s.custom)
				}
			}
		}
	}
	s.finish()
	return s
}

// customs are custom properties, each list upon that of the parent.
type customs struct {
	name  string
	value []token
	next  *customs
	depth int
}

// maxCustoms bounds the custom properties that are in force at one element.
const maxCustoms = 2_000

func (c *customs) with(name string, value []token) *customs {
	depth := 0
	if c != nil {
		depth = c.depth + 1
	}
	if depth > maxCustoms {
		return c
	}
	return &customs{name, value, c, depth}
}

func (c *customs) get(name string) ([]token, bool) {
	for ; c != nil; c = c.next {
		if c.name == name {
			return c.value, true
		}
	}
	return nil, false
}

// substitute replaces var() in a value. It is false if a variable has no value.
func (c *customs) substitute(value []token, depth int) ([]token, bool) {
	found := slices.ContainsFunc(value, func(t token) bool { return len(t.args) > 0 })
	if !found {
		return value, true
	}
	if depth > maxArguments {
		return nil, false
	}
	var out []token
	for _, t := range value {
		if len(out) > maxTokens {
			return nil, false
		}
		if t.text != "var" || len(t.args) == 0 {
			args, ok := c.substitute(t.args, depth+1)
			if !ok {
				return nil, false
			}
			t.args = args
			out = append(out, t)
			continue
		}
		replacement, ok := c.get(t.args[0].text)
		if !ok {
			if len(t.args) < 2 {
				return nil, false
			}
			replacement = t.args[2:]
		}
		replacement, ok = c.substitute(replacement, depth+1)
		if !ok {
			return nil, false
		}
		out = append(out, replacement...)
	}
	return out, len(out) <= maxTokens
}
