package style

import (
	"strings"

	"github.com/tdewolff/parse/v2/css"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
)

var sides = [4]string{"top", "right", "bottom", "left"}

// apply sets what one declaration says. What is not understood changes nothing.
func (s *Style) apply(d declaration, parent *Style, root float64, custom *customs) {
	value, ok := custom.substitute(d.value, 0)
	if !ok || len(value) == 0 {
		return
	}
	if len(value) == 1 && value[0].kind == css.IdentToken {
		switch value[0].text {
		case "inherit":
			s.take(d.name, parent)
			return
		case "initial", "unset", "revert":
			s.take(d.name, Root())
			return
		}
	}
	a := applier{s, parent, root}
	if a.text(d.name, value) || a.box(d.name, value) || a.border(d.name, value) {
		return
	}
	a.layout(d.name, value)
}

// take copies a property from another style.
func (s *Style) take(name string, from *Style) {
	switch name {
	case "color":
		s.Color = from.Color
	case "background", "background-color":
		s.Background = from.Background
	case "font-size":
		s.Size = from.Size
	case "font-family":
		s.Family = from.Family
	case "font-weight":
		s.Bold = from.Bold
	case "font-style":
		s.Italic = from.Italic
	case "text-align":
		s.Align = from.Align
	case "line-height":
		s.LineHeight = from.LineHeight
	case "text-decoration", "text-decoration-line":
		s.Underline, s.Overline, s.Through = from.Underline, from.Overline, from.Through
	case "white-space":
		s.Space = from.Space
	case "text-indent":
		s.Indent = from.Indent
	case "text-transform":
		s.Transform = from.Transform
	case "letter-spacing":
		s.LetterSpacing = from.LetterSpacing
	case "list-style", "list-style-type":
		s.ListType = from.ListType
	case "float":
		s.Float = from.Float
	case "max-width":
		s.MaxWidth = from.MaxWidth
	case "min-width":
		s.MinWidth = from.MinWidth
	case "width":
		s.Width = from.Width
	case "height":
		s.Height = from.Height
	case "display":
		s.Display = from.Display
	case "margin":
		s.Margin = from.Margin
	case "padding":
		s.Padding = from.Padding
	case "border":
		s.Border = from.Border
	}
}

type applier struct {
	*Style
	parent *Style
	root   float64
}

func (a applier) length(t token) (Length, bool) { return t.length(a.Size, a.root) }

// text applies the properties of text and fonts.
func (a applier) text(name string, value []token) bool {
	first := value[0]
	switch name {
	case "color":
		if c, current, ok := first.color(); ok {
			if current {
				c = a.parent.Color
			}
			a.Color = c
		}
	case "font-size":
		a.fontSize(first)
	case "font-family":
		a.fontFamily(value)
	case "font-weight":
		a.fontWeight(first)
	case "font-style":
		a.Italic = first.text == "italic" || first.text == "oblique"
	case "font":
		a.font(value)
	case "line-height":
		a.lineHeight(first)
	case "text-align":
		switch first.text {
		case "left", "right", "center", "justify", "start":
			a.Align = first.text
		case "end":
			a.Align = "right"
			if a.RightToLeft {
				a.Align = "left"
			}
		}
	case "text-indent":
		if l, ok := a.length(first); ok {
			a.Indent = l
		}
	case "text-transform":
		a.Transform = first.text
	case "white-space", "white-space-collapse":
		switch first.text {
		case "normal", "pre", "pre-wrap", "pre-line", "nowrap":
			a.Space = first.text
		case "break-spaces":
			a.Space = "pre-wrap"
		}
	case "letter-spacing":
		if l, ok := a.length(first); ok {
			a.LetterSpacing = min(max(l.Points, -a.Size/2), 100)
		} else if first.text == "normal" {
			a.LetterSpacing = 0
		}
	case "direction":
		a.RightToLeft = first.text == "rtl"
	case "hyphens":
		a.Hyphens = first.text != "none"
	case "visibility":
		a.Hidden = first.text == "hidden" || first.text == "collapse"
	case "text-decoration", "text-decoration-line":
		a.decoration(value)
	case "list-style", "list-style-type":
		for _, t := range value {
			switch {
			case t.kind == css.StringToken:
				a.ListType = "\x00" + t.text
			case t.kind == css.IdentToken && t.text != "inside" && t.text != "outside":
				a.ListType = t.text
			}
		}
	case "orphans", "widows":
		if n := int(first.number); first.kind == css.NumberToken && n >= 1 {
			if name == "orphans" {
				a.Orphans = min(n, 20)
			} else {
				a.Widows = min(n, 20)
			}
		}
	default:
		return false
	}
	return true
}

func (a applier) decoration(value []token) {
	for _, t := range value {
		switch t.text {
		case "none":
			a.Underline, a.Overline, a.Through = false, false, false
		case "underline":
			a.Underline = true
		case "overline":
			a.Overline = true
		case "line-through":
			a.Through = true
		}
	}
}

// sizes are the factors of the size keywords (CSS Fonts Level 4, 2.5).
var sizes = map[string]float64{
	"xx-small": 0.6, "x-small": 0.75, "small": 0.89, "medium": 1, "large": 1.2, "x-large": 1.5, "xx-large": 2, "xxx-large": 3,
}

func (a applier) fontSize(t token) bool {
	base := a.fontSizeBase
	if base == 0 {
		base = a.parent.Size
	}
	if factor, ok := sizes[t.text]; ok && t.kind == css.IdentToken {
		a.Size = rootSize * factor
		return true
	}
	switch t.text {
	case "larger":
		a.Size = base * 1.2
		return true
	case "smaller":
		a.Size = base / 1.2
		return true
	}
	l, ok := t.length(base, a.root)
	if !ok || l.Of(base, 0) < 0 {
		return false
	}
	a.Size = min(max(l.Of(base, 0), 0.5), 500)
	return true
}

// families are the fonts that the most usual names stand for.
var families = map[string]embedfont.Family{
	"serif": embedfont.Serif, "times": embedfont.Serif, "times new roman": embedfont.Serif, "georgia": embedfont.Serif,
	"garamond": embedfont.Serif, "palatino": embedfont.Serif, "cambria": embedfont.Serif, "liberation serif": embedfont.Serif,
	"book antiqua": embedfont.Serif, "baskerville": embedfont.Serif, "ui-serif": embedfont.Serif, "noto serif": embedfont.Serif,
	"sans-serif": embedfont.Sans, "arial": embedfont.Sans, "helvetica": embedfont.Sans, "helvetica neue": embedfont.Sans,
	"verdana": embedfont.Sans, "system-ui": embedfont.Sans, "ui-sans-serif": embedfont.Sans, "liberation sans": embedfont.Sans,
	"segoe ui": embedfont.Sans, "roboto": embedfont.Sans, "inter": embedfont.Sans, "open sans": embedfont.Sans, "calibri": embedfont.Sans,
	"monospace": embedfont.Mono, "courier": embedfont.Mono, "courier new": embedfont.Mono, "consolas": embedfont.Mono,
	"menlo": embedfont.Mono, "monaco": embedfont.Mono, "ui-monospace": embedfont.Mono, "liberation mono": embedfont.Mono,
	"sfmono-regular": embedfont.Mono, "source code pro": embedfont.Mono,
}

// fontFamily takes the first name that is known.
func (a applier) fontFamily(value []token) {
	for _, part := range split(value) {
		var words []string
		for _, t := range part {
			words = append(words, strings.ToLower(t.text))
		}
		if family, ok := families[strings.Join(words, " ")]; ok {
			a.Family = family
			return
		}
	}
}

func (a applier) fontWeight(t token) {
	switch {
	case t.kind == css.NumberToken:
		a.Bold = t.number >= 600
	case t.text == "bold", t.text == "bolder":
		a.Bold = true
	case t.text == "normal", t.text == "lighter":
		a.Bold = false
	}
}

func (a applier) lineHeight(t token) {
	if t.text == "normal" {
		a.LineHeight = Length{Auto: true}
	} else if t.kind == css.NumberToken && t.number >= 0 {
		a.LineHeight = Length{Share: min(t.number, 100)}
	} else if l, ok := a.length(t); ok && l.Of(a.Size, 0) >= 0 {
		a.LineHeight = Length{Points: l.Of(a.Size, 0)}
	}
}

// font reads the shorthand: style and weight, then the size with an optional line height, then the families.
func (a applier) font(value []token) {
	a.Bold, a.Italic, a.LineHeight = false, false, Length{Auto: true}
	for i, t := range value {
		switch {
		case t.text == "italic" || t.text == "oblique":
			a.Italic = true
		case t.text == "bold" || t.text == "bolder" || t.kind == css.NumberToken:
			a.fontWeight(t)
		case t.text == "normal" || t.text == "small-caps":
		case a.fontSize(t):
			rest := value[i+1:]
			if len(rest) > 1 && rest[0].kind == css.DelimToken && rest[0].text == "/" {
				a.lineHeight(rest[1])
				rest = rest[2:]
			}
			a.fontFamily(rest)
			return
		default:
			return
		}
	}
}
