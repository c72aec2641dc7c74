package corpustest

import (
	"fmt"
	"io"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// maxPages bounds the pages of a PDF made here.
const maxPages = 5000

// Strip writes a PDF without its tags: no structure tree, no marked content but optional content, and nothing else
// that a document is told by. What it paints stays as it is. It gives the number of pages.
func Strip(data []byte, out io.Writer) (int, error) {
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		return 0, fmt.Errorf("open the tagged PDF: %w", err)
	}
	catalog := f.Catalog()
	for _, key := range []pdf.Name{"StructTreeRoot", "MarkInfo", "Lang", "ViewerPreferences", "Metadata", "Outlines", "PageMode"} {
		delete(catalog, key)
	}
	pages, err := f.Pages(maxPages)
	if err != nil {
		return 0, fmt.Errorf("read the pages: %w", err)
	}
	s := contentEditor{file: f, seen: map[*pdf.Stream]bool{}, edit: withoutMarks}
	for _, p := range pages {
		if err := s.page(p); err != nil {
			return 0, err
		}
		delete(p.Dict, "StructParents")
		delete(p.Dict, "Tabs")
		annotations, _ := f.Array(p.Dict["Annots"])
		for _, o := range annotations {
			if d, ok := f.Dict(o); ok {
				delete(d, "StructParent")
				delete(d, "Contents")
			}
		}
	}
	return len(pages), f.Write(out)
}

// withoutMarks drops the marked-content operators (ISO 32000-1, 14.6) except those of optional content.
func withoutMarks(content []byte) []byte {
	return filterMarks(content, func(op pdf.Operation, _ int) bool {
		return len(op.Operands) > 0 && op.Operands[0] == pdf.Object(pdf.Name("OC"))
	})
}
