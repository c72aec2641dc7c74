package pagetext

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// state is the graphics state (ISO 32000-1, 8.4) as far as text and its surroundings need it.
type state struct {
	ctm  matrix
	clip Rect
	text textState
	// lineWidth is in user space.
	lineWidth    float64
	fill, stroke color
}

// textState is that of ISO 32000-1, 9.3. Scale is Tz as a factor.
type textState struct {
	font               *fontTable
	size               float64
	charSpace, wordGap float64
	scale, leading     float64
	rise               float64
	mode               int64
}

func newState(ctm matrix) state {
	const everywhere = 1e9
	return state{
		ctm: ctm, clip: Rect{-everywhere, -everywhere, everywhere, everywhere}, lineWidth: 1,
		text: textState{scale: 1},
	}
}

// color is a color and the components of the space it is in; 0 components stand for a space that is not reckoned.
type color struct {
	rgb        uint32
	components int
	// inverted is that of a tint: 0 is no ink.
	inverted bool
}

const white = 0xFFFFFF

// setSpace takes a new color space, whose first color is black in nearly all of them.
func (c *color) setSpace(file *pdf.File, o pdf.Object) {
	*c = color{}
	switch v := file.Resolve(o).(type) {
	case pdf.Name:
		c.components = map[pdf.Name]int{"DeviceGray": 1, "DeviceRGB": 3, "DeviceCMYK": 4}[v]
	case pdf.Array:
		if len(v) < 2 {
			return
		}
		switch file.Name(v[0]) {
		case "CalGray":
			c.components = 1
		case "CalRGB":
			c.components = 3
		case "ICCBased":
			if s, ok := file.Stream(v[1]); ok {
				n, _ := file.Integer(s.Dict["N"])
				c.components = int(n)
			}
		case "Separation":
			c.components, c.inverted = 1, true
		}
	}
}

// set takes the operands of a color operator.
func (c *color) set(operands []pdf.Object) {
	if len(operands) != c.components {
		c.rgb = 0
		return
	}
	var v [4]float64
	for i := range min(len(operands), len(v)) {
		n, _ := pdf.Number(operands[i])
		v[i] = min(max(n, 0), 1)
	}
	switch c.components {
	case 1:
		if c.inverted {
			v[0] = 1 - v[0]
		}
		c.rgb = rgb(v[0], v[0], v[0])
	case 3:
		c.rgb = rgb(v[0], v[1], v[2])
	case 4:
		c.rgb = rgb((1-v[0])*(1-v[3]), (1-v[1])*(1-v[3]), (1-v[2])*(1-v[3]))
	default:
		c.rgb = 0
	}
}

func rgb(r, g, b float64) uint32 {
	return uint32(r*255+0.5)<<16 | uint32(g*255+0.5)<<8 | uint32(b*255+0.5)
}
