package pagetext

import (
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Gaps between glyphs of one TJ operation, in ems.
const (
	// spaceGap is the least gap that is a space: pairs are kerned by less than 0.12, spaces shrink to about 0.2 in
	// justified lines.
	spaceGap = 0.165
	// columnGap is the gap that parts columns and cells: spaces of justified lines stretch to about 0.8, a quad is 1.
	columnGap = 0.9
	// labelGap is the gap that parts the label of a list item from its text, which may be as narrow as a wide space.
	labelGap = 0.25
	// monoColumnGap parts columns in text of a fixed pitch, where several spaces align what is still one line of code.
	monoColumnGap = 3
	// overprint is by how much a letter is moved back at least that stands under the accent before it.
	overprint = 0.2
	// maxSpaces is how many spaces one gap in text of a fixed pitch stands for at the most.
	maxSpaces = 120
)

// Extents of a line above and below its baseline, in ems, as those of most fonts.
const (
	ascent  = 0.75
	descent = 0.22
)

// runText runs text operators (ISO 32000-1, 9.3 and 9.4).
func (in *interpreter) runText(op pdf.Operator, args []pdf.Object) bool {
	t := &in.state.text
	switch op {
	case "BT":
		in.textMatrix, in.lineMatrix = identity, identity
	case "ET":
	case "Tf":
		if len(args) > 1 {
			t.size = number(args, len(args)-1)
			if name, ok := args[len(args)-2].(pdf.Name); ok {
				t.font = in.named(name)
			}
		}
	case "Td":
		in.nextLine(number(args, 0), number(args, 1))
	case "TD":
		t.leading = -number(args, 1)
		in.nextLine(number(args, 0), number(args, 1))
	case "Tm":
		if m := matrixOf(args); m.finite() {
			in.textMatrix, in.lineMatrix = m, m
		}
	case "T*":
		in.nextLine(0, -t.leading)
	case "Tc":
		t.charSpace = number(args, 0)
	case "Tw":
		t.wordGap = number(args, 0)
	case "Tz":
		t.scale = number(args, 0) / 100
	case "TL":
		t.leading = number(args, 0)
	case "Ts":
		t.rise = number(args, 0)
	case "Tr":
		t.mode = int64(min(max(number(args, 0), -1), 8))
	case "Tj":
		in.show(args)
	case "'":
		in.nextLine(0, -t.leading)
		in.show(args)
	case "\"":
		if len(args) > 2 {
			t.wordGap, t.charSpace = number(args, 0), number(args, 1)
		}
		in.nextLine(0, -t.leading)
		in.show(args)
	case "TJ":
		if len(args) > 0 {
			if list, ok := args[len(args)-1].(pdf.Array); ok {
				in.showArray(list)
			}
		}
	default:
		return false
	}
	return true
}

// named gives the font of a name in the resources, a substitute if there is none.
func (in *interpreter) named(name pdf.Name) *fontTable {
	if t, ok := in.fontOf[name]; ok {
		return t
	}
	t := in.fontTable(in.resource("Font", name))
	if in.fontOf == nil {
		in.fontOf = map[pdf.Name]*fontTable{}
	}
	in.fontOf[name] = t
	return t
}

func (in *interpreter) nextLine(tx, ty float64) {
	if m := (matrix{a: 1, d: 1, e: tx, f: ty}).mul(in.lineMatrix); m.finite() {
		in.lineMatrix, in.textMatrix = m, m
	}
}

func (in *interpreter) show(args []pdf.Object) {
	if len(args) == 0 {
		return
	}
	s, ok := args[len(args)-1].(pdf.String)
	if !ok {
		return
	}
	l := in.open(Split{})
	l.edges = in.linkEdges()
	l.text(0, string(s))
	l.close(Split{Element: 1})
}

func (in *interpreter) showArray(list pdf.Array) {
	l := in.open(Split{})
	l.edges = in.linkEdges()
	t := &in.state.text
	em := l.table.em
	if em == 0 {
		em = 1
	}
	for i, o := range list {
		if s, ok := o.(pdf.String); ok {
			l.text(i, string(s))
			continue
		}
		v, ok := pdf.Number(o)
		if !ok {
			continue
		}
		gap := -v / 1000
		if l.begun && (l.divides(gap/em) || l.atLink(gap, gap/em)) && shows(list[i+1:]) {
			l.divide(Split{Element: i})
		} else {
			l.gap(gap / em)
		}
		if l.table.vertical {
			in.advance(0, gap*t.size)
		} else {
			in.advance(gap*t.size*t.scale, 0)
		}
	}
	l.close(Split{Element: len(list)})
}

func (in *interpreter) advance(tx, ty float64) {
	m := &in.textMatrix
	e, f := m.e+tx*m.a+ty*m.c, m.f+tx*m.b+ty*m.d
	const most = 1e9
	if math.Abs(e) < most && math.Abs(f) < most {
		m.e, m.f = e, f
	}
}

func (in *interpreter) replacement() *replacement {
	if in.mark == nil {
		return nil
	}
	return in.mark.replacement
}
