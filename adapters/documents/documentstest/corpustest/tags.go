package corpustest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// element is a structure element, or a piece of text if its kind is empty.
type element struct {
	kind string
	text string
	kids []*element
}

// maxNesting bounds how deep structure elements may lie in each other.
const maxNesting = 200

// readTags reads the structure of a PDF with poppler, which knows nothing of our own reading.
func readTags(ctx context.Context, path string) (*element, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "tags-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	simple := filepath.Join(work, "simple.pdf")
	out, err := os.Create(simple)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(simplifyTags(data, out), out.Close()); err != nil {
		return nil, err
	}
	printed, err := run(ctx, "", "pdfinfo", "-struct-text", "-enc", "UTF-8", simple)
	if err != nil {
		return nil, fmt.Errorf("read the structure: %w", err)
	}
	return parseTags(printed), nil
}

// newTypes are the structure types of PDF 2.0 (ISO 32000-2, 14.8.4) by the nearest of PDF 1.7.
var newTypes = map[pdf.Name]pdf.Name{
	"Em": "Span", "Strong": "Span", "Sub": "Span", "Aside": "Div", "FENote": "Note", "Title": "P", "DocumentFragment": "Div",
}

// simplifyTags writes a copy whose structure poppler can read: poppler drops elements of the types of PDF 2.0, and what
// follows a sequence without an identifier, such as a replacement text, inside of one that has an identifier.
func simplifyTags(data []byte, out io.Writer) error {
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		return fmt.Errorf("open the tagged PDF: %w", err)
	}
	root, ok := f.Dict(f.Catalog()["StructTreeRoot"])
	if !ok {
		return errors.New("the PDF has no tags")
	}
	roles, ok := f.Dict(root["RoleMap"])
	if !ok {
		roles = pdf.Dict{}
		root["RoleMap"] = roles
	}
	for from, to := range newTypes {
		if roles[from] == nil {
			roles[from] = to
		}
	}
	pages, err := f.Pages(maxPages)
	if err != nil {
		return fmt.Errorf("read the pages: %w", err)
	}
	e := contentEditor{file: f, seen: map[*pdf.Stream]bool{}, edit: func(content []byte) []byte {
		return filterMarks(content, func(_ pdf.Operation, around int) bool { return around == 0 })
	}}
	for _, p := range pages {
		if err := e.page(p); err != nil {
			return err
		}
	}
	return f.Write(out)
}

// parseTags reads what poppler prints: an element a line, indented by its depth, attributes and text below it.
func parseTags(printed []byte) *element {
	root := &element{kind: "Document"}
	open := []*element{root}
	lines := bufio.NewScanner(bytes.NewReader(printed))
	lines.Buffer(nil, maxFile)
	for lines.Scan() {
		line := lines.Text()
		trimmed := strings.TrimLeft(line, " ")
		depth := (len(line)-len(trimmed))/2 + 1
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "/") || strings.HasPrefix(trimmed, "Object "):
			continue
		case depth > maxNesting || depth > len(open):
			depth = min(maxNesting, len(open))
		}
		parent := open[depth-1]
		if strings.HasPrefix(trimmed, "\"") {
			parent.kids = append(parent.kids, &element{text: strings.Trim(trimmed, "\"")})
			continue
		}
		kind, _, _ := strings.Cut(strings.TrimSuffix(trimmed, ":"), " ")
		e := &element{kind: kind}
		parent.kids = append(parent.kids, e)
		open = append(open[:depth], e)
	}
	return root
}
