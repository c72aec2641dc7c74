package style

import (
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

// four spreads one to four values over the sides (CSS Box Model Level 3, 3.2).
func four[T any](values []T) ([4]T, bool) {
	switch len(values) {
	case 1:
		return [4]T{values[0], values[0], values[0], values[0]}, true
	case 2:
		return [4]T{values[0], values[1], values[0], values[1]}, true
	case 3:
		return [4]T{values[0], values[1], values[2], values[1]}, true
	case 4:
		return [4]T(values), true
	}
	return [4]T{}, false
}

// logical gives the side that a flow-relative name stands for in horizontal text.
func (a applier) logical(name string) (int, bool) {
	start, end := Left, Right
	if a.RightToLeft {
		start, end = Right, Left
	}
	switch name {
	case "inline-start":
		return start, true
	case "inline-end":
		return end, true
	case "block-start":
		return Top, true
	case "block-end":
		return Bottom, true
	}
	side := slices.Index(sides[:], name)
	return side, side >= 0
}

// box applies the properties of sizes, margins and paddings.
func (a applier) box(name string, value []token) bool {
	prefix, rest, sided := strings.Cut(name, "-")
	if prefix == "margin" || prefix == "padding" {
		lengths := make([]Length, 0, 4)
		for _, t := range value {
			l, ok := a.lengthOrAuto(t)
			if !ok || prefix == "padding" && (l.Auto || l.Points < 0 || l.Share < 0) {
				return true
			}
			lengths = append(lengths, l)
		}
		to := &a.Margin
		if prefix == "padding" {
			to = &a.Padding
		}
		all, ok := four(lengths)
		switch {
		case !ok:
		case !sided:
			*to = all
		case rest == "inline":
			to[Left], to[Right] = all[Top], all[Right]
		case rest == "block":
			to[Top], to[Bottom] = all[Top], all[Right]
		default:
			if side, ok := a.logical(rest); ok {
				to[side] = all[0]
			}
		}
		return true
	}
	to, ok := map[string]*Length{
		"width": &a.Width, "min-width": &a.MinWidth, "max-width": &a.MaxWidth, "inline-size": &a.Width,
		"height": &a.Height, "min-height": &a.MinHeight, "max-height": &a.MaxHeight, "flex-basis": &a.Basis,
	}[name]
	if !ok {
		return false
	}
	if l, ok := a.lengthOrAuto(value[0]); ok && l.Share >= 0 && (l.Points >= 0 || l.Share > 0) {
		*to = l
	}
	return true
}

func (a applier) lengthOrAuto(t token) (Length, bool) {
	if t.kind == css.IdentToken {
		switch t.text {
		case "auto", "none", "normal", "fit-content", "max-content", "min-content":
			return Length{Auto: true}, true
		}
	}
	return a.length(t)
}

// border applies the properties of borders.
func (a applier) border(name string, value []token) bool {
	rest, ok := strings.CutPrefix(name, "border")
	if !ok {
		return false
	}
	rest = strings.TrimPrefix(rest, "-")
	switch rest {
	case "collapse":
		a.Collapse = value[0].text == "collapse"
		return true
	case "spacing":
		for i, t := range value[:min(len(value), 2)] {
			if l, ok := a.length(t); ok && l.Points >= 0 {
				a.Spacing[i] = min(l.Points, 200)
				if i == 0 {
					a.Spacing[1] = a.Spacing[0]
				}
			}
		}
		return true
	case "", "inline", "block":
		for side := range a.Border {
			if rest == "inline" && side%2 == 0 || rest == "block" && side%2 == 1 {
				continue
			}
			a.Border[side] = a.edge(Edge{Width: mediumLine, Line: "none", current: true}, value)
		}
		return true
	case "width", "style", "color":
		edges := make([]Edge, 0, 4)
		for _, t := range value {
			edges = append(edges, a.edge(Edge{}, []token{t}))
		}
		if all, ok := four(edges); ok {
			for side := range a.Border {
				a.Border[side].takePart(rest, all[side])
			}
		}
		return true
	}
	which, part, parted := cutLast(rest)
	side, ok := a.logical(rest)
	if ok {
		a.Border[side] = a.edge(Edge{Width: mediumLine, Line: "none", current: true}, value)
		return true
	}
	if side, ok = a.logical(which); ok && parted {
		a.Border[side].takePart(part, a.edge(Edge{}, value))
	}
	return true
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func (e *Edge) takePart(part string, from Edge) {
	switch part {
	case "width":
		e.Width = from.Width
	case "style":
		e.Line = from.Line
	case "color":
		e.Color, e.current = from.Color, from.current
	}
}

// edge reads width, line and colour in any order.
func (a applier) edge(e Edge, value []token) Edge {
	for _, t := range value {
		switch t.text {
		case "thin":
			e.Width = 0.75
			continue
		case "medium":
			e.Width = mediumLine
			continue
		case "thick":
			e.Width = 3.75
			continue
		case "none", "hidden":
			e.Line = "none"
			continue
		case "solid", "dashed", "dotted", "double":
			e.Line = t.text
			continue
		case "groove", "ridge", "inset", "outset":
			e.Line = "solid"
			continue
		}
		if l, ok := a.length(t); ok && l.Points >= 0 {
			e.Width = min(l.Points, 200)
		} else if c, current, ok := t.color(); ok {
			e.Color, e.current = c, current
		}
	}
	return e
}
