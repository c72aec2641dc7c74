package style

import (
	"github.com/tdewolff/parse/v2/css"
)

// layout applies the remaining properties.
func (a applier) layout(name string, value []token) {
	first := value[0]
	switch name {
	case "display":
		a.display(first.text)
	case "float":
		switch first.text {
		case "left", "right", "none":
			a.Float = first.text
		case "inline-start":
			a.Float = "left"
		case "inline-end":
			a.Float = "right"
		}
	case "clear":
		a.Clear = first.text
	case "position":
		a.Position = first.text
		if first.text == "absolute" || first.text == "fixed" || first.text == "sticky" {
			a.unsupported = "position: " + first.text
		}
	case "background", "background-color":
		a.background(name, value)
	case "box-sizing":
		a.BorderBox = first.text == "border-box"
	case "vertical-align":
		a.verticalAlign(first)
	case "caption-side":
		a.CaptionBelow = first.text == "bottom" || first.text == "block-end"
	case "break-before", "page-break-before":
		a.BreakBefore = isForced(first.text)
		a.KeepBefore = first.text == "avoid" || first.text == "avoid-page"
	case "break-after", "page-break-after":
		a.BreakAfter = isForced(first.text)
		a.KeepAfter = first.text == "avoid" || first.text == "avoid-page"
	case "break-inside", "page-break-inside":
		a.KeepInside = first.text == "avoid" || first.text == "avoid-page"
	case "content":
		a.content(value)
	case "flex-direction":
		a.Direction = first.text
	case "flex-wrap":
		a.Wrap = first.text == "wrap" || first.text == "wrap-reverse"
	case "flex-flow":
		for _, t := range value {
			switch t.text {
			case "wrap":
				a.Wrap = true
			case "row", "column", "row-reverse", "column-reverse":
				a.Direction = t.text
			}
		}
	case "justify-content":
		a.Justify = first.text
	case "flex-grow":
		a.Grow = min(max(first.number, 0), 1000)
	case "flex":
		a.flex(value)
	case "gap", "grid-gap", "row-gap", "column-gap":
		a.gap(name, value)
	case "grid-template-columns":
		a.tracks(value)
	case "column-count", "columns":
		if first.kind == css.NumberToken && first.number > 1 {
			a.unsupported = "several columns of text"
		}
	case "writing-mode":
		if first.text != "horizontal-tb" {
			a.unsupported = "vertical text"
		}
	}
}

func isForced(value string) bool {
	switch value {
	case "always", "page", "left", "right", "recto", "verso", "all":
		return true
	}
	return false
}

func (a applier) display(value string) {
	switch value {
	case "none", "block", "inline", "inline-block", "list-item", "flex", "grid", "contents":
		a.Display = Display(value)
	case "inline-flex", "inline-grid", "inline-table":
		a.Display = InlineBlock
	case "table", "table-row", "table-cell", "table-row-group", "table-header-group", "table-footer-group", "table-caption",
		"flow-root", "table-column", "table-column-group":
		a.Display = Block
		a.unsupported = ""
	}
}

func (a applier) background(name string, value []token) {
	if name == "background" {
		a.Background = Color{}
	}
	for _, t := range value {
		if c, current, ok := t.color(); ok {
			if current {
				c = a.Color
			}
			a.Background = c
		} else if t.kind == css.URLToken || t.kind == css.FunctionToken {
			a.unsupported = "background images"
		}
	}
}

func (a applier) verticalAlign(t token) {
	switch t.text {
	case "sub":
		a.Rise = a.parent.Rise - 0.2*a.parent.Size
	case "super":
		a.Rise = a.parent.Rise + 0.35*a.parent.Size
	case "top", "text-top":
		a.VerticalPut = "top"
	case "bottom", "text-bottom":
		a.VerticalPut = "bottom"
	case "middle", "baseline":
		a.VerticalPut = t.text
	default:
		if l, ok := a.length(t); ok {
			a.Rise = a.parent.Rise + min(max(l.Of(a.Size, 0), -200), 200)
		}
	}
}

// content reads generated text. Counters and images are left out.
func (a applier) content(value []token) {
	a.Content, a.HasContent = nil, false
	for _, t := range value {
		switch {
		case t.kind == css.StringToken:
			a.Content = append(a.Content, ContentPart{Text: t.text})
		case t.text == "open-quote":
			a.Content = append(a.Content, ContentPart{Text: "“"})
		case t.text == "close-quote":
			a.Content = append(a.Content, ContentPart{Text: "”"})
		case t.kind == css.FunctionToken && t.text == "attr" && len(t.args) > 0:
			a.Content = append(a.Content, ContentPart{Attribute: t.args[0].text})
		case t.kind == css.FunctionToken && (t.text == "counter" || t.text == "counters"):
			a.unsupported = "counters"
		}
	}
	a.HasContent = len(a.Content) > 0
}

func (a applier) flex(value []token) {
	a.Grow, a.Basis = 1, Length{}
	numbers := 0
	for _, t := range value {
		switch {
		case t.text == "none":
			a.Grow, a.Basis = 0, Length{Auto: true}
		case t.text == "auto":
			a.Basis = Length{Auto: true}
		case t.text == "initial":
			a.Grow, a.Basis = 0, Length{Auto: true}
		case t.kind == css.NumberToken && numbers == 0:
			a.Grow = min(max(t.number, 0), 1000)
			numbers++
		case t.kind == css.NumberToken:
			numbers++
		default:
			if l, ok := a.length(t); ok {
				a.Basis = l
			}
		}
	}
}

func (a applier) gap(name string, value []token) {
	for i, t := range value[:min(len(value), 2)] {
		l, ok := a.length(t)
		if !ok || l.Points < 0 {
			return
		}
		points := min(l.Points, 500)
		switch {
		case name == "row-gap":
			a.Gap[0] = points
		case name == "column-gap":
			a.Gap[1] = points
		case i == 0:
			a.Gap = [2]float64{points, points}
		default:
			a.Gap[1] = points
		}
	}
}

// maxTracks bounds the columns of a grid.
const maxTracks = 64

// tracks reads the columns of a grid: lengths, fractions and repeat().
func (a applier) tracks(value []token) {
	a.Tracks, a.AutoFill = nil, 0
	for _, t := range value {
		if t.kind != css.FunctionToken || t.text != "repeat" {
			a.track(t)
			continue
		}
		parts := split(t.args)
		if len(parts) < 2 || len(parts[0]) == 0 {
			continue
		}
		if count := parts[0][0]; count.kind == css.NumberToken {
			for range min(int(count.number), maxTracks) {
				for _, track := range parts[1] {
					a.track(track)
				}
			}
		} else if len(parts[1]) > 0 {
			least := parts[1][0]
			if least.kind == css.FunctionToken && len(least.args) > 0 {
				least = least.args[0]
			}
			if l, ok := a.length(least); ok && l.Points > 0 {
				a.AutoFill = max(l.Points, 10)
			}
		}
	}
}

func (a applier) track(t token) {
	if len(a.Tracks) >= maxTracks {
		return
	}
	switch {
	case t.kind == css.DimensionToken && t.text == "fr":
		a.Tracks = append(a.Tracks, Track{Fraction: max(t.number, 0.01)})
	case t.kind == css.FunctionToken && t.text == "minmax", t.text == "auto", t.text == "max-content", t.text == "min-content":
		a.Tracks = append(a.Tracks, Track{Fraction: 1})
	default:
		if l, ok := a.length(t); ok {
			a.Tracks = append(a.Tracks, Track{Length: l})
		}
	}
}
