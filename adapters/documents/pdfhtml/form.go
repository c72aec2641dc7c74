package pdfhtml

import (
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// Flags of form fields (ISO 32000-1, 12.7.4).
const (
	flagMultiline  = 1 << 12
	flagPassword   = 1 << 13
	flagRadio      = 1 << 15
	flagPushButton = 1 << 16
	flagCombo      = 1 << 17
)

const (
	// maxOptions bounds the options of one field.
	maxOptions = 2000
	// maxFieldDepth bounds how deep fields nest.
	maxFieldDepth = 32
)

// form gathers a form field. It is false if the element has no annotation and so only shows text.
func (g *gatherer) form(n *structure.Node, wraps []*wrap, m manner) bool {
	var widget *structure.Node
	for _, kid := range n.Kids {
		if d, ok := g.file.Dict(kid.Content.Annotation); annotated(kid) && ok && g.file.Name(d["Subtype"]) == "Widget" {
			widget = kid
		}
	}
	if widget == nil {
		return false
	}
	g.turn(widget.Content.Page, wraps, m)
	g.field(widget.Content, wraps) // text beside it is the value that it shows
	return true
}

// field puts a widget annotation into the line as a disabled control with its value.
func (g *gatherer) field(c structure.Content, wraps []*wrap) {
	d, _ := g.file.Dict(c.Annotation)
	if d == nil || g.file.Name(d["Subtype"]) != "Widget" || g.fields[c.Annotation] {
		return
	}
	g.fields[c.Annotation] = true
	if e := g.control(d, c.Page); e != nil {
		g.noteGroup(d, e)
		g.segments = append(g.segments, segment{node: e, page: c.Page, wraps: wraps})
	}
}

// inherited gives an entry of a field, which its parents may have.
func (b *builder) inherited(d pdf.Dict, key pdf.Name) pdf.Object {
	for range maxFieldDepth {
		if v := b.file.Resolve(d[key]); v != nil {
			return v
		}
		parent, ok := b.file.Dict(d["Parent"])
		if !ok {
			break
		}
		d = parent
	}
	return nil
}

func (b *builder) control(d pdf.Dict, page int) *html.Node {
	flags, _ := b.inherited(d, "Ff").(pdf.Integer)
	var e *html.Node
	switch kind, _ := b.inherited(d, "FT").(pdf.Name); kind {
	case "Tx":
		value := b.valueText(b.inherited(d, "V"))
		switch {
		case flags&flagPassword != 0:
			e = element("input", "type", "password")
		case flags&flagMultiline != 0:
			e = element("textarea")
			e.AppendChild(text(value))
		default:
			e = element("input", "type", "text", "value", cleanLine(value))
		}
	case "Btn":
		if e = b.button(d, int64(flags)); e.Data == "button" {
			return e
		}
	case "Ch":
		e = b.choice(d, int64(flags))
	case "Sig":
		e = element("input", "type", "text")
	default:
		return nil
	}
	set(e, "disabled", "")
	set(e, "aria-label", b.fieldName(d, page))
	return e
}

// fieldName gives the name of a field as people know it (TU), else its own.
func (b *builder) fieldName(d pdf.Dict, page int) string {
	for _, key := range []pdf.Name{"TU", "T"} {
		s, _ := b.inherited(d, key).(pdf.String)
		if name := cleanLine(s.Text()); name != "" {
			if key == "T" {
				b.flag("label", page, "a form field has no label but its technical name, %q", shorten(name, maxTitle))
			}
			return name
		}
	}
	b.flag("label", page, "a form field has no label")
	return ""
}

func (b *builder) valueText(o pdf.Object) string {
	switch v := o.(type) {
	case pdf.String:
		return strings.Map(func(r rune) rune {
			if r == '\r' {
				return '\n'
			}
			if r < ' ' && r != '\n' {
				return -1
			}
			return r
		}, strings.ReplaceAll(v.Text(), "\r\n", "\n"))
	case pdf.Name:
		return cleanLine(string(v))
	case pdf.Array:
		if len(v) > 0 {
			return b.valueText(b.file.Resolve(v[0]))
		}
	}
	return ""
}

func (b *builder) button(d pdf.Dict, flags int64) *html.Node {
	if flags&flagPushButton != 0 {
		e := element("button", "type", "button", "disabled", "")
		looks, _ := b.file.Dict(d["MK"])
		caption, _ := b.file.String(looks["CA"])
		name := cleanLine(caption.Text())
		if name == "" {
			name = b.fieldName(d, 0)
		}
		e.AppendChild(text(name))
		return e
	}
	e := element("input", "type", "checkbox")
	if flags&flagRadio != 0 {
		set(e, "type", "radio")
	}
	if state := b.file.Name(d["AS"]); state != "" && state != "Off" {
		set(e, "checked", "")
	}
	return e
}

func (b *builder) choice(d pdf.Dict, flags int64) *html.Node {
	e := element("select")
	chosen := map[string]bool{}
	if list, ok := b.inherited(d, "V").(pdf.Array); ok {
		for _, o := range list[:min(len(list), maxOptions)] {
			chosen[b.valueText(b.file.Resolve(o))] = true
		}
	} else if v := b.valueText(b.inherited(d, "V")); v != "" {
		chosen[v] = true
	}
	if flags&flagCombo == 0 {
		set(e, "size", "4")
	}
	if len(chosen) > 1 {
		set(e, "multiple", "")
	}
	options, _ := b.inherited(d, "Opt").(pdf.Array)
	for _, o := range options[:min(len(options), maxOptions)] {
		value, shown := b.valueText(b.file.Resolve(o)), ""
		if pair, ok := b.file.Array(o); ok && len(pair) > 1 {
			value, shown = b.valueText(b.file.Resolve(pair[0])), b.valueText(b.file.Resolve(pair[1]))
		}
		if shown == "" {
			shown = value
		}
		option := element("option")
		if chosen[value] || chosen[shown] {
			set(option, "selected", "")
			delete(chosen, value)
			delete(chosen, shown)
		}
		option.AppendChild(text(cleanLine(shown)))
		b.put(e, option)
	}
	rest := make([]string, 0, len(chosen)) // values typed in
	for v := range chosen {
		rest = append(rest, v)
	}
	slices.Sort(rest)
	for _, v := range rest {
		option := element("option", "selected", "")
		option.AppendChild(text(cleanLine(v)))
		b.put(e, option)
	}
	return e
}

// maxUnreached bounds the fields without a place in the structure.
const maxUnreached = 10_000

// unreachedFields adds the form fields that the structure does not have, at the end.
func (b *builder) unreachedFields(main *html.Node) {
	form, ok := b.file.Dict(b.file.Catalog()["AcroForm"])
	if fields, _ := b.file.Array(form["Fields"]); !ok || len(fields) == 0 {
		return
	}
	added := 0
	for i, page := range b.openPlaces().pages {
		if b.pageOf(i+1) == nil {
			break
		}
		list, _ := b.file.Array(page.Dict["Annots"])
		for _, o := range list {
			ref, isRef := o.(pdf.Ref)
			d, _ := b.file.Dict(o)
			flags, _ := b.file.Integer(d["F"])
			if !isRef || b.file.Name(d["Subtype"]) != "Widget" || b.fields[ref] || flags&2 != 0 || added >= maxUnreached {
				continue
			}
			b.fields[ref] = true
			e := b.control(d, i+1)
			if e == nil {
				continue
			}
			added++
			b.noteGroup(d, e)
			p := element("p")
			if e.Data != "button" { // its name is seen: there is no text beside it
				label := element("label")
				label.AppendChild(text(get(e, "aria-label") + " "))
				e.Attr = slices.DeleteFunc(e.Attr, func(a html.Attribute) bool { return a.Key == "aria-label" })
				label.AppendChild(e)
				e = label
			}
			p.AppendChild(e)
			b.add(main, p)
		}
	}
	if added > 0 {
		b.warn("Form fields that have no place in the structure stand at the end")
	}
}
