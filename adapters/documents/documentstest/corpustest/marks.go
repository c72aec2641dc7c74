package corpustest

import (
	"bytes"
	"fmt"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// contentEditor changes the content of pages and of the forms that they use, each form once.
type contentEditor struct {
	file *pdf.File
	seen map[*pdf.Stream]bool
	edit func([]byte) []byte
}

func (e *contentEditor) page(p pdf.Page) error {
	content, err := e.file.Content(p)
	if err != nil {
		return fmt.Errorf("read the content of a page: %w", err)
	}
	p.Dict["Contents"] = e.file.Add(pdf.NewStream(nil, e.edit(content)))
	return e.forms(p.Resources, 0)
}

// maxForms bounds how deep forms may lie in forms.
const maxForms = 16

func (e *contentEditor) forms(resources pdf.Dict, depth int) error {
	objects, _ := e.file.Dict(resources["XObject"])
	if depth > maxForms {
		return nil
	}
	for _, o := range objects {
		form, ok := e.file.Stream(o)
		if !ok || e.seen[form] || e.file.Name(form.Dict["Subtype"]) != "Form" {
			continue
		}
		e.seen[form] = true
		content, err := e.file.Decode(form)
		if err != nil {
			return fmt.Errorf("read the content of a form: %w", err)
		}
		form.Raw = pdf.NewStream(form.Dict, e.edit(content)).Raw
		inner, _ := e.file.Dict(form.Dict["Resources"])
		if err := e.forms(inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// filterMarks drops marked-content points, and the marked-content sequences (ISO 32000-1, 14.6) that are not to be
// kept; keep is told the operation that begins one, and how many that are kept lie around it.
func filterMarks(content []byte, keep func(begin pdf.Operation, around int) bool) []byte {
	var out bytes.Buffer
	var kept []bool
	around := 0
	scanner := pdf.NewScanner(content, pdf.Limits{})
	for start := 0; ; {
		op, ok := scanner.Next()
		if !ok {
			return out.Bytes()
		}
		end := scanner.Pos()
		write := true
		switch op.Operator {
		case "MP", "DP":
			write = false
		case "BMC", "BDC":
			write = keep(op, around)
			kept = append(kept, write)
			if write {
				around++
			}
		case "EMC":
			write = len(kept) > 0 && kept[len(kept)-1]
			kept = kept[:max(0, len(kept)-1)]
			if write {
				around--
			}
		}
		if write {
			out.Write(content[start:end])
		}
		out.WriteByte('\n')
		start = end
	}
}
