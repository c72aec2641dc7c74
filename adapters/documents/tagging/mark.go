package tagging

import (
	"bytes"
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// belongs says what a piece of content is part of: a leaf of the structure by its index, or an artifact. Order is its
// place among the content of the leaf.
type belongs struct {
	leaf, order int
}

// Kinds of artifacts, in place of a leaf.
const (
	nothing  = -1 // no mark at all
	artifact = -2
	header   = -3
	footer   = -4
)

// artifactMarks open the artifacts (ISO 32000-1, 14.8.2.2).
var artifactMarks = map[int]string{
	artifact: "\n/Artifact BMC\n",
	header:   "\n/Artifact <</Type/Pagination/Subtype/Header>> BDC\n",
	footer:   "\n/Artifact <</Type/Pagination/Subtype/Footer>> BDC\n",
}

// part is a piece of an operation that shows text, from a point in it on; all of it if it is the only one.
type part struct {
	from pagetext.Split
	belongs
}

// painting is how a form is painted: with its content marked inside of it, or as a whole.
type painting struct {
	inside bool
	// name is what the form is called in the resources, if that had to change.
	name  pdf.Name
	whole belongs
}

// marker copies a content stream and puts marked-content operators between its operations. All else is copied byte for
// byte, so that it paints the same.
type marker struct {
	source []byte
	out    []byte
	// copied is how much of the source is in out.
	copied int

	parts map[int][]part
	// form decides on a Do, and whether it paints a form; old decides on a BMC or BDC; begin gives the tag and the
	// identifier of a new sequence of a leaf.
	form  func(number int) (painting, bool)
	old   func(pdf.Operation) oldMark
	begin func(belongs) (pdf.Name, int)

	// open is the sequence that was begun here, with the depth of q it was begun at.
	open      belongs
	openDepth int
	// isDrawing tells that the open sequence was begun for a path.
	isDrawing bool
	depth     int
	// path is where the path under construction starts, -1 if there is none.
	path    int
	stack   []oldMark
	covered int
	// begun counts the sequences that were begun here.
	begun int
}

// mark gives the content with its marks.
func (m *marker) mark() []byte {
	m.open = belongs{leaf: nothing}
	m.path = -1
	m.out = make([]byte, 0, len(m.source)+len(m.source)/4+64)
	scanner := pdf.NewScanner(m.source, pdf.Limits{})
	end := 0
	for number := 0; ; number++ {
		op, ok := scanner.Next()
		if !ok {
			break
		}
		start := end
		end = scanner.Pos()
		m.operation(number, op, start, end)
	}
	// What follows the last operator does nothing, and might swallow what is put after it.
	m.close(end)
	if rest := skipSpace(m.source[end:]); end+rest == len(m.source) && !bytes.ContainsRune(m.source[end:], '%') {
		end += rest
	}
	m.flush(end)
	for i := len(m.stack) - 1; i >= 0; i-- {
		if m.stack[i].kept {
			m.out = append(m.out, "\nEMC\n"...)
		}
	}
	return m.out
}

func (m *marker) operation(number int, op pdf.Operation, start, end int) {
	switch op.Operator {
	case "m", "l", "c", "v", "y", "re", "h":
		if m.path < 0 {
			m.path = start
		}
		return
	case "S", "s", "f", "F", "f*", "B", "B*", "b", "b*":
		if m.path >= 0 {
			start = m.path
		}
		m.drawing(number, start)
	case "sh":
		m.drawing(number, start)
	case "BI":
		m.image(number, start, end)
	case "Do":
		m.paint(number, op, start, end)
	case "Tj", "TJ", "'", "\"":
		m.show(number, op, start, end)
	case "BT", "ET":
		m.close(start)
	case "q":
		m.depth++
	case "Q":
		if m.depth <= m.openDepth {
			m.close(start)
		}
		m.depth = max(0, m.depth-1)
	case "BMC", "BDC":
		m.beginOld(op, start, end)
	case "EMC":
		m.endOld(start, end)
	case "W", "W*":
		return
	case "n":
	default:
		return
	}
	m.path = -1
}

// flush copies the source up to an offset.
func (m *marker) flush(to int) {
	if to > m.copied {
		m.out = append(m.out, m.source[m.copied:to]...)
		m.copied = to
	}
}

// want has what follows an offset inside of a sequence of b, a new one if it does not go on from the open one.
func (m *marker) want(b belongs, at int) {
	if m.covered > 0 {
		return
	}
	if m.open.leaf == b.leaf && (b.leaf < 0 || b.order == m.open.order || b.order == m.open.order+1) {
		m.open.order = b.order
		return
	}
	m.close(at)
	m.flush(at)
	m.openDepth = m.depth
	m.isDrawing = false
	m.open = b
	m.begun++
	if b.leaf < 0 {
		m.out = append(m.out, artifactMarks[b.leaf]...)
		return
	}
	tag, id := m.begin(b)
	m.out = append(m.out, '\n')
	m.out = pdf.AppendObject(m.out, tag)
	m.out = append(m.out, " <</MCID "...)
	m.out = strconv.AppendInt(m.out, int64(id), 10)
	m.out = append(m.out, ">> BDC\n"...)
}

// close ends the open sequence, if there is one, at an offset.
func (m *marker) close(at int) {
	if m.open.leaf == nothing {
		return
	}
	m.flush(at)
	m.out = append(m.out, "\nEMC\n"...)
	m.open = belongs{leaf: nothing}
}

// owner tells what an operation as a whole belongs to.
func (m *marker) owner(number int) belongs {
	if parts := m.parts[number]; len(parts) > 0 {
		return parts[0].belongs
	}
	return belongs{leaf: artifact}
}

// image marks an image: those of the structure in a sequence of their own.
func (m *marker) image(number, start, end int) {
	b := m.owner(number)
	m.want(b, start)
	if b.leaf >= 0 {
		m.close(end)
	}
}

// drawing marks a painted path. Lines between the paths of a figure are part of it.
func (m *marker) drawing(number, at int) {
	b := m.owner(number)
	if b.leaf == artifact && m.open.leaf >= 0 && m.isDrawing {
		return
	}
	m.want(b, at)
	m.isDrawing = true
}

func (m *marker) paint(number int, op pdf.Operation, start, end int) {
	form, isForm := painting{}, false
	if m.form != nil {
		form, isForm = m.form(number)
	}
	if !isForm {
		m.image(number, start, end)
		return
	}
	if form.inside {
		m.close(start)
	} else {
		m.want(form.whole, start)
	}
	if form.name != "" && len(op.Operands) > 0 {
		m.flush(start)
		m.out = append(m.out, '\n')
		m.out = pdf.AppendObject(m.out, form.name)
		m.out = append(m.out, " Do"...)
		m.copied = end
	}
	if !form.inside && form.whole.leaf >= 0 {
		m.close(end)
	}
}
