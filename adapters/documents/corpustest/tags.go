package corpustest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"
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
	out, err := run(ctx, "", "pdfinfo", "-struct-text", "-enc", "UTF-8", path)
	if err != nil {
		return nil, fmt.Errorf("read the structure: %w", err)
	}
	return parseTags(out), nil
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
