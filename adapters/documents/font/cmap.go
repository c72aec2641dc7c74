package font

import (
	"unicode/utf16"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// CMap maps codes to character identifiers, or, as ToUnicode, to text.
type CMap struct {
	// WMode is 1 for vertical writing.
	WMode int
	// UseCMap is the name of the CMap that the file builds upon, if any.
	UseCMap string

	base   *CMap
	spaces []codeRange
	cids   []cidRange
	chars  map[int]string
	texts  []textRange
}

type codeRange struct{ low, high string }

type cidRange struct{ low, high, cid int }

type textRange struct {
	low, high int
	text      []uint16
}

// Identity is the CMap Identity-H or Identity-V: two bytes that are the identifier.
func Identity() *CMap {
	return &CMap{spaces: []codeRange{{"\x00\x00", "\xff\xff"}}, cids: []cidRange{{0, 0xffff, 0}}}
}

// maxMappings bounds what one CMap may list.
const maxMappings = 1 << 18

// ParseCMap reads an embedded CMap or ToUnicode.
func ParseCMap(data []byte) *CMap {
	c := &CMap{chars: map[int]string{}}
	l := pdf.NewLexer(data, 8)
	var operands []pdf.Object
	for {
		o, ok := l.Next()
		if !ok {
			return c
		}
		op, isOp := o.(pdf.Operator)
		if !isOp {
			if len(operands) < maxMappings {
				operands = append(operands, o)
			}
			continue
		}
		c.operation(op, operands)
		switch op {
		case "begincodespacerange", "begincidrange", "begincidchar", "beginbfrange", "beginbfchar", "def",
			"endcodespacerange", "endcidrange", "endcidchar", "endbfrange", "endbfchar", "endnotdefrange", "usecmap":
			operands = operands[:0]
		}
	}
}

func (c *CMap) operation(op pdf.Operator, operands []pdf.Object) {
	switch op {
	case "def":
		if n := len(operands); n >= 2 && operands[n-2] == pdf.Name("WMode") {
			if v, ok := operands[n-1].(pdf.Integer); ok {
				c.WMode = int(v)
			}
		}
	case "usecmap":
		if n := len(operands); n >= 1 {
			name, _ := operands[n-1].(pdf.Name)
			c.UseCMap = string(name)
		}
	case "endcodespacerange":
		for i := 0; i+1 < len(operands); i += 2 {
			low, ok1 := operands[i].(pdf.String)
			high, ok2 := operands[i+1].(pdf.String)
			if ok1 && ok2 && len(low) == len(high) && len(low) > 0 && len(low) <= 4 {
				c.spaces = append(c.spaces, codeRange{string(low), string(high)})
			}
		}
	case "endcidrange":
		for i := 0; i+2 < len(operands); i += 3 {
			c.addCIDs(operands[i], operands[i+1], operands[i+2])
		}
	case "endcidchar":
		for i := 0; i+1 < len(operands); i += 2 {
			c.addCIDs(operands[i], operands[i], operands[i+1])
		}
	case "endbfchar":
		for i := 0; i+1 < len(operands); i += 2 {
			code, ok1 := operands[i].(pdf.String)
			text, ok2 := operands[i+1].(pdf.String)
			if ok1 && ok2 && len(c.chars) < maxMappings {
				c.chars[number(code)] = string(utf16.Decode(units(text)))
			}
		}
	case "endbfrange":
		for i := 0; i+2 < len(operands); i += 3 {
			c.addTexts(operands[i], operands[i+1], operands[i+2])
		}
	}
}

func (c *CMap) addCIDs(low, high, cid pdf.Object) {
	l, ok1 := low.(pdf.String)
	h, ok2 := high.(pdf.String)
	n, ok3 := cid.(pdf.Integer)
	if ok1 && ok2 && ok3 && n >= 0 && n <= 0xffff {
		c.cids = append(c.cids, cidRange{number(l), number(h), int(n)})
	}
}

func (c *CMap) addTexts(low, high, text pdf.Object) {
	l, ok1 := low.(pdf.String)
	h, ok2 := high.(pdf.String)
	if !ok1 || !ok2 {
		return
	}
	switch t := text.(type) {
	case pdf.String:
		c.texts = append(c.texts, textRange{number(l), number(h), units(t)})
	case pdf.Array:
		for i, o := range t {
			if s, ok := o.(pdf.String); ok && len(c.chars) < maxMappings {
				c.chars[number(l)+i] = string(utf16.Decode(units(s)))
			}
		}
	}
}

func number(s pdf.String) int {
	v := 0
	for i := range min(len(s), 4) {
		v = v<<8 | int(s[i])
	}
	return v
}

func units(s pdf.String) []uint16 {
	if len(s) == 1 {
		return []uint16{uint16(s[0])}
	}
	out := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		out = append(out, uint16(s[i])<<8|uint16(s[i+1]))
	}
	return out
}

// Use makes base answer what c does not.
func (c *CMap) Use(base *CMap) { c.base = base }

// Codes splits a string into codes by the code space ranges.
func (c *CMap) Codes(s string) []int {
	var out []int
	spaces := c.spaces
	for b := c.base; len(spaces) == 0 && b != nil; b = b.base {
		spaces = b.spaces
	}
	for len(s) > 0 {
		length := codeLength(spaces, s)
		if length == 0 {
			length = min(shortest(spaces), len(s))
			out = append(out, 0)
		} else {
			out = append(out, number(pdf.String(s[:length])))
		}
		s = s[length:]
	}
	return out
}

func codeLength(spaces []codeRange, s string) int {
	for length := 1; length <= min(4, len(s)); length++ {
		for _, space := range spaces {
			if len(space.low) == length && space.contains(s) {
				return length
			}
		}
	}
	return 0
}

func (r codeRange) contains(s string) bool {
	for i := range len(r.low) {
		if s[i] < r.low[i] || s[i] > r.high[i] {
			return false
		}
	}
	return true
}

func shortest(spaces []codeRange) int {
	n := 0
	for _, space := range spaces {
		if n == 0 || len(space.low) < n {
			n = len(space.low)
		}
	}
	return max(n, 1)
}

// CID gives the character identifier of a code, and whether the map has one; without, it is 0.
func (c *CMap) CID(code int) (int, bool) {
	for _, r := range c.cids {
		if code >= r.low && code <= r.high {
			return r.cid + code - r.low, true
		}
	}
	if c.base != nil {
		return c.base.CID(code)
	}
	return 0, false
}

// Text gives the text of a code.
func (c *CMap) Text(code int) (string, bool) {
	if text, ok := c.chars[code]; ok {
		return text, true
	}
	for _, r := range c.texts {
		if code >= r.low && code <= r.high && len(r.text) > 0 {
			text := append([]uint16{}, r.text...)
			text[len(text)-1] += uint16(code - r.low) //nolint:gosec // ranges of text wrap as the format's do
			return string(utf16.Decode(text)), true
		}
	}
	if c.base != nil {
		return c.base.Text(code)
	}
	return "", false
}
