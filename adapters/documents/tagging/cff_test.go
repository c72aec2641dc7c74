package tagging

import (
	"math"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/font"
)

// compact makes a font set with two glyphs: one with a width, one with the default width, 500.
func compact() []byte {
	privateDict := []byte{28, 500 >> 8, 500 & 0xff, 20, 28, 600 >> 8, 600 & 0xff, 21} // default and nominal width
	strings := appendIndex(nil, nil)
	charset := []byte{0, 0, 34, 0, 35} // format 0: A and B
	glyphs := [][]byte{{14}, {139 + 50, 139, 139, 21, 14}, {139, 139, 21, 14}}
	head := appendIndex([]byte{1, 0, 4, 4}, [][]byte{[]byte("F")})
	top := func(charset, charStrings, private int) []byte {
		return topWith([]cffEntry{
			{operator: cffCharset, operands: []float64{float64(charset)}},
			{operator: cffCharStrings, operands: []float64{0}},
			{operator: cffPrivate, operands: []float64{float64(len(privateDict)), float64(private)}},
		}, 0, charStrings)
	}
	at := len(appendIndex(head, [][]byte{top(9, 9, 9)})) + 2*len(strings)
	out := appendIndex(head, [][]byte{top(at, at+len(charset)+len(privateDict), at+len(charset))})
	out = append(append(out, strings...), strings...) // names and global subroutines, both empty
	out = append(append(out, charset...), privateDict...)
	return appendIndex(out, glyphs)
}

// TestCompactWidths changes widths where there is one and where there is none, and leaves the others.
func TestCompactWidths(t *testing.T) {
	t.Parallel()
	data := compact()
	before, err := font.ParseCFF(data)
	if err != nil {
		t.Fatal(err)
	}
	for glyph, want := range []float64{500, 650, 500} {
		if got := before.Width(glyph); got != want {
			t.Fatalf("glyph %d is %g wide, want %g", glyph, got, want)
		}
	}
	for _, widths := range []map[int]float64{{1: 444}, {2: 777}, {0: 250, 1: 1000, 2: 1}} {
		changed, count := changeCFF(data, widths)
		if count != len(widths) {
			t.Fatalf("%d of %d widths were changed", count, len(widths))
		}
		after, err := font.ParseCFF(changed)
		if err != nil {
			t.Fatal(err)
		}
		for glyph := range 3 {
			want, set := widths[glyph]
			if !set {
				want = before.Width(glyph)
			}
			if got := after.Width(glyph); math.Abs(got-want) > 0.5 {
				t.Errorf("glyph %d is %g wide, want %g", glyph, got, want)
			}
		}
		if g, ok := after.Named("B"); !ok || g != 2 {
			t.Errorf("B is the glyph %d", g)
		}
	}
}

func FuzzCFF(f *testing.F) {
	f.Add(compact())
	f.Fuzz(func(t *testing.T, data []byte) {
		out, count := changeCFF(data, map[int]float64{0: 100, 1: 200, 9: 300})
		if _, err := font.ParseCFF(data); count > 0 && err == nil {
			if _, err := font.ParseCFF(out); err != nil {
				t.Errorf("what was written cannot be read: %v", err)
			}
		}
	})
}
