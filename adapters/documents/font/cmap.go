package font

import (
	"cmp"
	"slices"
	"sort"
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
	// sorted tells that the ranges are in order and apart, as they are in sound files; overlapping that they cannot be.
	sorted, overlapping bool
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

// maxSpaces bounds the code space ranges, all of which may be asked for each code; sound files have a handful.
const maxSpaces = 256

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
			if ok1 && ok2 && len(low) == len(high) && len(low) > 0 && len(low) <= 4 && len(c.spaces) < maxSpaces {
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
	if ok1 && ok2 && ok3 && n >= 0 && n <= 0xffff && number(l) <= number(h) {
		c.cids = append(c.cids, cidRange{number(l), number(h), int(n)})
	}
}

func (c *CMap) addTexts(low, high, text pdf.Object) {
	l, ok1 := low.(pdf.String)
	h, ok2 := high.(pdf.String)
	if !ok1 || !ok2 || number(l) > number(h) {
		return
	}
	switch t := text.(type) {
	case pdf.String:
		if text := units(t); len(text) > 0 {
			c.texts = append(c.texts, textRange{number(l), number(h), text})
		}
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
	for len(s) > 0 {
		code, length := c.Code(s)
		out = append(out, code)
		s = s[length:]
	}
	return out
}

// Code gives the first code of a string that is not empty, and how many bytes it has; 0 for bytes in no range.
func (c *CMap) Code(s string) (code, length int) {
	spaces := c.spaces
	for b := c.base; len(spaces) == 0 && b != nil; b = b.base {
		spaces = b.spaces
	}
	if length = codeLength(spaces, s); length == 0 {
		return 0, min(shortest(spaces), len(s))
	}
	return number(pdf.String(s[:length])), length
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
	c.sort()
	if r, ok := find(c.cids, code, c.sorted, func(r *cidRange) (int, int) { return r.low, r.high }); ok {
		return r.cid + code - r.low, true
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
	c.sort()
	if r, ok := find(c.texts, code, c.sorted, func(r *textRange) (int, int) { return r.low, r.high }); ok {
		text := append([]uint16{}, r.text...)
		text[len(text)-1] += uint16(code - r.low) //nolint:gosec // ranges of text wrap as the format's do
		return string(utf16.Decode(text)), true
	}
	if c.base != nil {
		return c.base.Text(code)
	}
	return "", false
}

// maxOverlapping is how many ranges are searched one by one, which those of a file have to be that overlap; the others
// are not looked at.
const maxOverlapping = 4096

// sort puts the ranges into order, once all are read, unless they overlap: then the first in the file counts.
func (c *CMap) sort() {
	if c.sorted || c.overlapping {
		return
	}
	cids, texts := slices.Clone(c.cids), slices.Clone(c.texts)
	slices.SortFunc(cids, func(a, b cidRange) int { return cmp.Compare(a.low, b.low) })
	slices.SortFunc(texts, func(a, b textRange) int { return cmp.Compare(a.low, b.low) })
	c.sorted = true
	for i := 1; i < len(cids); i++ {
		c.sorted = c.sorted && cids[i-1].high < cids[i].low
	}
	for i := 1; i < len(texts); i++ {
		c.sorted = c.sorted && texts[i-1].high < texts[i].low
	}
	if c.overlapping = !c.sorted; c.overlapping {
		c.cids, c.texts = c.cids[:min(len(c.cids), maxOverlapping)], c.texts[:min(len(c.texts), maxOverlapping)]
		return
	}
	c.cids, c.texts = cids, texts
}

// find gives the range that holds a code.
func find[R any](ranges []R, code int, sorted bool, bounds func(*R) (low, high int)) (*R, bool) {
	if sorted {
		i := sort.Search(len(ranges), func(i int) bool {
			_, high := bounds(&ranges[i])
			return high >= code
		})
		ranges = ranges[i:min(i+1, len(ranges))]
	}
	for i := range ranges {
		if low, high := bounds(&ranges[i]); code >= low && code <= high {
			return &ranges[i], true
		}
	}
	return nil, false
}
