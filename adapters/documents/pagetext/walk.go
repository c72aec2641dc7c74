package pagetext

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// maxSaved is how many graphics states are kept for Q; the format asks for 28.
const maxSaved = 4096

// walk interprets the streams of one page.
type walk struct {
	*Reader
	page    *Page
	visible Rect
	links   []Rect
	over    error
	// forms are the streams being painted, from the outside in.
	forms []*pdf.Stream
	// buffer is where the text of a run is put together.
	buffer []byte
	// ended is where the last run ends, spread the last one that may hold spaces made by character spacing.
	ended  end
	spread spread
}

// interpreter interprets one stream.
type interpreter struct {
	*walk
	index, operation int
	resources        pdf.Dict
	state            state
	saved            []state
	mark             *mark
	// textMatrix and lineMatrix are Tm and Tlm.
	textMatrix, lineMatrix matrix
	path                   path
	// fontOf are the fonts of the resources by name.
	fontOf map[pdf.Name]*fontTable
}

// stream interprets decoded content as the newest of the page's streams.
func (w *walk) stream(data []byte, resources pdf.Dict, s state, outer *mark, depth int) {
	in := interpreter{
		walk: w, index: len(w.page.Streams) - 1, resources: resources, state: s, mark: outer,
		textMatrix: identity, lineMatrix: identity,
	}
	scanner := pdf.NewScanner(data, pdf.Limits{})
	for in.operation = 0; w.over == nil; in.operation++ {
		op, ok := scanner.Next()
		if !ok {
			return
		}
		if w.operations++; w.operations > w.limits.Operations {
			w.over = &pdf.LimitError{What: "content operations", Limit: int64(w.limits.Operations)}
			return
		}
		in.run(op, depth)
	}
}

// keep counts what is kept of the file.
func (w *walk) keep() bool {
	if w.kept++; w.kept > w.limits.Runs {
		w.over = &pdf.LimitError{What: "pieces of text and drawing", Limit: int64(w.limits.Runs)}
		return false
	}
	return true
}

func (in *interpreter) run(op pdf.Operation, depth int) {
	args := op.Operands
	if in.runText(op.Operator, args) || in.runPath(op.Operator, args) || in.runColor(op.Operator, args) {
		return
	}
	switch op.Operator {
	case "q":
		if len(in.saved) < maxSaved {
			in.saved = append(in.saved, in.state)
		}
	case "Q":
		if n := len(in.saved); n > 0 {
			in.state, in.saved = in.saved[n-1], in.saved[:n-1]
		}
	case "cm":
		if m := matrixOf(args).mul(in.state.ctm); m.finite() {
			in.state.ctm = m
		}
	case "w":
		in.state.lineWidth = number(args, 0)
	case "gs":
		in.graphicsState(args)
	case "BMC", "BDC":
		in.begin(args)
	case "MP", "DP":
	case "EMC":
		in.end()
	case "BI":
		in.image(op.Image, pdf.Ref{})
	case "sh":
		in.shape(in.state.clip.Intersect(in.visible), true, false)
	case "Do":
		in.paint(args, depth)
	}
}

func number(args []pdf.Object, i int) float64 {
	if i >= len(args) {
		return 0
	}
	v, _ := pdf.Number(args[i])
	return v
}

// matrixOf reads the six operands of an operator, the identity if they are not six numbers.
func matrixOf(args []pdf.Object) matrix {
	if len(args) < 6 {
		return identity
	}
	args = args[len(args)-6:]
	return matrix{
		number(args, 0), number(args, 1), number(args, 2), number(args, 3), number(args, 4), number(args, 5),
	}
}

func (in *interpreter) resource(kind, name pdf.Name) pdf.Object {
	d, _ := in.file.Dict(in.resources[kind])
	return d[name]
}

func nameOf(args []pdf.Object) pdf.Name {
	if len(args) == 0 {
		return ""
	}
	name, _ := args[len(args)-1].(pdf.Name)
	return name
}

func (in *interpreter) graphicsState(args []pdf.Object) {
	gs, _ := in.file.Dict(in.resource("ExtGState", nameOf(args)))
	if list, ok := in.file.Array(gs["Font"]); ok && len(list) > 1 {
		in.state.text.font = in.fontTable(list[0])
		in.state.text.size, _ = in.file.Number(list[1])
	}
	if v, ok := in.file.Number(gs["LW"]); ok {
		in.state.lineWidth = v
	}
}

// paint enters a form or notes an image.
func (in *interpreter) paint(args []pdf.Object, depth int) {
	o := in.resource("XObject", nameOf(args))
	s, ok := in.file.Stream(o)
	if !ok {
		return
	}
	ref, _ := o.(pdf.Ref)
	switch in.file.Name(s.Dict["Subtype"]) {
	case "Image":
		in.optional(s.Dict, func() { in.image(s, ref) })
	case "Form":
		in.optional(s.Dict, func() { in.form(s, ref, depth) })
	}
}

// optional calls paint for an XObject inside of its optional content group, if it has one.
func (in *interpreter) optional(d pdf.Dict, paint func()) {
	if d["OC"] == nil {
		paint()
		return
	}
	before := in.mark
	in.mark = in.newMark()
	in.mark.hidden = in.mark.hidden || in.isHidden(d["OC"])
	paint()
	in.mark = before
}

func (in *interpreter) form(s *pdf.Stream, ref pdf.Ref, depth int) {
	if depth >= in.limits.Depth {
		return
	}
	for _, open := range in.forms {
		if open == s {
			return // a form that paints itself
		}
	}
	state := in.state
	if list, ok := in.file.Array(s.Dict["Matrix"]); ok && len(list) == 6 {
		var v [6]float64
		for i, o := range list {
			v[i], _ = in.file.Number(o)
		}
		state.ctm = matrix{v[0], v[1], v[2], v[3], v[4], v[5]}.mul(state.ctm)
		if !state.ctm.finite() {
			return
		}
	}
	if box, ok := in.file.Rectangle(s.Dict["BBox"]); ok {
		state.clip = state.clip.Intersect(state.ctm.box(Rect{box[0], box[1], box[2], box[3]}))
	}
	resources := in.resources
	if d, ok := in.file.Dict(s.Dict["Resources"]); ok {
		resources = d
	}
	data, _ := in.file.Decode(s)
	in.page.Streams = append(in.page.Streams, Stream{Form: ref, Outer: in.index, Operation: in.operation})
	in.forms = append(in.forms, s)
	in.stream(data, resources, state, in.mark, depth+1)
	in.forms = in.forms[:len(in.forms)-1]
}

func (in *interpreter) image(s *pdf.Stream, ref pdf.Ref) {
	box := in.state.ctm.box(Rect{0, 0, 1, 1})
	shown := box.Intersect(in.state.clip).Intersect(in.visible)
	hidden := in.hiddenMark() || shown.Empty()
	if !shown.Empty() {
		box = shown
	}
	if in.keep() {
		in.page.Images = append(in.page.Images, Image{Place: in.place(), Box: box, Stream: s, Ref: ref, Hidden: hidden})
	}
}
