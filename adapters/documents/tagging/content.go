package tagging

import (
	"bytes"
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
	// page is the page whose own content it is, form the form, the other being the zero value.
	page    int
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
	owner := &streamOwner{page: number, parents: w.oldParents(contentKey{page: number})}
	out, renamed := s.stream(0, data, page.Resources, owner, false, 0)
	if !bytes.Equal(out, data) {
		page.Dict["Contents"] = w.file.Add(pdf.NewStream(nil, out))
	}
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

// stream marks one content stream, all of which has its place already if covered. It gives new resources if names had to
// be added to them.
func (s *scribe) stream(index int, data []byte, resources pdf.Dict, owner *streamOwner, covered bool, depth int) ([]byte, pdf.Dict) {
	plan := s.plans[index]
	m := marker{source: data, parts: plan.parts}
	if covered {
		m.covered = 1
	}
	m.old = func(op pdf.Operation) oldMark { return s.oldMark(&m, op, resources, owner) }
	m.begin = func(b belongs) (pdf.Name, int) {
		l := &s.outline.leaves[b.leaf]
		id := len(owner.parents)
		owner.parents = append(owner.parents, l.element.ref)
		l.sequences = append(l.sequences, sequence{order: b.order, id: id, page: s.page, form: owner.form})
		return l.element.kind, id
	}
	var forms pdf.Dict
	m.form = func(number int) (painting, bool) {
		form, ok := plan.forms[number]
		if !ok {
			return painting{}, false
		}
		p, ref := s.form(form, resources, m.covered > 0, depth)
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
		return p, true
	}
	out := m.mark()
	if s.keptTags != nil {
		s.fixed("7.1-3", "", m.begun)
	}
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
func (s *scribe) form(index int, outer pdf.Dict, covered bool, depth int) (painting, pdf.Ref) {
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
	if s.tagged[ref] {
		s.keep(index, ref, stream, outer, covered, depth)
		return painting{inside: true}, pdf.Ref{}
	}
	if !plan.mixed || covered || depth >= maxFormNesting {
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
	out, renamed := s.stream(index, data, resources, owner, false, depth+1)
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

// keep marks what is left to mark in a form that has tags of its own, once.
func (s *scribe) keep(index int, ref pdf.Ref, stream *pdf.Stream, outer pdf.Dict, covered bool, depth int) {
	if s.cleaned[ref] || depth >= maxFormNesting {
		return
	}
	s.cleaned[ref] = true
	data, _ := s.file.Decode(stream)
	resources, own := s.file.Dict(stream.Dict["Resources"])
	if !own {
		resources = outer
	}
	owner := &streamOwner{form: ref, parents: s.oldParents(contentKey{form: ref})}
	out, renamed := s.stream(index, data, resources, owner, covered, depth+1)
	dict := stream.Dict
	if renamed != nil {
		dict["Resources"] = renamed
	}
	if owner.parents != nil {
		key := s.parents.key()
		s.parents.values[key] = owner.parents
		dict["StructParents"] = pdf.Integer(key)
	}
	if !bytes.Equal(out, data) {
		s.file.Set(ref, pdf.NewStream(maps.Clone(dict), out))
	}
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
	m.old = func(op pdf.Operation) oldMark { return s.saidOf(op, resources) }
	if out := m.mark(); !bytes.Equal(out, data) {
		s.file.Set(ref, pdf.NewStream(maps.Clone(stream.Dict), out))
	}
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

// oldMark decides on a marked-content sequence that was there before.
func (s *scribe) oldMark(m *marker, op pdf.Operation, resources pdf.Dict, owner *streamOwner) oldMark {
	if s.keptTags == nil {
		return s.saidOf(op, resources)
	}
	tagged, inArtifact := m.inside()
	tag, properties := s.markOf(op, resources)
	if tag == "Artifact" {
		if tagged || inArtifact {
			s.fixedIf(tagged, "7.1-1")
			return oldMark{}
		}
		return oldMark{kept: true, covers: true, artifact: true}
	}
	id, has := s.file.Integer(properties["MCID"])
	if !has {
		return s.saidOf(op, resources)
	}
	if _, known := s.keptTags[contentKey{page: owner.page, form: owner.form, id: int(id)}]; !known {
		return s.saidOf(op, resources)
	}
	mark := oldMark{kept: true, covers: true}
	if inArtifact {
		s.fixed("7.1-2", "", 1)
		if n := len(m.stack); !m.stack[n-1].artifact {
			return oldMark{}
		}
		mark.lifted = true
	}
	if text, ok := s.file.String(properties["Lang"]); ok && !languageForm.MatchString(text.Text()) {
		clean := maps.Clone(properties)
		delete(clean, "Lang")
		if tag := languageTag(text.Text()); tag != "" {
			clean["Lang"] = pdf.TextString(tag)
		}
		mark.text = append(pdf.AppendObject(nil, tag), ' ')
		mark.text = pdf.AppendObject(mark.text, resolved(s.file, clean))
		s.fixed("7.2-29", "", 1)
	}
	return mark
}

func (w *work) fixedIf(ok bool, rule string) {
	if ok {
		w.fixed(rule, "", 1)
	}
}

// resolved gives a dictionary that can stand in a content stream, where there are no references.
func resolved(f *pdf.File, d pdf.Dict) pdf.Dict {
	out := make(pdf.Dict, len(d))
	for key, value := range d {
		if value = f.Resolve(value); value != nil {
			out[key] = value
		}
	}
	return out
}

// markOf gives the tag and the properties of a BMC or BDC.
func (w *work) markOf(op pdf.Operation, resources pdf.Dict) (pdf.Name, pdf.Dict) {
	n := len(op.Operands)
	if op.Operator == "BMC" && n > 0 {
		tag, _ := op.Operands[n-1].(pdf.Name)
		return tag, nil
	}
	if n < 2 {
		return "", nil
	}
	tag, _ := op.Operands[n-2].(pdf.Name)
	switch v := op.Operands[n-1].(type) {
	case pdf.Dict:
		return tag, v
	case pdf.Name:
		named, _ := w.file.Dict(resources["Properties"])
		d, _ := w.file.Dict(named[v])
		return tag, d
	}
	return tag, nil
}

// saidOf keeps optional content as it is, and of other sequences what they say about their text.
func (w *work) saidOf(op pdf.Operation, resources pdf.Dict) oldMark {
	tag, properties := w.markOf(op, resources)
	if tag == "OC" {
		return oldMark{kept: true}
	}
	said := pdf.Dict{}
	for _, key := range []pdf.Name{"ActualText", "E", "Lang"} {
		text, ok := w.file.String(properties[key])
		if !ok {
			continue
		}
		if key == "Lang" {
			if text = pdf.TextString(languageTag(text.Text())); text == "" {
				continue
			}
		}
		said[key] = text
	}
	if len(said) == 0 || tag == "Artifact" {
		return oldMark{}
	}
	if _, marked := properties["MCID"]; !marked && tag == "Span" && len(said) == len(properties) {
		if lang, ok := w.file.String(properties["Lang"]); !ok || said["Lang"] == lang {
			return oldMark{kept: true} // as it was written
		}
	}
	return oldMark{kept: true, text: append([]byte("/Span "), pdf.AppendObject(nil, said)...)}
}
