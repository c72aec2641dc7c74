package pagetext

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// mark is an open marked-content sequence (ISO 32000-1, 14.6) with what it takes over from those around it.
type mark struct {
	outer *mark
	// id and stream are those of the innermost sequence that has an identifier.
	id, stream       int
	artifact, hidden bool
	// replacement is the ActualText of the outermost sequence that has one.
	replacement *replacement
}

// replacement is text that stands for all that is shown in a sequence.
type replacement struct {
	text  string
	given bool
}

func (in *interpreter) newMark() *mark {
	m := &mark{outer: in.mark, id: -1}
	if in.mark != nil {
		*m = *in.mark
		m.outer = in.mark
	}
	return m
}

func (in *interpreter) begin(args []pdf.Object) {
	m := in.newMark()
	in.mark = m
	if len(args) == 0 {
		return
	}
	tag, isName := args[0].(pdf.Name)
	if !isName {
		return
	}
	m.artifact = m.artifact || tag == "Artifact"
	if len(args) < 2 {
		return
	}
	o := args[1]
	if name, ok := o.(pdf.Name); ok {
		o = in.resource("Properties", name)
	}
	if tag == "OC" {
		m.hidden = m.hidden || in.isHidden(o)
		return
	}
	props, _ := in.file.Dict(o)
	if id, ok := in.file.Integer(props["MCID"]); ok && id >= 0 && id < 1<<30 {
		m.id, m.stream = int(id), in.index
	}
	if text, ok := in.file.String(props["ActualText"]); ok && m.replacement == nil {
		m.replacement = &replacement{text: text.Text()}
	}
}

func (in *interpreter) end() {
	if in.mark != nil {
		in.mark = in.mark.outer
	}
}

func (in *interpreter) place() Place {
	p := Place{Stream: in.index, Operation: in.operation, Mark: -1}
	if in.mark != nil {
		p.Mark, p.MarkStream, p.Artifact = in.mark.id, in.mark.stream, in.mark.artifact
	}
	return p
}

func (in *interpreter) hiddenMark() bool { return in.mark != nil && in.mark.hidden }

// hiddenGroups gives the optional content groups that are off when a file is opened (ISO 32000-1, 8.11.4.3).
func hiddenGroups(file *pdf.File) map[pdf.Ref]bool {
	out := map[pdf.Ref]bool{}
	properties, _ := file.Dict(file.Catalog()["OCProperties"])
	standard, _ := file.Dict(properties["D"])
	set := func(o pdf.Object, off bool) {
		list, _ := file.Array(o)
		for _, group := range list {
			if ref, ok := group.(pdf.Ref); ok {
				out[ref] = off
			}
		}
	}
	if file.Name(standard["BaseState"]) == "OFF" {
		set(properties["OCGs"], true)
		set(standard["ON"], false)
	}
	set(standard["OFF"], true)
	return out
}

// isHidden tells whether a group is off, or a membership dictionary comes to nothing visible. Of the latter the policies
// are followed, not the expressions.
func (r *Reader) isHidden(o pdf.Object) bool {
	if ref, ok := o.(pdf.Ref); ok && r.hidden[ref] {
		return true
	}
	d, _ := r.file.Dict(o)
	if r.file.Name(d["Type"]) != "OCMD" {
		return false
	}
	groups := pdf.Array{d["OCGs"]}
	if list, ok := r.file.Array(d["OCGs"]); ok {
		groups = list
	}
	on, off := 0, 0
	for _, group := range groups {
		ref, ok := group.(pdf.Ref)
		switch {
		case !ok:
		case r.hidden[ref]:
			off++
		default:
			on++
		}
	}
	if on+off == 0 {
		return false
	}
	switch r.file.Name(d["P"]) {
	case "AllOn":
		return off > 0
	case "AnyOff":
		return off == 0
	case "AllOff":
		return on > 0
	}
	return on == 0 // AnyOn
}
