package tagging

import (
	"maps"
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Copies of forms end at these bounds; what is beyond is marked as a whole.
const (
	maxFormCopies     = 20_000
	maxFormCopyBytes  = 64 << 20
	maxFormNesting    = 40
	prefixOfFormCopys = "PwForm"
)

// scribe writes the content streams of one page.
type scribe struct {
	*work
	page  int // counts from 1
	plans []streamPlan
}

// streamOwner is what a content stream's marked-content identifiers are looked up by: one list of parents.
type streamOwner struct {
	form    pdf.Ref
	parents pdf.Array
}

// writePage marks the content of a page and of its forms.
func (w *work) writePage(number int, plans []streamPlan) error {
	page := &w.pages[number-1]
	s := scribe{work: w, page: number, plans: plans}
	data, err := w.file.Content(*page)
	if err != nil {
		if limit := w.file.Limit(); limit != nil {
			return limit
		}
		w.damaged++
	}
	owner := &streamOwner{}
	resources := page.Resources
	out, renamed := s.stream(0, data, resources, owner, 0)
	page.Dict["Contents"] = w.file.Add(pdf.NewStream(nil, out))
	if renamed != nil {
		page.Resources = renamed
		page.Dict["Resources"] = renamed
	}
	delete(page.Dict, "StructParents")
	if owner.parents != nil {
		key := w.parents.key()
		w.parents.values[key] = owner.parents
		page.Dict["StructParents"] = pdf.Integer(key)
	}
	return nil
}

// stream marks one content stream. It gives new resources if names had to be added to them.
func (s *scribe) stream(index int, data []byte, resources pdf.Dict, owner *streamOwner, depth int) ([]byte, pdf.Dict) {
	plan := s.plans[index]
	m := marker{source: data, parts: plan.parts, forms: map[int]painting{}}
	m.old = func(op pdf.Operation) oldMark { return s.oldMark(op, resources) }
	m.begin = func(b belongs) (pdf.Name, int) {
		l := &s.outline.leaves[b.leaf]
		id := len(owner.parents)
		owner.parents = append(owner.parents, l.element.ref)
		l.sequences = append(l.sequences, sequence{order: b.order, id: id, page: s.page, form: owner.form})
		return l.element.kind, id
	}
	var forms pdf.Dict
	for operation, form := range plan.forms {
		p, ref := s.form(form, resources, depth)
		if ref != (pdf.Ref{}) {
			if forms == nil {
				old, _ := s.file.Dict(resources["XObject"])
				forms = maps.Clone(old)
				if forms == nil {
					forms = pdf.Dict{}
				}
			}
			p.name = freeName(forms, len(forms))
			forms[p.name] = ref
		}
		m.forms[operation] = p
	}
	out := m.mark()
	if forms == nil {
		return out, nil
	}
	renamed := maps.Clone(resources)
	if renamed == nil {
		renamed = pdf.Dict{}
	}
	renamed["XObject"] = forms
	return out, renamed
}

// freeName gives a name that a dictionary does not have.
func freeName(d pdf.Dict, from int) pdf.Name {
	for n := from; ; n++ {
		name := pdf.Name(prefixOfFormCopys + strconv.Itoa(n))
		if _, taken := d[name]; !taken {
			return name
		}
	}
}

// form decides how a form is marked, and marks its content. It gives the reference of a copy if one had to be made.
func (s *scribe) form(index int, outer pdf.Dict, depth int) (painting, pdf.Ref) {
	plan := s.plans[index]
	ref := s.shown[s.page-1].Streams[index].Form
	whole := painting{whole: plan.whole}
	// The plan counts the operations of the form as it was read, before any cleaning.
	original, known := s.originals[ref]
	stream, ok := s.file.Stream(ref)
	if !ok {
		return whole, pdf.Ref{}
	}
	if !known {
		original = stream
		s.originals[ref] = original
	}
	if !plan.mixed || depth >= maxFormNesting {
		s.clean(ref, stream, outer)
		return whole, pdf.Ref{}
	}
	data, _ := s.file.Decode(original)
	resources, own := s.file.Dict(original.Dict["Resources"])
	if !own {
		resources = outer
	}
	copied := s.paintings[ref] > 1
	if copied {
		s.copies++
		s.copiedBytes += len(original.Raw)
		if s.copies > maxFormCopies || s.copiedBytes > maxFormCopyBytes {
			s.uncopied++
			s.clean(ref, stream, outer)
			return whole, pdf.Ref{}
		}
	}
	owner := &streamOwner{form: ref}
	if copied {
		owner.form = s.file.Add(nil)
	}
	out, renamed := s.stream(index, data, resources, owner, depth+1)
	dict := maps.Clone(original.Dict)
	delete(dict, "StructParent")
	delete(dict, "StructParents")
	if renamed != nil {
		dict["Resources"] = renamed
	}
	if owner.parents != nil {
		key := s.parents.key()
		s.parents.values[key] = owner.parents
		dict["StructParents"] = pdf.Integer(key)
	}
	s.file.Set(owner.form, pdf.NewStream(dict, out))
	if copied {
		return painting{inside: true}, owner.form
	}
	return painting{inside: true}, pdf.Ref{}
}

// clean takes old marks out of a form that is marked as a whole: they would lie inside of another sequence.
func (s *scribe) clean(ref pdf.Ref, stream *pdf.Stream, outer pdf.Dict) {
	if s.cleaned[ref] {
		return
	}
	s.cleaned[ref] = true
	delete(stream.Dict, "StructParent")
	delete(stream.Dict, "StructParents")
	data, err := s.file.Decode(stream)
	if err != nil || !hasMarks(data) {
		return
	}
	resources, own := s.file.Dict(stream.Dict["Resources"])
	if !own {
		resources = outer
	}
	m := marker{source: data, covered: 1}
	m.old = func(op pdf.Operation) oldMark { return s.oldMark(op, resources) }
	s.file.Set(ref, pdf.NewStream(maps.Clone(stream.Dict), m.mark()))
}

// hasMarks tells whether content has marked-content sequences.
func hasMarks(data []byte) bool {
	scanner := pdf.NewScanner(data, pdf.Limits{})
	for {
		op, ok := scanner.Next()
		if !ok {
			return false
		}
		if op.Operator == "BDC" || op.Operator == "BMC" || op.Operator == "EMC" {
			return true
		}
	}
}

// oldMark keeps optional content as it is, and of other sequences what they say about their text.
func (w *work) oldMark(op pdf.Operation, resources pdf.Dict) oldMark {
	n := len(op.Operands)
	if op.Operator != "BDC" || n < 2 {
		return oldMark{}
	}
	tag, _ := op.Operands[n-2].(pdf.Name)
	if tag == "OC" {
		return oldMark{kept: true}
	}
	var properties pdf.Dict
	switch v := op.Operands[n-1].(type) {
	case pdf.Dict:
		properties = v
	case pdf.Name:
		named, _ := w.file.Dict(resources["Properties"])
		properties, _ = w.file.Dict(named[v])
	}
	said := pdf.Dict{}
	for _, key := range []pdf.Name{"ActualText", "E", "Lang"} {
		if text, ok := w.file.String(properties[key]); ok {
			said[key] = text
		}
	}
	if len(said) == 0 || tag == "Artifact" {
		return oldMark{}
	}
	return oldMark{kept: true, text: append([]byte("/Span "), pdf.AppendObject(nil, said)...)}
}
