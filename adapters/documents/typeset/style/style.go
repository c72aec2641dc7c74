// Package style computes how the elements of an HTML document look: from the user agent's style sheet, the author's
// style sheets and style attributes, by the cascade (CSS Cascading and Inheritance Level 4).
//
// It knows the part of CSS that a document on paper needs. Lengths are in points (1px is 0.75pt).
package style

import (
	"math"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
)

// Length is a distance: a number of points and a share of what percentages refer to.
type Length struct {
	Points, Share float64
	// Auto is the value auto, none or normal.
	Auto bool
}

// Of gives the points where percentages refer to whole; auto is otherwise.
func (l Length) Of(whole, otherwise float64) float64 {
	if l.Auto {
		return otherwise
	}
	return l.Points + l.Share*whole
}

// Color is red, green, blue and opacity, from 0 to 1.
type Color [4]float64

// Visible tells whether something painted in the colour can be seen.
func (c Color) Visible() bool { return c[3] > 0 }

// Edge is one side of a border.
type Edge struct {
	Width float64
	// Line is "none" or how the line is drawn: solid, dashed, dotted, double.
	Line  string
	Color Color
	// current tells that the colour follows the text's.
	current bool
}

// Visible tells whether the edge takes room and can be seen.
func (e Edge) Visible() bool { return e.Width > 0 && e.Line != "none" }

// The sides of boxes, in the order of CSS.
const (
	Top = iota
	Right
	Bottom
	Left
)

// Display is the kind of box that an element makes.
type Display string

// The kinds of boxes.
const (
	None        Display = "none"
	Block       Display = "block"
	Inline      Display = "inline"
	InlineBlock Display = "inline-block"
	ListItem    Display = "list-item"
	Flex        Display = "flex"
	Grid        Display = "grid"
	Contents    Display = "contents"
)

// Style is the computed style of an element. It is shared between elements and must not be changed by readers.
type Style struct {
	// Inherited properties.
	Family        embedfont.Family
	Size          float64
	Bold, Italic  bool
	Color         Color
	LineHeight    Length // auto is the font's own; Share is a factor of the font size
	Align         string // left, right, center, justify, start
	Indent        Length
	Transform     string // none, uppercase, lowercase, capitalize
	Space         string // normal, pre, pre-wrap, pre-line, nowrap
	ListType      string
	Hidden        bool // visibility
	LetterSpacing float64
	CaptionBelow  bool
	Collapse      bool
	Spacing       [2]float64 // between cells: across, down
	RightToLeft   bool
	Hyphens       bool // soft hyphens are obeyed
	Orphans       int
	Widows        int
	// Underline, Overline and Through are lines that run along the text, also of descendants; Rise lifts it.
	Underline, Overline, Through bool
	Rise                         float64

	// Properties of the element alone.
	Display      Display
	Float        string // none, left, right
	Clear        string // none, left, right, both
	Position     string
	Margin       [4]Length
	Padding      [4]Length
	Border       [4]Edge
	Background   Color
	Width        Length
	MinWidth     Length
	MaxWidth     Length
	Height       Length
	MinHeight    Length
	MaxHeight    Length
	BorderBox    bool
	VerticalPut  string // top, middle, bottom, baseline
	BreakBefore  bool
	BreakAfter   bool
	KeepInside   bool
	KeepAfter    bool
	KeepBefore   bool
	Content      []ContentPart // of ::before and ::after
	HasContent   bool
	Direction    string // of flex: row, column
	Wrap         bool
	Justify      string
	Grow         float64
	Basis        Length
	Gap          [2]float64 // between rows, between columns
	Tracks       []Track
	AutoFill     float64 // the least width of tracks that are repeated as often as they fit
	unsupported  string
	custom       *customs
	fontSizeBase float64
}

// ContentPart is a piece of generated text: a string, or the value of an attribute.
type ContentPart struct {
	Text, Attribute string
}

// Track is the width of a column of a grid: a length, or a share of the room that is left.
type Track struct {
	Length   Length
	Fraction float64
}

// Unsupported names a layout that is asked for and not done, "" if there is none.
func (s *Style) Unsupported() string { return s.unsupported }

// Root is the style that the root element inherits from.
func Root() *Style {
	s := &Style{
		Family: embedfont.Sans, Size: rootSize, Color: Color{0, 0, 0, 1}, LineHeight: Length{Auto: true}, Align: "start",
		Transform: "none", Space: "normal", ListType: "disc", Spacing: [2]float64{1.5, 1.5}, Hyphens: true, Orphans: 2, Widows: 2,
	}
	s.own()
	return s
}

// rootSize is the initial font size: 11pt, as is usual on paper.
const rootSize = 11

// own sets the properties that are not inherited to their initial values.
func (s *Style) own() {
	auto := Length{Auto: true}
	s.Display, s.Float, s.Clear, s.Position = Inline, "none", "none", "static"
	s.Margin, s.Padding, s.Border = [4]Length{}, [4]Length{}, [4]Edge{}
	for i := range s.Border {
		s.Border[i] = Edge{Width: mediumLine, Line: "none", current: true}
	}
	s.Background = Color{}
	s.Width, s.MinWidth, s.MaxWidth, s.Height, s.MinHeight, s.MaxHeight = auto, auto, auto, auto, auto, auto
	s.BorderBox, s.VerticalPut = false, "baseline"
	s.BreakBefore, s.BreakAfter, s.KeepInside, s.KeepAfter, s.KeepBefore = false, false, false, false, false
	s.Content, s.HasContent = nil, false
	s.Direction, s.Wrap, s.Justify, s.Grow, s.Basis, s.Gap = "row", false, "start", 0, auto, [2]float64{}
	s.Tracks, s.AutoFill, s.unsupported = nil, 0, ""
}

// mediumLine is the initial width of borders: 3px.
const mediumLine = 2.25

// inherit makes the style from which a child of an element with style s starts.
func (s *Style) inherit() *Style {
	child := *s
	child.own()
	return &child
}

// Anonymous is the style of a box that no element makes, within an element of this style.
func (s *Style) Anonymous() *Style {
	child := s.inherit()
	child.Display = Block
	return child
}

// finish settles what depends on other properties.
func (s *Style) finish() {
	for i := range s.Border {
		e := &s.Border[i]
		if e.Line == "none" {
			e.Width = 0
		}
		if e.current {
			e.Color = s.Color
		}
	}
	s.Size = min(max(s.Size, 0.5), 500)
	if s.Float != "none" && (s.Display == Inline || s.Display == InlineBlock) {
		s.Display = Block
	}
}

// Face is the style of the fonts to take.
func (s *Style) Face() embedfont.Style { return embedfont.Style{Bold: s.Bold, Italic: s.Italic} }

// bounded keeps lengths within what a layout can compute with.
func bounded(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -20_000), 20_000)
}
