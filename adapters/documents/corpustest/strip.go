package corpustest

import (
	"bytes"
	"fmt"
	"io"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// maxPages bounds the pages of a PDF made here.
const maxPages = 2000

// Strip writes a PDF without its tags: no structure tree, no marked content but optional content, and nothing else
// that a document is told by. What it paints stays as it is.
func Strip(data []byte, out io.Writer) error {
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		return fmt.Errorf("open the tagged PDF: %w", err)
	}
	catalog := f.Catalog()
	for _, key := range []pdf.Name{"StructTreeRoot", "MarkInfo", "Lang", "ViewerPreferences", "Metadata", "Outlines", "PageMode"} {
		delete(catalog, key)
	}
	pages, err := f.Pages(maxPages)
	if err != nil {
		return fmt.Errorf("read the pages: %w", err)
	}
	s := stripper{file: f, seen: map[*pdf.Stream]bool{}}
	for _, p := range pages {
		if err := s.page(p); err != nil {
			return err
		}
	}
	return f.Write(out)
}

type stripper struct {
	file *pdf.File
	seen map[*pdf.Stream]bool
}

func (s *stripper) page(p pdf.Page) error {
	content, err := s.file.Content(p)
	if err != nil {
		return fmt.Errorf("read the content of a page: %w", err)
	}
	p.Dict["Contents"] = s.file.Add(pdf.NewStream(nil, withoutMarks(content)))
	delete(p.Dict, "StructParents")
	delete(p.Dict, "Tabs")
	annotations, _ := s.file.Array(p.Dict["Annots"])
	for _, o := range annotations {
		if d, ok := s.file.Dict(o); ok {
			delete(d, "StructParent")
			delete(d, "Contents")
		}
	}
	return s.forms(p.Resources, 0)
}

// maxForms bounds how deep forms may lie in forms.
const maxForms = 16

// forms removes the marks of the form XObjects that resources name.
func (s *stripper) forms(resources pdf.Dict, depth int) error {
	objects, _ := s.file.Dict(resources["XObject"])
	if depth > maxForms {
		return nil
	}
	for _, o := range objects {
		form, ok := s.file.Stream(o)
		if !ok || s.seen[form] || s.file.Name(form.Dict["Subtype"]) != "Form" {
			continue
		}
		s.seen[form] = true
		content, err := s.file.Decode(form)
		if err != nil {
			return fmt.Errorf("read the content of a form: %w", err)
		}
		form.Raw = pdf.NewStream(form.Dict, withoutMarks(content)).Raw
		delete(form.Dict, "StructParents")
		inner, _ := s.file.Dict(form.Dict["Resources"])
		if err := s.forms(inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// withoutMarks drops the marked-content operators (ISO 32000-1, 14.6) except those of optional content.
func withoutMarks(content []byte) []byte {
	var out bytes.Buffer
	var kept []bool
	scanner := pdf.NewScanner(content, pdf.Limits{})
	for start := 0; ; {
		op, ok := scanner.Next()
		if !ok {
			return out.Bytes()
		}
		end := scanner.Pos()
		keep := true
		switch op.Operator {
		case "MP", "DP":
			keep = false
		case "BMC", "BDC":
			keep = len(op.Operands) > 0 && op.Operands[0] == pdf.Object(pdf.Name("OC"))
			kept = append(kept, keep)
		case "EMC":
			keep = len(kept) > 0 && kept[len(kept)-1]
			kept = kept[:max(0, len(kept)-1)]
		}
		if keep {
			out.Write(content[start:end])
		}
		out.WriteByte('\n')
		start = end
	}
}
