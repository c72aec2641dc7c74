package pdfua

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// structure reads the structure tree and checks its elements in document order.
func (c *checker) structure() {
	if c.tree.root == nil {
		return
	}
	w := structureWalk{checker: c, seen: map[pdf.Ref]bool{}, notes: map[string]bool{}}
	root := &element{dict: c.tree.root}
	root.kids = w.read(root, 0)
	w.visit(root.kids)
	w.forget()
	if w.headings != nil && w.numbered != nil {
		for _, e := range w.headings {
			c.fail("7.4.4-2", c.pageOfElement(e), "")
		}
		for _, e := range w.numbered {
			c.fail("7.4.4-3", c.pageOfElement(e), string(e.kind))
		}
	}
}

type structureWalk struct {
	*checker
	seen     map[pdf.Ref]bool
	notes    map[string]bool
	level    int
	headings []*element
	numbered []*element
	count    int
}

// forget drops the elements from memory: of most of them, what comes later asks only whether they are rooted.
func (w *structureWalk) forget() {
	for ref := range w.seen {
		w.isRooted(ref)
	}
	for ref := range w.seen {
		w.file.Forget(ref)
	}
}

// read builds the kids of an element.
func (w *structureWalk) read(parent *element, depth int) []*element {
	if depth > w.limits.Depth {
		w.exceed("levels of structure", w.limits.Depth)
		return nil
	}
	kids := pdf.Array{parent.dict["K"]}
	if list, ok := w.file.Array(parent.dict["K"]); ok {
		kids = list
	}
	var out []*element
	for _, kid := range kids {
		d, ok := w.file.Resolve(kid).(pdf.Dict)
		if !ok {
			continue
		}
		if t := w.file.Name(d["Type"]); t != "" && t != "StructElem" {
			continue
		}
		if ref, isRef := kid.(pdf.Ref); isRef {
			if w.seen[ref] {
				continue
			}
			w.seen[ref] = true
		}
		if w.count++; w.count > w.limits.Elements {
			w.exceed("structure elements", w.limits.Elements)
			return out
		}
		e := &element{dict: d, parent: parent, kind: w.tree.standardType(w.file.Name(d["S"]))}
		e.kids = w.read(e, depth+1)
		out = append(out, e)
	}
	return out
}

func (w *structureWalk) visit(elements []*element) {
	for _, e := range elements {
		w.page = w.pageOfElement(e)
		w.element(e)
		w.visit(e.kids)
	}
	w.page = 0
}

// pageOfElement finds the page of an element by its Pg or that of what it contains.
func (c *checker) pageOfElement(e *element) int {
	for range 8 {
		if ref, ok := e.dict["Pg"].(pdf.Ref); ok {
			return c.pageOf[ref]
		}
		kids := pdf.Array{e.dict["K"]}
		if list, ok := c.file.Array(e.dict["K"]); ok {
			kids = list
		}
		for _, kid := range kids {
			if d, ok := c.file.Dict(kid); ok {
				if ref, ok := d["Pg"].(pdf.Ref); ok {
					return c.pageOf[ref]
				}
			}
		}
		if len(e.kids) == 0 {
			return 0
		}
		e = e.kids[0]
	}
	return 0
}

// element checks one structure element by its type.
func (w *structureWalk) element(e *element) {
	f := w.file
	s := f.Name(e.dict["S"])
	circular := w.tree.circular(s)
	remapped := w.tree.remapped(s, e.kind)
	if e.kind == "" {
		w.require(remapped || circular, "7.1-5", string(s))
	}
	w.require(!circular, "7.1-6", string(s))
	w.require(!remapped, "7.1-7", string(s))
	w.require(f.Resolve(e.dict["P"]) != nil, "7.1-12", string(s))
	w.checkLanguage(e.dict["Lang"])
	for key, rule := range map[pdf.Name]string{"ActualText": "7.2-21", "Alt": "7.2-22", "E": "7.2-23"} {
		if _, has := f.String(e.dict[key]); has {
			w.require(w.catalogLanguage || w.inheritedLanguage(e.dict), rule, "")
		}
	}
	kids := kinds(e)
	w.require(count(kids, "H") <= 1, "7.4.4-1", "")
	switch e.kind {
	case "Table":
		w.facts.Tables++
		w.tableKids(kids)
		w.table(e)
	case "TR":
		w.require(oneOf(w.parentKind(e), "Table", "THead", "TBody", "TFoot"), "7.2-4", "")
		w.require(only(kids, "TH", "TD"), "7.2-10", "")
	case "THead":
		w.require(w.parentKind(e) == "Table", "7.2-5", "")
		w.require(only(kids, "TR"), "7.2-36", "")
	case "TBody":
		w.require(w.parentKind(e) == "Table", "7.2-6", "")
		w.require(only(kids, "TR"), "7.2-37", "")
	case "TFoot":
		w.require(w.parentKind(e) == "Table", "7.2-7", "")
		w.require(only(kids, "TR"), "7.2-38", "")
	case "TH":
		w.require(w.parentKind(e) == "TR", "7.2-8", "")
		w.require(!e.overlaps, "7.2-15", "")
	case "TD":
		w.require(w.parentKind(e) == "TR", "7.2-9", "")
		w.require(!e.overlaps, "7.2-15", "")
		w.require(!e.unconnected || len(e.unknown) > 0, "7.5-1", "")
		w.require(!e.unconnected || len(e.unknown) == 0, "7.5-2", strings.Join(e.unknown, ", "))
	default:
		w.otherElement(e, kids)
	}
}

func (w *structureWalk) otherElement(e *element, kids []pdf.Name) {
	f := w.file
	switch e.kind {
	case "LI":
		w.require(w.parentKind(e) == "L", "7.2-17", "")
		w.require(only(kids, "Lbl", "LBody"), "7.2-20", "")
	case "LBody":
		w.require(w.parentKind(e) == "LI", "7.2-18", "")
	case "L":
		w.facts.Lists++
		w.require(only(kids, "L", "LI", "Caption"), "7.2-19", "")
		w.require(!slices.Contains(rest(kids), "Caption"), "7.2-40", "")
	case "TOCI":
		w.require(w.parentKind(e) == "TOC", "7.2-26", "")
	case "TOC":
		w.require(only(kids, "TOC", "TOCI", "Caption"), "7.2-27", "")
		w.require(!slices.Contains(rest(kids), "Caption"), "7.2-28", "")
	case "Figure":
		w.facts.Figures++
		w.require(w.described(e.dict), "7.3-1", "")
		w.placeholder(e)
	case "Formula":
		w.facts.Formulas++
		w.require(w.described(e.dict), "7.7-1", "")
		w.placeholder(e)
	case "H":
		w.facts.Headings++
		w.headings = append(w.headings, e)
	case "H1", "H2", "H3", "H4", "H5", "H6":
		w.facts.Headings++
		w.numbered = append(w.numbered, e)
		level := int(e.kind[1] - '0')
		w.require(level <= w.level+1, "7.4.2-1", string(e.kind))
		w.level = level
	case "Note":
		w.facts.Notes++
		id, has := f.String(e.dict["ID"])
		w.require(has && id != "", "7.9-1", "")
		if has {
			w.require(!w.notes[string(id)], "7.9-2", id.Text())
			w.notes[string(id)] = true
		}
	case "Form":
		role := w.attribute(e.dict, "PrintField", "Role", isName)
		w.require(role != nil || w.oneWidget(e.dict), "7.18.4-2", "")
	}
}

func (c *checker) described(d pdf.Dict) bool {
	return c.filled(d["Alt"]) || c.file.Resolve(d["ActualText"]) != nil
}

// undescribed matches what package tagging writes where it finds no description.
var undescribed = regexp.MustCompile(`^\S+( \S+)? without description\b`)

// placeholder notes an alternative text that describes nothing, such as those that package tagging writes where it finds
// none.
func (w *structureWalk) placeholder(e *element) {
	text, ok := w.text(e.dict["Alt"])
	if !ok {
		return
	}
	t := strings.ToLower(strings.TrimSpace(text))
	ext := path.Ext(t)
	if undescribed.MatchString(t) || slices.Contains([]string{"image", "picture", "figure", "graphic", "photo", "img", "bild", "logo", "-", "."}, t) ||
		slices.Contains([]string{".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".svg", ".emf", ".wmf"}, ext) {
		w.facts.Placeholders = append(w.facts.Placeholders, Place{Page: w.page, Detail: text})
	}
}

// oneWidget tells whether the only kid of a Form element is a reference to a widget.
func (c *checker) oneWidget(d pdf.Dict) bool {
	kid := c.file.Resolve(d["K"])
	if list, ok := kid.(pdf.Array); ok {
		var found []pdf.Dict
		for _, o := range list {
			switch v := c.file.Resolve(o).(type) {
			case pdf.Integer:
				return false
			case pdf.Dict:
				found = append(found, v)
			}
		}
		if len(found) != 1 {
			return false
		}
		kid = found[0]
	}
	reference, ok := kid.(pdf.Dict)
	if !ok || c.file.Name(reference["Type"]) != "OBJR" {
		return false
	}
	annotation, _ := c.file.Dict(reference["Obj"])
	return c.file.Name(annotation["Subtype"]) == "Widget"
}

// parentKind gives the standard type of the parent by P, groups looked through.
func (c *checker) parentKind(e *element) pdf.Name {
	o := e.dict["P"]
	for range c.limits.Depth * 4 {
		d, ok := c.file.Dict(o)
		if !ok {
			return ""
		}
		kind := c.tree.standardType(c.file.Name(d["S"]))
		if !isGroup(kind) {
			return kind
		}
		o = d["P"]
	}
	return ""
}

// kinds gives the standard types of the kids that have one, groups looked through.
func kinds(e *element) []pdf.Name {
	var out []pdf.Name
	for _, kid := range e.significant() {
		if kid.kind != "" {
			out = append(out, kid.kind)
		}
	}
	return out
}

func oneOf(kind pdf.Name, kinds ...pdf.Name) bool { return slices.Contains(kinds, kind) }

func only(kids []pdf.Name, allowed ...pdf.Name) bool {
	for _, kid := range kids {
		if !slices.Contains(allowed, kid) {
			return false
		}
	}
	return true
}

func count(kids []pdf.Name, kind pdf.Name) int {
	n := 0
	for _, kid := range kids {
		if kid == kind {
			n++
		}
	}
	return n
}

func rest(kids []pdf.Name) []pdf.Name {
	if len(kids) == 0 {
		return nil
	}
	return kids[1:]
}
