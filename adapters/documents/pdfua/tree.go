package pdfua

import "github.com/perfectworks/backend/adapters/documents/pdf"

// tree is the structure tree of the document. Its root is nil if there is none.
type tree struct {
	root     pdf.Dict
	roles    map[pdf.Name]pdf.Name
	classes  pdf.Dict
	parents  map[int64]pdf.Object
	rooted   map[pdf.Ref]bool
	standard map[pdf.Name]pdf.Name
}

// element is a node of the tree.
type element struct {
	dict   pdf.Dict
	parent *element
	// kind is the standard structure type, "" if there is none.
	kind pdf.Name
	kids []*element
	// row and column are where a table cell starts, once its table was laid out.
	row, column int
	overlaps    bool
	// unconnected tells that a data cell has no header; unknown are the header ids it names in vain.
	unconnected bool
	unknown     []string
}

func (c *checker) openTree() {
	t := &tree{
		roles: map[pdf.Name]pdf.Name{}, parents: map[int64]pdf.Object{}, rooted: map[pdf.Ref]bool{},
		standard: map[pdf.Name]pdf.Name{},
	}
	c.tree = t
	root, ok := c.file.Dict(c.catalog["StructTreeRoot"])
	if !ok {
		return
	}
	t.root = root
	roles, _ := c.file.Dict(root["RoleMap"])
	for from, to := range roles {
		if name := c.file.Name(to); name != "" {
			t.roles[from] = name
		}
	}
	t.classes, _ = c.file.Dict(root["ClassMap"])
	c.readParents(root["ParentTree"])
}

// readParents reads the number tree of parents; the first of two with the same key counts.
func (c *checker) readParents(root pdf.Object) {
	for key, parent := range c.file.Pairs(root, "Nums", c.limits.Depth) {
		if key, ok := c.file.Integer(key); ok {
			if _, known := c.tree.parents[key]; !known {
				c.tree.parents[key] = parent
			}
		}
	}
}

// elementOf gives the structure element that the parent tree has for a StructParent, or nil.
func (c *checker) elementOf(structParent pdf.Object) pdf.Dict {
	key, ok := c.file.Integer(structParent)
	if !ok {
		return nil
	}
	d, _ := c.file.Dict(c.tree.parents[key])
	return d
}

// markedParent gives the structure element of a marked-content identifier in a content stream, nil if there is none.
func (c *checker) markedParent(owner streamOwner, id int64) pdf.Object {
	if owner.hasParent {
		return c.present(c.tree.parents[owner.parent])
	}
	if !owner.hasParents || id < 0 {
		return nil
	}
	list, ok := c.file.Array(c.tree.parents[owner.parents])
	if !ok || id >= int64(len(list)) {
		return nil
	}
	return c.present(list[id])
}

// present gives o, or nil if it resolves to nothing.
func (c *checker) present(o pdf.Object) pdf.Object {
	if ref, isRef := o.(pdf.Ref); isRef {
		if _, known := c.tree.rooted[ref]; known {
			return o
		}
	}
	if c.file.Resolve(o) == nil {
		return nil
	}
	return o
}

// isRooted tells whether the parents of a structure element lead to the root.
func (c *checker) isRooted(o pdf.Object) bool {
	ref, isRef := o.(pdf.Ref)
	if isRef {
		if rooted, known := c.tree.rooted[ref]; known {
			return rooted
		}
	}
	rooted := false
	for range c.limits.Depth * 4 {
		d, ok := c.file.Dict(o)
		if !ok {
			break
		}
		if c.file.Name(d["Type"]) == "StructTreeRoot" {
			rooted = true
			break
		}
		o = d["P"]
		if parent, ok := o.(pdf.Ref); ok {
			if above, known := c.tree.rooted[parent]; known {
				rooted = above
				break
			}
		}
	}
	if isRef {
		c.tree.rooted[ref] = rooted
	}
	return rooted
}

// inheritedLanguage gives whether a structure element or one of its parents has a language.
func (c *checker) inheritedLanguage(o pdf.Object) bool {
	for range c.limits.Depth * 4 {
		d, ok := c.file.Dict(o)
		if !ok {
			return false
		}
		if _, ok := c.file.String(d["Lang"]); ok {
			return true
		}
		o = d["P"]
	}
	return false
}

var standardTypes = func() map[pdf.Name]bool {
	types := map[pdf.Name]bool{}
	for _, name := range []pdf.Name{
		"Document", "Part", "Art", "Sect", "Div", "BlockQuote", "Caption", "TOC", "TOCI", "Index", "NonStruct",
		"Private", "P", "H", "H1", "H2", "H3", "H4", "H5", "H6", "L", "LI", "Lbl", "LBody", "Table", "TR", "TH", "TD",
		"THead", "TBody", "TFoot", "Span", "Quote", "Note", "Reference", "BibEntry", "Code", "Link", "Annot", "Ruby",
		"RB", "RT", "RP", "Warichu", "WT", "WP", "Figure", "Formula", "Form",
	} {
		types[name] = true
	}
	return types
}()

// standardType follows the role map from a structure type to a standard one, "" if it leads to none.
func (t *tree) standardType(s pdf.Name) pdf.Name {
	if kind, known := t.standard[s]; known {
		return kind
	}
	kind := t.mapRole(s)
	t.standard[s] = kind
	return kind
}

func (t *tree) mapRole(s pdf.Name) pdf.Name {
	next, mapped := t.roles[s]
	if (!mapped || next == s) && standardTypes[s] {
		return s
	}
	seen := map[pdf.Name]bool{s: true}
	for mapped && !seen[next] {
		if standardTypes[next] {
			return next
		}
		seen[next] = true
		next, mapped = t.roles[next]
	}
	return ""
}

// circular tells whether the role map leads from a type back to one it passed.
func (t *tree) circular(s pdf.Name) bool {
	seen := map[pdf.Name]bool{s: true}
	for next, mapped := t.roles[s]; mapped; next, mapped = t.roles[next] {
		if seen[next] {
			return true
		}
		seen[next] = true
	}
	return false
}

// remapped tells whether a standard type is mapped to another one, directly or on the way from s.
func (t *tree) remapped(s, kind pdf.Name) bool {
	if s == "" {
		return false
	}
	if standardTypes[s] {
		return kind != s
	}
	return kind != "" && t.standardType(kind) != kind
}

// isGroup tells whether a type only groups and is looked through.
func isGroup(kind pdf.Name) bool { return kind == "NonStruct" || kind == "Div" || kind == "Part" }

// significant gives the kids with groups looked through.
func (e *element) significant() []*element {
	var out []*element
	for _, kid := range e.kids {
		if isGroup(kid.kind) {
			out = append(out, kid.significant()...)
		} else {
			out = append(out, kid)
		}
	}
	return out
}

// attribute gives an attribute of an owner from A or, by C, from the class map.
func (c *checker) attribute(d pdf.Dict, owner, name pdf.Name, is func(pdf.Object) bool) pdf.Object {
	if v := c.attributeIn(d["A"], owner, name, is); v != nil {
		return v
	}
	classes := c.file.Resolve(d["C"])
	list, isList := classes.(pdf.Array)
	if !isList {
		list = pdf.Array{classes}
	}
	for _, class := range list {
		if v := c.attributeIn(c.tree.classes[c.file.Name(class)], owner, name, is); v != nil {
			return v
		}
	}
	return nil
}

func (c *checker) attributeIn(o pdf.Object, owner, name pdf.Name, is func(pdf.Object) bool) pdf.Object {
	switch v := c.file.Resolve(o).(type) {
	case pdf.Array:
		for _, entry := range v {
			if d, ok := c.file.Resolve(entry).(pdf.Dict); ok && c.file.Name(d["O"]) == owner {
				if value := c.file.Resolve(d[name]); is(value) {
					return value
				}
			}
		}
	case pdf.Dict:
		if value := c.file.Resolve(v[name]); c.file.Name(v["O"]) == owner && is(value) {
			return value
		}
	}
	return nil
}

func isName(o pdf.Object) bool    { _, ok := o.(pdf.Name); return ok }
func isInteger(o pdf.Object) bool { _, ok := o.(pdf.Integer); return ok }
func isArray(o pdf.Object) bool   { _, ok := o.(pdf.Array); return ok }
