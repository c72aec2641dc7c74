package tagging

import (
	"bytes"
	"maps"
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

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
		s.parents.set(s.file, key, owner.parents)
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
		s.parents.set(s.file, key, owner.parents)
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
