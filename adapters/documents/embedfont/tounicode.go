package embedfont

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"unicode/utf16"
)

// toUnicode writes the character map from codes to text (ISO 32000-1, 9.10.3). Digits is the length of a code in
// hexadecimal.
func toUnicode(texts map[int]string, digits int) []byte {
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
			for _, unit := range utf16.Encode([]rune(speakable(texts[code]))) {
				fmt.Fprintf(&b, "%04x", unit)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

// speakable leaves out the values that ISO 14289-1, 7.21.7 forbids; where nothing is left, there is a space.
func speakable(text string) string {
	kept := make([]rune, 0, len(text))
	for _, r := range text {
		if r != 0 && r != 0xfeff && r != 0xfffe {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return " "
	}
	return string(kept)
}
