package tagging

import (
	"maps"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

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
