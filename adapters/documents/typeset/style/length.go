package style

import (
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

// units gives the points of absolute units (CSS Values and Units Level 4, 6.2).
var units = map[string]float64{
	"px": 0.75, "pt": 1, "pc": 12, "in": 72, "cm": 72 / 2.54, "mm": 72 / 25.4, "q": 72 / 101.6,
}

// length reads a length or a percentage. Size and root are the font sizes that em and rem refer to.
func (t token) length(size, root float64) (Length, bool) {
	switch t.kind {
	case css.NumberToken:
		return Length{}, t.number == 0
	case css.PercentageToken:
		return Length{Share: t.number / 100}, true
	case css.DimensionToken:
		if factor, ok := units[t.text]; ok {
			return Length{Points: bounded(t.number * factor)}, true
		}
		switch t.text {
		case "em":
			return Length{Points: bounded(t.number * size)}, true
		case "rem":
			return Length{Points: bounded(t.number * root)}, true
		case "ex", "ch":
			return Length{Points: bounded(t.number * size / 2)}, true
		case "vw", "vmin", "dvw", "svw", "lvw":
			return Length{Points: bounded(t.number / 100 * viewport[0])}, true
		case "vh", "vmax", "dvh", "svh", "lvh":
			return Length{Points: bounded(t.number / 100 * viewport[1])}, true
		}
	case css.FunctionToken:
		return t.function(size, root)
	default:
	}
	return Length{}, false
}

// viewport is what the viewport's units refer to: the area within the margins of a page of A4.
var viewport = [2]float64{482, 728}

// function computes calc(), min(), max() and clamp() where it takes no knowledge of the layout.
func (t token) function(size, root float64) (Length, bool) {
	switch t.text {
	case "calc", "":
		return sum(t.args, size, root)
	case "min", "max", "clamp":
		var out Length
		for i, part := range split(t.args) {
			l, ok := sum(part, size, root)
			if !ok {
				return Length{}, false
			}
			less := l.Points+l.Share*viewport[0] < out.Points+out.Share*viewport[0]
			switch {
			case i == 0:
				out = l
			case t.text == "min" && less, t.text == "max" && !less, t.text == "clamp" && i == 1 && !less, t.text == "clamp" && i == 2 && less:
				out = l
			}
		}
		return out, true
	}
	return Length{}, false
}

// sum computes terms that are added, subtracted, multiplied and divided, from the left to the right.
func sum(args []token, size, root float64) (Length, bool) {
	var out, term Length
	sign, op := 1.0, byte(0)
	for _, a := range args {
		if a.kind == css.DelimToken && len(a.text) == 1 && strings.Contains("+-*/", a.text) {
			op = a.text[0]
			if op == '+' || op == '-' {
				out.Points, out.Share, term = out.Points+sign*term.Points, out.Share+sign*term.Share, Length{}
				sign = 1
				if op == '-' {
					sign = -1
				}
			}
			continue
		}
		switch {
		case a.kind == css.NumberToken && op == '*':
			term.Points, term.Share = term.Points*a.number, term.Share*a.number
		case a.kind == css.NumberToken && op == '/' && a.number != 0:
			term.Points, term.Share = term.Points/a.number, term.Share/a.number
		case a.kind == css.NumberToken:
			term = Length{Points: a.number} // a factor that comes first
		default:
			l, ok := a.length(size, root)
			if !ok {
				return Length{}, false
			}
			if op == '*' {
				l.Points, l.Share = l.Points*term.Points, l.Share*term.Points
			}
			term = l
		}
	}
	return Length{Points: bounded(out.Points + sign*term.Points), Share: bounded(out.Share + sign*term.Share)}, true
}
