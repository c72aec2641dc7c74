package font

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"unicode/utf16"
)

// ToUnicode writes the character map from codes to text (ISO 32000-1, 9.10.3). Digits is the length of a code in
// hexadecimal.
func ToUnicode(texts map[int]string, digits int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<%0*x> <%0*x>
endcodespacerange
`, digits, 0, digits, 1<<(4*digits)-1)
	const perBlock = 100 // the most that one block may have
	for block := range slices.Chunk(slices.Sorted(maps.Keys(texts)), perBlock) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(block))
		for _, code := range block {
			fmt.Fprintf(&b, "<%0*x> <", digits, code)
			for _, unit := range utf16.Encode([]rune(texts[code])) {
				fmt.Fprintf(&b, "%04x", unit)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}
