package pdfua

import (
	"reflect"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// streamOwner is what a content stream's page or form says about its place in the parent tree.
type streamOwner struct {
	parent, parents       int64
	hasParent, hasParents bool
}

func (c *checker) ownerOf(d pdf.Dict) streamOwner {
	var o streamOwner
	o.parent, o.hasParent = c.file.Integer(d["StructParent"])
	o.parents, o.hasParents = c.file.Integer(d["StructParents"])
	return o
}

// content is one content stream and what surrounds it.
type content struct {
	resources pdf.Dict
	owner     streamOwner
	// parent is the structure element that the stream as a whole belongs to.
	parent pdf.Object
	// artifact tells that the stream is painted inside of an artifact.
	artifact bool
	// language tells that text has a language from outside.
	language bool
	// semantic tells that the content must be tagged or artifact: not so in appearances, patterns and glyphs.
	semantic bool
	depth    int
	state    graphics
}

// graphics is the part of the graphics state that checks need.
type graphics struct {
	font pdf.Object
	mode int64
}

// mark is an open or closed marked-content sequence.
type mark struct {
	outer   *mark
	tag     pdf.Name
	props   pdf.Dict
	element pdf.Object // of its own identifier
	closed  bool
}

// item is something painted, looked at once it is known whether the marks around it are closed.
type item struct {
	mark   *mark
	isText bool
}

type interpreter struct {
	*checker
	content
	current *mark
	items   []item
	marks   []*mark
	stack   []graphics
}

// run interprets a content stream.
func (c *checker) run(data []byte, in content) {
	if in.depth > 40 {
		return // forms painted by themselves
	}
	p := interpreter{checker: c, content: in}
	scanner := pdf.NewScanner(data, pdf.Limits{})
	for c.over == nil {
		op, ok := scanner.Next()
		if !ok {
			break
		}
		if c.spent++; c.spent > c.limits.Operations {
			c.exceed("content operations", c.limits.Operations)
			return
		}
		p.operation(op)
	}
	if in.semantic {
		p.judge()
	}
}

func (p *interpreter) operation(op pdf.Operation) {
	args := op.Operands
	switch op.Operator {
	case "q":
		if len(p.stack) < 4096 {
			p.stack = append(p.stack, p.state)
		}
	case "Q":
		if n := len(p.stack); n > 0 {
			p.state, p.stack = p.stack[n-1], p.stack[:n-1]
		}
	case "BMC", "BDC":
		p.begin(op.Operator, args)
	case "EMC":
		if p.current != nil {
			p.current.closed = true
			p.current = p.current.outer
		}
	case "Tf":
		if len(args) > 0 {
			if name, ok := args[0].(pdf.Name); ok {
				p.state.font = p.resource("Font", name)
			}
		}
	case "Tr":
		if len(args) > 0 {
			n, _ := pdf.Number(args[0])
			p.state.mode = int64(n)
		}
	case "gs":
		if len(args) > 0 {
			name, _ := args[0].(pdf.Name)
			gs, _ := p.file.Dict(p.resource("ExtGState", name))
			if font, ok := p.file.Array(gs["Font"]); ok && len(font) > 0 {
				p.state.font = font[0]
			}
		}
	case "Tj", "'", "\"", "TJ":
		p.show(args)
	case "S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "BI":
		p.items = append(p.items, item{mark: p.current})
		if op.Operator == "BI" {
			p.facts.PaintedImages++
		}
	case "scn", "SCN":
		if n := len(args); n > 0 {
			if name, ok := args[n-1].(pdf.Name); ok {
				p.pattern(p.resource("Pattern", name))
			}
		}
	case "Do":
		if n := len(args); n > 0 {
			if name, ok := args[n-1].(pdf.Name); ok {
				p.paint(p.resource("XObject", name))
			}
		}
	}
}

func (p *interpreter) resource(kind, name pdf.Name) pdf.Object {
	d, _ := p.file.Dict(p.resources[kind])
	return d[name]
}

func (p *interpreter) begin(op pdf.Operator, args []pdf.Object) {
	m := &mark{outer: p.current}
	n := len(args)
	if op == "BMC" && n > 0 {
		m.tag, _ = args[n-1].(pdf.Name)
	}
	if op == "BDC" && n > 1 {
		m.tag, _ = args[n-2].(pdf.Name)
		switch v := args[n-1].(type) {
		case pdf.Dict:
			m.props = v
		case pdf.Name:
			m.props, _ = p.file.Dict(p.resource("Properties", v))
		}
		if id, ok := p.file.Integer(m.props["MCID"]); ok {
			m.element = p.markedParent(p.owner, id)
		}
		p.checkLanguage(m.props["Lang"])
	}
	p.current = m
	if p.semantic {
		p.marks = append(p.marks, m)
	}
}

func (p *interpreter) show(args []pdf.Object) {
	if len(args) == 0 {
		return
	}
	p.items = append(p.items, item{mark: p.current, isText: true})
	p.texts = true
	if p.state.font == nil {
		return
	}
	facts := p.fontOf(p.state.font, p.content)
	facts.use(p.checker, p.state.mode)
	switch v := args[len(args)-1].(type) {
	case pdf.String:
		facts.glyphs(p.checker, string(v), p.state.mode)
	case pdf.Array:
		for _, o := range v {
			if s, ok := o.(pdf.String); ok {
				facts.glyphs(p.checker, string(s), p.state.mode)
			}
		}
	}
}

// paint enters a form or notes an image.
func (p *interpreter) paint(o pdf.Object) {
	stream, ok := p.file.Stream(o)
	if !ok {
		return
	}
	switch p.file.Name(stream.Dict["Subtype"]) {
	case "Image":
		p.facts.PaintedImages++
		p.items = append(p.items, item{mark: p.current})
	case "Form":
		in := content{owner: p.owner, semantic: p.semantic, language: p.language, depth: p.depth + 1, state: p.state}
		in.parent = p.elementAt(p.current)
		in.artifact = p.inArtifact(p.current)
		p.form(o, stream, in, p.resources)
	}
}

// form checks a form and runs its content.
func (c *checker) form(o pdf.Object, stream *pdf.Stream, in content, outer pdf.Dict) {
	d := stream.Dict
	c.require(d["Ref"] == nil, "7.20-1", "")
	if ref, isRef := o.(pdf.Ref); isRef && d["StructParents"] != nil {
		c.forms[ref]++
		c.require(c.forms[ref] == 1, "7.20-2", "")
	}
	in.owner = c.ownerOf(d)
	if element := c.markedParent(in.owner, -1); element != nil {
		in.parent = element
	}
	in.resources = outer
	if r, ok := c.file.Dict(d["Resources"]); ok {
		in.resources = r
	}
	data, _ := c.file.Decode(stream)
	c.run(data, in)
}

func (p *interpreter) pattern(o pdf.Object) {
	ref, isRef := o.(pdf.Ref)
	stream, ok := p.file.Stream(o)
	if !ok || isRef && p.patterns[ref] {
		return
	}
	if isRef {
		p.patterns[ref] = true
	}
	in := content{resources: p.resources, owner: p.ownerOf(stream.Dict), depth: p.depth + 1, state: p.state}
	if r, ok := p.file.Dict(stream.Dict["Resources"]); ok {
		in.resources = r
	}
	data, _ := p.file.Decode(stream)
	p.run(data, in)
}

// elementAt gives the structure element that content inside of a mark belongs to.
func (p *interpreter) elementAt(m *mark) pdf.Object {
	for ; m != nil; m = m.outer {
		if m.element != nil {
			return m.element
		}
	}
	return p.parent
}

func (p *interpreter) inArtifact(m *mark) bool {
	for ; m != nil; m = m.outer {
		if m.tag == "Artifact" {
			return true
		}
	}
	return p.artifact
}

// effective gives the mark that counts for what is inside of m: none if the outermost one is never closed, since the
// end of the stream then leaves everything in it unmarked.
func effective(m *mark) *mark {
	if m == nil {
		return nil
	}
	outermost := m
	for outermost.outer != nil {
		outermost = outermost.outer
	}
	if !outermost.closed {
		return nil
	}
	return m
}

// judge checks the marks and items of a stream that must be tagged.
func (p *interpreter) judge() {
	for _, m := range p.marks {
		if effective(m) == nil {
			continue
		}
		tagged := p.isRooted(p.elementAt(m))
		p.require(m.tag != "Artifact" || !tagged, "7.1-1", "")
		p.require(!tagged || !p.inArtifact(m), "7.1-2", "")
		if m.tag == "Span" {
			for key, rule := range map[pdf.Name]string{"ActualText": "7.2-30", "Alt": "7.2-31", "E": "7.2-32"} {
				if _, has := p.file.String(m.props[key]); has {
					p.require(p.catalogLanguage || p.hasLanguage(m), rule, "")
				}
			}
		}
	}
	for _, it := range p.items {
		m := effective(it.mark)
		tagged := p.isRooted(p.elementAt(m))
		p.require(tagged || p.inArtifact(m), "7.1-3", "")
		if it.isText {
			if !tagged || p.inArtifact(m) {
				p.untagged[p.page] = true
			}
			p.require(p.catalogLanguage || p.hasLanguage(m), "7.2-34", "")
		}
	}
}

// hasLanguage tells whether text in a mark has a language: from the mark, its structure element, the marks around it,
// or from outside of the stream.
func (p *interpreter) hasLanguage(m *mark) bool {
	for ; m != nil; m = m.outer {
		if _, ok := p.file.String(m.props["Lang"]); ok {
			return true
		}
		if m.element != nil && p.inheritedLanguage(m.element) {
			return true
		}
	}
	return p.language
}

// pointer identifies a dictionary that is written in place.
func pointer(d pdf.Dict) uintptr { return reflect.ValueOf(d).Pointer() }
