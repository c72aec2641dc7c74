package font_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// corpus is a part of the veraPDF corpus, beside the repository; its fonts are what writers make.
const corpus = "../../../../shared/corpus/pdfua1"

// programs gives the font programs of the corpus by their key in the font descriptor and their subtype.
func programs(tb testing.TB) map[string][][]byte {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(corpus, "7.21*.pdf"))
	if err != nil || len(paths) == 0 {
		tb.Skip("the corpus is needed")
	}
	out := map[string][][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		f, err := pdf.Open(data, pdf.Limits{})
		if err != nil {
			tb.Fatal(err)
		}
		f.Each(func(d pdf.Dict) {
			for _, key := range []pdf.Name{"FontFile", "FontFile2", "FontFile3"} {
				if s, ok := f.Stream(d[key]); ok {
					program, _ := f.Decode(s)
					kind := string(key + f.Name(s.Dict["Subtype"]))
					out[kind] = append(out[kind], program)
				}
			}
		})
	}
	return out
}

func TestTrueTypeOfCorpus(t *testing.T) {
	t.Parallel()
	all := programs(t)["FontFile2"]
	if len(all) == 0 {
		t.Fatal("no programs")
	}
	for _, data := range all {
		f, err := font.ParseTrueType(data)
		if err != nil {
			t.Errorf("%d bytes: %v", len(data), err)
			continue
		}
		if f.Glyphs == 0 || f.Metrics() == 0 || f.Metrics() > f.Glyphs {
			t.Errorf("%d glyphs, %d widths", f.Glyphs, f.Metrics())
		}
		if w := f.Width(0); w < 0 || w > 5000 {
			t.Errorf("width %f", w)
		}
	}
}

func TestCompactFontsOfCorpus(t *testing.T) {
	t.Parallel()
	all := programs(t)
	for _, data := range append(all["FontFile3Type1C"], all["FontFile3CIDFontType0C"]...) {
		f, err := font.ParseCFF(data)
		if err != nil {
			t.Errorf("%d bytes: %v", len(data), err)
			continue
		}
		if f.CIDKeyed != (f.Names() == nil) || f.Glyphs() == 0 {
			t.Errorf("keyed by CID %t, %d names of %d glyphs", f.CIDKeyed, len(f.Names()), f.Glyphs())
		}
		for g := range f.Glyphs() {
			if w := f.Width(g); w < 0 || w > 5000 {
				t.Errorf("glyph %d has the width %f", g, w)
			}
		}
	}
}

func TestParsersRefuse(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "x", "not a font at all, but long enough to have a header"} {
		if _, err := font.ParseTrueType([]byte(data)); !errors.Is(err, font.ErrMalformed) {
			t.Errorf("TrueType %q: %v", data, err)
		}
		if _, err := font.ParseCFF([]byte(data)); !errors.Is(err, font.ErrMalformed) {
			t.Errorf("CFF %q: %v", data, err)
		}
		if _, err := font.ParseType1([]byte(data)); !errors.Is(err, font.ErrMalformed) {
			t.Errorf("Type 1 %q: %v", data, err)
		}
	}
}

func TestCMap(t *testing.T) {
	t.Parallel()
	c := font.ParseCMap([]byte(`/WMode 1 def /Base usecmap
2 begincodespacerange <00> <80> <8140> <9ffc> endcodespacerange
1 begincidrange <8140> <817e> 633 endcidrange
1 begincidchar <20> 1 endcidchar
2 beginbfchar <01> <0041> <02> <D83DDE00> endbfchar
2 beginbfrange <10> <12> <0061> <20> <21> [<0058> <00590059>] endbfrange`))
	if c.WMode != 1 || c.UseCMap != "Base" {
		t.Errorf("mode %d, base %q", c.WMode, c.UseCMap)
	}
	if diff := cmp.Diff([]int{0x20, 0x8141, 0x01, 0}, c.Codes("\x20\x81\x41\x01\xff")); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	for code, want := range map[int]int{0x20: 1, 0x8140: 633, 0x817e: 695} {
		if got, ok := c.CID(code); !ok || got != want {
			t.Errorf("code %x has the CID %d (%t), want %d", code, got, ok, want)
		}
	}
	if _, ok := c.CID(0x30); ok {
		t.Error("a code without CID has one")
	}
	for code, want := range map[int]string{1: "A", 2: "😀", 0x12: "c", 0x20: "X", 0x21: "YY"} {
		if got, ok := c.Text(code); !ok || got != want {
			t.Errorf("code %x is %q (%t), want %q", code, got, ok, want)
		}
	}
	c.Use(font.Identity())
	if got, ok := c.CID(0x30); !ok || got != 0x30 {
		t.Errorf("the base gives %d", got)
	}
}

// TestRangesOfCMap asks maps of random ranges, apart or overlapping: the first range in the file that has a code counts.
func TestRangesOfCMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type span struct{ low, high, cid int }
		spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) span {
			low := rapid.IntRange(0, 200).Draw(t, "low")
			return span{low, low + rapid.IntRange(0, 6).Draw(t, "length"), rapid.IntRange(0, 1000).Draw(t, "cid")}
		}), 0, 30).Draw(t, "spans")
		var source strings.Builder
		for _, s := range spans {
			fmt.Fprintf(&source, "1 begincidrange <%04x> <%04x> %d endcidrange\n1 beginbfrange <%04x> <%04x> <%04x> endbfrange\n",
				s.low, s.high, s.cid, s.low, s.high, s.cid+0x4e00)
		}
		c := font.ParseCMap([]byte(source.String()))
		for code := range 210 {
			want, has := 0, false
			for _, s := range spans {
				if !has && code >= s.low && code <= s.high {
					want, has = s.cid+code-s.low, true
				}
			}
			if got, ok := c.CID(code); ok != has || got != want {
				t.Fatalf("code %d has the CID %d (%t), want %d (%t)", code, got, ok, want, has)
			}
			if got, ok := c.Text(code); ok != has || ok && got != string(rune(want+0x4e00)) {
				t.Fatalf("code %d has the text %q (%t), want %d (%t)", code, got, ok, want, has)
			}
		}
	})
}

func TestGlyphNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"A": "A", "Euro": "€", "ffi": "ﬃ", "dalethatafpatah": "דֲ"} {
		if got, ok := font.GlyphText(name); !ok || got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"a12": true, "a300": false, "g17": false, "space": true} {
		if got := font.HasMeaning(name); got != want {
			t.Errorf("%s has meaning: %t", name, got)
		}
	}
	for _, encoding := range [][]string{font.StandardEncoding, font.WinAnsiEncoding, font.MacRomanEncoding} {
		if len(encoding) != 256 || encoding['A'] != "A" || encoding[0] != ".notdef" {
			t.Errorf("an encoding has %d names", len(encoding))
		}
	}
}

func TestPredefinedCMaps(t *testing.T) {
	t.Parallel()
	if got, ok := font.Predefined("90ms-RKSJ-H"); !ok || got != (font.Collection{Ordering: "Japan1", Supplement: 2}) {
		t.Errorf("got %v %t", got, ok)
	}
	if _, ok := font.Predefined("Own-H"); ok {
		t.Error("an unknown CMap is predefined")
	}
}

func FuzzPrograms(f *testing.F) {
	for _, kind := range programs(f) {
		for _, data := range kind[:min(2, len(kind))] {
			if len(data) < 20_000 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		if t, err := font.ParseTrueType(data); err == nil {
			t.Width(t.LookupName("A") + t.LookupSymbol(65) + t.LookupAny(65))
		}
		if c, err := font.ParseCFF(data); err == nil {
			for g := range min(c.Glyphs(), 50) {
				c.Width(g)
			}
			c.NameOf(65)
			c.CIDs()
		}
		if t, err := font.ParseType1(data); err == nil {
			t.Names()
		}
		m := font.ParseCMap(data)
		for _, code := range m.Codes("abcd") {
			m.CID(code)
			m.Text(code)
		}
	})
}
