package tagging

import (
	"bytes"
	"maps"

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
		w.parents.set(w.file, key, owner.parents)
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
