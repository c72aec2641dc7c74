package tagging

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// overflows tells whether ToUnicode has a range whose texts differ in more than their last byte, which is not allowed
// and which programs read differently (ISO 32000-1, 9.10.3).
func (w *work) overflows(u *usedFont) bool {
	s, ok := w.file.Stream(u.dict["ToUnicode"])
	if !ok {
		return false
	}
	data, _ := w.file.Decode(s)
	lexer := pdf.NewLexer(data, 4)
	var last [3]pdf.Object
	inRanges, count := false, 0
	for {
		o, ok := lexer.Next()
		if !ok {
			return false
		}
		if op, isOperator := o.(pdf.Operator); isOperator {
			inRanges, count = op == "beginbfrange", 0
			continue
		}
		if !inRanges {
			continue
		}
		last[count%3] = o
		if count++; count%3 != 0 {
			continue
		}
		low, ok1 := last[0].(pdf.String)
		high, ok2 := last[1].(pdf.String)
		text, ok3 := last[2].(pdf.String)
		if ok1 && ok2 && ok3 && len(low) > 0 && len(high) == len(low) && len(text) > 0 {
			n := len(low) - 1
			if low[:n] != high[:n] || int(text[len(text)-1])+int(high[n])-int(low[n]) > 0xff {
				return true
			}
		}
	}
}

// toUnicode writes a ToUnicode CMap (ISO 32000-1, 9.10.3) for codes of so many hexadecimal digits.
func toUnicode(texts map[int]string, digits int) []byte {
	var b strings.Builder
	high := strings.Repeat("F", digits)
	fmt.Fprintf(&b, "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"+
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"+
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"+
		"1 begincodespacerange\n<%s> <%s>\nendcodespacerange\n", strings.Repeat("0", digits), high)
	codes := slices.Sorted(maps.Keys(texts))
	const most = 100 // in one block
	for block := range slices.Chunk(codes, most) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(block))
		for _, code := range block {
			fmt.Fprintf(&b, "<%0*X> <", digits, code)
			for _, unit := range utf16.Encode([]rune(texts[code])) {
				fmt.Fprintf(&b, "%04X", unit)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return []byte(b.String())
}
