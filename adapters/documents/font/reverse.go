package font

import "maps"

// reverse answers which name and which text a glyph has.
type reverse struct {
	names map[int]string
	texts map[int]rune
}

// unicodeMaps are the subtables whose codes are Unicode, the best first.
var unicodeMaps = [][2]int{{3, 10}, {0, 6}, {0, 4}, {3, 1}, {0, 3}, {0, 2}, {0, 1}, {0, 0}}

// GlyphName gives the name that the table post has for a glyph, "" if there is none.
func (f *TrueType) GlyphName(glyph int) string { return f.reversed().names[glyph] }

// GlyphRune gives the character that the Unicode subtables of cmap map to a glyph, the lowest of several, and whether
// there is one. Code points of the private use area say nothing and are left out.
func (f *TrueType) GlyphRune(glyph int) (rune, bool) {
	r, ok := f.reversed().texts[glyph]
	return r, ok
}

func (f *TrueType) reversed() *reverse {
	if f.reverse != nil {
		return f.reverse
	}
	r := &reverse{names: make(map[int]string, len(f.names)), texts: map[int]rune{}}
	for name, glyph := range f.names {
		if known, taken := r.names[glyph]; name != "" && (!taken || name < known) {
			r.names[glyph] = name
		}
	}
	for _, key := range unicodeMaps {
		found := map[int]rune{}
		for code, glyph := range f.maps[key] {
			c := rune(code) //nolint:gosec // subtables have codes of at most 21 bits that matter
			if glyph <= 0 || c < ' ' || c > 0x10ffff || c >= 0xd800 && c < 0xf900 {
				continue
			}
			if known, taken := found[glyph]; !taken || c < known {
				found[glyph] = c
			}
		}
		maps.DeleteFunc(found, func(glyph int, _ rune) bool { _, taken := r.texts[glyph]; return taken })
		maps.Copy(r.texts, found)
	}
	f.reverse = r
	return r
}
