package font

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compact makes a font set with two glyphs: one with a width, one with the default width, 500.
func compact() []byte {
	privateDict := []byte{28, 500 >> 8, 500 & 0xff, 20, 28, 600 >> 8, 600 & 0xff, 21} // default and nominal width
	strings := appendIndex(nil, nil)
	charset := []byte{0, 0, 34, 0, 35} // format 0: A and B
	glyphs := [][]byte{{14}, {139 + 50, 139, 139, 21, 14}, {139, 139, 21, 14}}
	head := appendIndex([]byte{1, 0, 4, 4}, [][]byte{[]byte("F")})
	top := func(charset, charStrings, private int) []byte {
		return cffDict{
			{operator: opCharset, operands: []float64{float64(charset)}},
			{operator: opCharStrings, operands: []float64{0}},
			{operator: opPrivate, operands: []float64{float64(len(privateDict)), float64(private)}},
		}.moved(0, charStrings, 0)
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
	before, err := ParseCFF(data)
	if err != nil {
		t.Fatal(err)
	}
	for glyph, want := range []float64{500, 650, 500} {
		if got := before.Width(glyph); got != want {
			t.Fatalf("glyph %d is %g wide, want %g", glyph, got, want)
		}
	}
	for _, widths := range []map[int]float64{{1: 444}, {2: 777}, {0: 250, 1: 1000, 2: 1}} {
		changed, count := before.WithWidths(widths)
		if count != len(widths) {
			t.Fatalf("%d of %d widths were changed", count, len(widths))
		}
		after, err := ParseCFF(changed)
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

func FuzzCFFWrite(f *testing.F) {
	f.Add(compact())
	f.Fuzz(func(t *testing.T, data []byte) {
		before, err := ParseCFF(data)
		if err != nil {
			return
		}
		if out, count := before.WithWidths(map[int]float64{0: 100, 1: 200, 9: 300}); count > 0 {
			if _, err := ParseCFF(out); err != nil {
				t.Errorf("what was written cannot be read: %v", err)
			}
		}
		if out := before.WithGlyphs(map[string]float64{"space": 250}); out != nil {
			if _, err := ParseCFF(out); err != nil {
				t.Errorf("what was written with a further glyph cannot be read: %v", err)
			}
		}
		before.CID(before.Glyphs())
		if after, err := ParseCFF(before.Blanked(map[int]bool{1: true})); err == nil && after.Glyphs() != before.Glyphs() {
			t.Errorf("%d glyphs became %d", before.Glyphs(), after.Glyphs())
		}
	})
}

// TestCompactGlyphs adds glyphs that look like that of missing characters.
func TestCompactGlyphs(t *testing.T) {
	t.Parallel()
	f, err := ParseCFF(compact())
	if err != nil {
		t.Fatal(err)
	}
	if !f.IsBlank(0) || f.IsBlank(1) {
		t.Errorf("blank: %t and %t", f.IsBlank(0), f.IsBlank(1))
	}
	out := f.WithGlyphs(map[string]float64{"space": 250, "hyphen": 333})
	again, err := ParseCFF(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{".notdef", "A", "B", "hyphen", "space"}, again.Names()); diff != "" {
		t.Error(diff)
	}
	for glyph, want := range []float64{f.Width(0), f.Width(1), f.Width(2), 333, 250} {
		if got := again.Width(glyph); got != want {
			t.Errorf("glyph %d is %v wide, want %v", glyph, got, want)
		}
	}
	if !again.IsBlank(4) || again.IsBlank(2) {
		t.Error("other glyphs are blank than should be")
	}
	for _, name := range []string{"A", "nothing of that name"} {
		if f.WithGlyphs(map[string]float64{name: 1}) != nil {
			t.Errorf("the glyph %s was added", name)
		}
	}
}
