package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// show marks an operation that shows text. A TJ is divided where its parts belong to different leaves: it paints the
// same, since each of its elements acts upon the text matrix in turn.
func (m *marker) show(number int, op pdf.Operation, start, end int) {
	parts := m.parts[number]
	if len(parts) < 2 || op.Operator != "TJ" || m.covered > 0 {
		m.want(m.owner(number), start)
		return
	}
	elements := arrayElements(m.source[start:end], op)
	if elements == nil {
		m.want(m.owner(number), start)
		return
	}
	m.flush(start)
	m.copied = end
	from := 0
	for i, p := range parts {
		to := len(elements)
		if i+1 < len(parts) {
			// What lies between two parts moves the text on: it goes with the first.
			to = min(max(parts[i+1].from, from), len(elements))
		}
		if to == from {
			continue
		}
		m.want(p.belongs, end)
		m.out = append(m.out, "\n["...)
		for _, element := range elements[from:to] {
			m.out = append(append(m.out, element...), ' ')
		}
		m.out = append(m.out, "] TJ"...)
		from = to
	}
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
