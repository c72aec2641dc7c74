package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// show marks an operation that shows text. One whose parts belong to different leaves is divided, and paints the same:
// each glyph and each number acts upon the text matrix in turn.
func (m *marker) show(number int, op pdf.Operation, start, end int) {
	parts := m.parts[number]
	if len(parts) < 2 || m.covered > 0 {
		m.want(m.owner(number), start)
		return
	}
	shown := newShownText(m.source[start:end], op)
	if shown == nil {
		m.want(m.owner(number), start)
		return
	}
	m.flush(start)
	m.copied = end
	from := pagetext.Split{}
	for i, p := range parts {
		to := pagetext.Split{Element: len(shown.elements)}
		if i+1 < len(parts) {
			// What lies between two parts moves the text on: it goes with the first.
			if next := parts[i+1].from; next.Before(to) {
				to = next
			}
		}
		if !from.Before(to) {
			continue
		}
		m.want(p.belongs, end)
		m.out = append(append(m.out, '\n'), shown.before...)
		m.out = append(shown.appendPart(append(m.out, '['), from, to), "] TJ"...)
		shown.before = nil
		from = to
	}
}

// shownText is what an operation shows, as the elements of a TJ that shows the same.
type shownText struct {
	// before are the operations that go before it.
	before []byte
	// elements are the source of each, objects what they are.
	elements [][]byte
	objects  pdf.Array
}

// newShownText reads an operation that shows text, nil if it has not the operands that it must have.
func newShownText(source []byte, op pdf.Operation) *shownText {
	operands := 1
	if op.Operator == "\"" {
		operands = 3
	}
	if len(op.Operands) != operands {
		return nil
	}
	last := op.Operands[operands-1]
	if op.Operator == "TJ" {
		array, ok := last.(pdf.Array)
		elements := arrayElements(source, op)
		if !ok || elements == nil {
			return nil
		}
		return &shownText{elements: elements, objects: array}
	}
	if _, ok := last.(pdf.String); !ok {
		return nil
	}
	shown := &shownText{elements: [][]byte{pdf.AppendObject(nil, last)}, objects: pdf.Array{last}}
	switch op.Operator { // ISO 32000-1, table 109
	case "'":
		shown.before = []byte("T*\n")
	case "\"":
		shown.before = append(pdf.AppendObject(nil, op.Operands[0]), " Tw "...)
		shown.before = append(pdf.AppendObject(shown.before, op.Operands[1]), " Tc T*\n"...)
	}
	return shown
}

// appendPart writes what lies between two points.
func (t *shownText) appendPart(out []byte, from, to pagetext.Split) []byte {
	for i := from.Element; i < len(t.elements) && (i < to.Element || i == to.Element && to.Byte > 0); i++ {
		first, last := 0, -1
		if i == from.Element {
			first = from.Byte
		}
		if i == to.Element {
			last = to.Byte
		}
		s, isString := t.objects[i].(pdf.String)
		switch {
		case isString && (first > 0 || last >= 0):
			if last < 0 || last > len(s) {
				last = len(s)
			}
			out = pdf.AppendObject(out, s[min(first, last):last])
		case !isString && last > 0: // there is no point inside of it
			continue
		default:
			out = append(out, t.elements[i]...)
		}
		out = append(out, ' ')
	}
	return out
}

// arrayElements gives the source of each element of the array that is the operand of an operation, nil if it cannot be
// told.
func arrayElements(source []byte, op pdf.Operation) [][]byte {
	if len(op.Operands) != 1 {
		return nil
	}
	array, ok := op.Operands[0].(pdf.Array)
	if !ok {
		return nil
	}
	at := skipSpace(source)
	if at >= len(source) || source[at] != '[' {
		return nil
	}
	source = source[at+1:]
	lexer := pdf.NewLexer(source, pdf.DefaultLimits().Depth)
	elements := make([][]byte, 0, len(array))
	for from := 0; len(elements) < len(array); from = lexer.Pos() {
		o, ok := lexer.Next()
		if _, isOperator := o.(pdf.Operator); !ok || isOperator {
			return nil
		}
		elements = append(elements, source[from:lexer.Pos()])
	}
	return elements
}

// skipSpace gives the length of the white space and comments at the start of data.
func skipSpace(data []byte) int {
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case ' ', '\n', '\r', '\t', '\f', 0:
		case '%':
			for i+1 < len(data) && data[i+1] != '\n' && data[i+1] != '\r' {
				i++
			}
		default:
			return i
		}
	}
	return len(data)
}
