package font

import "testing"

func TestGlyphsByName(t *testing.T) {
	t.Parallel()
	f := &TrueType{
		names: map[string]int{"A": 3, "a.alt": 4, "Alpha": 3},
		maps: map[[2]int]map[int]int{
			{3, 1}: {'B': 5, 'b': 5, 0xf041: 6, 0: 7},
			{3, 0}: {0xf042: 8},
			{0, 3}: {'C': 5, 'D': 9},
		},
	}
	for glyph, want := range map[int]string{3: "A", 4: "a.alt", 5: ""} {
		if got := f.GlyphName(glyph); got != want {
			t.Errorf("glyph %d is called %q, want %q", glyph, got, want)
		}
	}
	for glyph, want := range map[int]rune{5: 'B', 6: 0, 7: 0, 8: 0, 9: 'D'} {
		if got, ok := f.GlyphRune(glyph); got != want || ok != (want != 0) {
			t.Errorf("glyph %d is %q %t, want %q", glyph, got, ok, want)
		}
	}
}
