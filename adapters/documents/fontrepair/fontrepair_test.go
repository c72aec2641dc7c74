package fontrepair

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// onePage makes a file with a page that shows a string by a font with the given entries, which may be changed before it
// is processed.
func onePage(t *testing.T, shown string, entries pdf.Dict) *pdf.File {
	t.Helper()
	f, err := pdf.Open(pdftest.OnePage("BT /F 12 Tf 72 700 Td "+shown+" Tj ET", "/Resources<</Font<</F 5 0 R>>>>").Bytes(), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d := pdf.Dict{"Type": pdf.Name("Font")}
	for key, value := range entries {
		if value != nil {
			d[key] = value
		}
	}
	f.Set(pdf.Ref{Number: 5}, d)
	return f
}

// embedded gives the entries of an embedded TrueType font with the letters A and B.
func embedded(t *testing.T) (*pdf.File, pdf.Dict) {
	t.Helper()
	return embeddedIn(t, "(AB)")
}

// embeddedIn is embedded for a page that shows a string.
func embeddedIn(t *testing.T, shown string) (*pdf.File, pdf.Dict) {
	t.Helper()
	f := onePage(t, shown, nil)
	entries, missing := embedfont.Simple(f, embedfont.Liberation(embedfont.Sans, embedfont.Style{}), map[byte]embedfont.Code{
		'A': {Name: "A"}, 'B': {Name: "B"},
	})
	if len(missing) > 0 {
		t.Fatalf("no glyphs for %v", missing)
	}
	f.Set(pdf.Ref{Number: 5}, entries)
	return f, entries
}

// repaired counts repairs by rule.
type repaired map[string]int

func (r repaired) Fixed(rule, _ string, count int) { r[rule] += count }
func (repaired) Flag(string, int, string)          {}
func (repaired) Warn(string, ...any)               {}

func failing(t *testing.T, f *pdf.File) map[string]bool {
	t.Helper()
	result, err := pdfua.Check(f, pdfua.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, failure := range result.Failures {
		out[failure.Rule] = true
	}
	return out
}

// TestFonts breaks what ISO 14289-1, 7.21 asks of fonts: it fails before, and not after.
func TestFonts(t *testing.T) {
	t.Parallel()
	type1 := func(name string, more pdf.Dict) pdf.Dict {
		d := pdf.Dict{"Subtype": pdf.Name("Type1"), "BaseFont": pdf.Name(name)}
		for key, value := range more {
			d[key] = value
		}
		return d
	}
	glyph := func(f *pdf.File, width int) pdf.Ref {
		return f.Add(pdf.NewStream(nil, fmt.Appendf(nil, "%d 0 0 0 500 500 d1 0 0 500 500 re f", width)))
	}
	for name, test := range map[string]struct {
		rule string
		make func(t *testing.T) *pdf.File
	}{
		"a standard font": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			return onePage(t, "(Text)", type1("Helvetica", nil))
		}},
		"a standard font by another name": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			return onePage(t, "(Text)", pdf.Dict{"Subtype": pdf.Name("TrueType"), "BaseFont": pdf.Name("Arial,Bold"), "Encoding": pdf.Name("WinAnsiEncoding")})
		}},
		"a font that nobody knows": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			return onePage(t, "(Text)", type1("Unheard-Of", pdf.Dict{"Encoding": pdf.Name("WinAnsiEncoding")}))
		}},
		"a composite font": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			f := onePage(t, "<00410042>", nil)
			f.Set(pdf.Ref{Number: 5}, pdf.Dict{
				"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type0"), "BaseFont": pdf.Name("Arial"), "Encoding": pdf.Name("Identity-H"),
				"ToUnicode": f.Add(pdf.NewStream(nil, font.ToUnicode(map[int]string{0x41: "Ж", 0x42: "W"}, 4))),
				"DescendantFonts": pdf.Array{f.Add(pdf.Dict{
					"Type": pdf.Name("Font"), "Subtype": pdf.Name("CIDFontType2"), "BaseFont": pdf.Name("Arial"), "DW": pdf.Integer(777),
					"CIDSystemInfo": pdf.Dict{"Registry": pdf.String("Adobe"), "Ordering": pdf.String("Identity"), "Supplement": pdf.Integer(0)},
				})},
			})
			return f
		}},
		"a composite font whose name tells its glyphs": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			return unembedded(t, "<002400250003010B023A>", "ArialMT", nil)
		}},
		"a composite font that shows missing characters": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			return unembedded(t, "<00000041>", "Unheard-Of", map[int]string{0x41: "W"})
		}},
		"strings without characters": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			return onePage(t, "()", type1("Helvetica", nil))
		}},
		"dingbats": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			return onePage(t, "(!'Az\\250\\376)", type1("ZapfDingbats", nil))
		}},
		"a glyph that the program lacks": {"7.21.4.1-2", func(t *testing.T) *pdf.File {
			t.Helper()
			f, _ := embeddedIn(t, "(A B)")
			return f
		}},
		"a symbolic font that lacks a glyph": {"7.21.4.1-2", func(t *testing.T) *pdf.File {
			t.Helper()
			f, entries := embeddedIn(t, "(A B)")
			descriptor, _ := f.Dict(entries["FontDescriptor"])
			descriptor["Flags"] = pdf.Integer(4)
			return f
		}},
		"a code without a drawn glyph": {"7.21.4.1-2", func(t *testing.T) *pdf.File {
			t.Helper()
			f := onePage(t, "(A A)", nil)
			f.Set(pdf.Ref{Number: 5}, pdf.Dict{
				"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type3"), "FirstChar": pdf.Integer(65), "LastChar": pdf.Integer(65),
				"Widths": pdf.Array{pdf.Integer(500)}, "CharProcs": pdf.Dict{"A": glyph(f, 500)},
				"Encoding": pdf.Dict{"Differences": pdf.Array{pdf.Integer(65), pdf.Name("A")}},
				"FontBBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(1), pdf.Integer(1)}, "Resources": pdf.Dict{},
				"FontMatrix": pdf.Array{pdf.Real(.001), pdf.Integer(0), pdf.Integer(0), pdf.Real(.001), pdf.Integer(0), pdf.Integer(0)},
			})
			return f
		}},
		"a collection other than that of the map": {"7.21.3.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			f := unembedded(t, "<0041>", "Arial", map[int]string{0x41: "W"})
			pages, err := f.Pages(1)
			if err != nil {
				t.Fatal(err)
			}
			Repair(f, pages, 0, repaired{})
			d, _ := f.Dict(pdf.Ref{Number: 5})
			info := pdf.Dict{"Registry": pdf.String("Adobe"), "Ordering": pdf.String("CNS1"), "Supplement": pdf.Integer(7)}
			d["Encoding"] = f.Add(pdf.NewStream(pdf.Dict{"Type": pdf.Name("CMap"), "CMapName": pdf.Name("Own"), "CIDSystemInfo": info},
				[]byte("1 begincodespacerange <0000> <FFFF> endcodespacerange 1 begincidrange <0000> <FFFF> 0 endcidrange")))
			return f
		}},
		"marks of form fields": {"7.21.4.1-1", func(t *testing.T) *pdf.File {
			t.Helper()
			return onePage(t, "(48lnuH)", type1("ZapfDingbats", nil))
		}},
		"a glyph without meaning": {"7.21.7-1", func(t *testing.T) *pdf.File {
			t.Helper()
			f := onePage(t, "(\\001)", nil)
			f.Set(pdf.Ref{Number: 5}, pdf.Dict{
				"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type3"), "FirstChar": pdf.Integer(1), "LastChar": pdf.Integer(1),
				"Widths": pdf.Array{pdf.Integer(600)}, "CharProcs": pdf.Dict{"negationslash": glyph(f, 600)},
				"Encoding": pdf.Dict{"Differences": pdf.Array{pdf.Integer(1), pdf.Name("negationslash")}},
				"FontBBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(1), pdf.Integer(1)}, "Resources": pdf.Dict{},
				"FontMatrix": pdf.Array{pdf.Real(.001), pdf.Integer(0), pdf.Integer(0), pdf.Real(.001), pdf.Integer(0), pdf.Integer(0)},
			})
			return f
		}},
		"a drawn glyph of another width": {"7.21.5-1", func(t *testing.T) *pdf.File {
			t.Helper()
			f := onePage(t, "(A)", nil)
			f.Set(pdf.Ref{Number: 5}, pdf.Dict{
				"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type3"), "FirstChar": pdf.Integer(65), "LastChar": pdf.Integer(65),
				"Widths": pdf.Array{pdf.Integer(600)}, "CharProcs": pdf.Dict{"A": glyph(f, 500)},
				"Encoding": pdf.Dict{"Differences": pdf.Array{pdf.Integer(65), pdf.Name("A")}},
				"FontBBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(1), pdf.Integer(1)}, "Resources": pdf.Dict{},
				"FontMatrix": pdf.Array{pdf.Real(.001), pdf.Integer(0), pdf.Integer(0), pdf.Real(.001), pdf.Integer(0), pdf.Integer(0)},
			})
			return f
		}},
		"a glyph of another width": {"7.21.5-1", func(t *testing.T) *pdf.File {
			t.Helper()
			f, entries := embedded(t)
			entries["Widths"] = pdf.Array{pdf.Integer(700), pdf.Integer(650)}
			return f
		}},
		"no encoding": {"7.21.6-2", func(t *testing.T) *pdf.File {
			t.Helper()
			f, entries := embedded(t)
			delete(entries, "Encoding")
			return f
		}},
		"symbols with an encoding": {"7.21.6-3", func(t *testing.T) *pdf.File {
			t.Helper()
			f, entries := embedded(t)
			descriptor, _ := f.Dict(entries["FontDescriptor"])
			descriptor["Flags"] = pdf.Integer(4)
			return f
		}},
		"a meaning that is no character": {"7.21.7-2", func(t *testing.T) *pdf.File {
			t.Helper()
			f, entries := embedded(t)
			entries["ToUnicode"] = f.Add(pdf.NewStream(nil, font.ToUnicode(map[int]string{'A': "\x00", 'B': "B"}, 2)))
			return f
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := test.make(t)
			if before := failing(t, f); !before[test.rule] {
				t.Fatalf("before, %v fail and not %s", before, test.rule)
			}
			report := repaired{}
			pages, err := f.Pages(10)
			if err != nil {
				t.Fatal(err)
			}
			Repair(f, pages, 0, report)
			if report[test.rule] == 0 && test.rule != "7.21.7-2" {
				t.Errorf("%v were repaired, not %s", report, test.rule)
			}
			for rule := range failing(t, f) {
				if strings.HasPrefix(rule, "7.21") {
					t.Errorf("after the repair %s fails", rule)
				}
			}
		})
	}
}

// unembedded makes a file that shows codes by a composite font without a program.
func unembedded(t *testing.T, shown, name string, texts map[int]string) *pdf.File {
	t.Helper()
	f := onePage(t, shown, nil)
	d := pdf.Dict{
		"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type0"), "BaseFont": pdf.Name(name), "Encoding": pdf.Name("Identity-H"),
		"DescendantFonts": pdf.Array{f.Add(pdf.Dict{
			"Type": pdf.Name("Font"), "Subtype": pdf.Name("CIDFontType2"), "BaseFont": pdf.Name(name), "DW": pdf.Integer(777),
			"CIDSystemInfo": pdf.Dict{"Registry": pdf.String("Adobe"), "Ordering": pdf.String("Identity"), "Supplement": pdf.Integer(0)},
		})},
	}
	if texts != nil {
		d["ToUnicode"] = f.Add(pdf.NewStream(nil, font.ToUnicode(texts, 4)))
	}
	f.Set(pdf.Ref{Number: 5}, d)
	return f
}

// TestGlyphOrder reads codes that are the numbers of glyphs.
func TestGlyphOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		widths pdf.Array
		codes  []int
		want   string
	}{
		"Arial,Bold":      {nil, []int{36, 68, 179, 180, 207, 268, 570, 602, 672}, "Aa“”ÓěАаא"},
		"TimesNewRomanPS": {nil, []int{3, 19, 292}, " 0ů"},
		"Calibri":         {nil, []int{4, 258, 288, 400}, "Aaés"},
		// The widths are not those of the letters: the font only has the name.
		"ArialMT": {pdf.Array{pdf.Integer(36), pdf.Array{pdf.Integer(100), pdf.Integer(100)}}, []int{36, 37}, "\ue024\ue025"},
	} {
		var shown strings.Builder
		for _, code := range test.codes {
			fmt.Fprintf(&shown, "%04x", code)
		}
		f := unembedded(t, "<"+shown.String()+">", name, nil)
		d, _ := f.Dict(pdf.Ref{Number: 5})
		list, _ := f.Array(d["DescendantFonts"])
		descendant, _ := f.Dict(list[0])
		if test.widths != nil {
			descendant["W"] = test.widths
		}
		pages, err := f.Pages(1)
		if err != nil {
			t.Fatal(err)
		}
		Repair(f, pages, 0, repaired{})
		d, _ = f.Dict(pdf.Ref{Number: 5})
		read := pdffont.Read(f, d)
		got := ""
		for _, code := range test.codes {
			got += read.Glyph(code).Text
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestAdvances proves that new advances are read back, those of glyphs beyond the last metric as well, and no others
// change.
func TestAdvances(t *testing.T) {
	t.Parallel()
	f, entries := embedded(t)
	descriptor, _ := f.Dict(entries["FontDescriptor"])
	stream, _ := f.Stream(descriptor["FontFile2"])
	data, err := f.Decode(stream)
	if err != nil {
		t.Fatal(err)
	}
	before, err := font.ParseTrueType(data)
	if err != nil {
		t.Fatal(err)
	}
	program, err := readSFNT(data)
	if err != nil {
		t.Fatal(err)
	}
	// One metric for all: the other glyphs keep their bearings alone.
	hmtx := program.tables["hmtx"]
	short := bytes.Clone(hmtx[:4])
	for g := 1; g < before.Glyphs; g++ {
		short = append(short, hmtx[4*g+2:4*g+4]...)
	}
	program.tables["hmtx"] = short
	program.tables["hhea"] = bytes.Clone(program.tables["hhea"])
	program.tables["hhea"][34], program.tables["hhea"][35] = 0, 1
	if err := program.setAdvances(map[int]float64{2: 432}); err != nil {
		t.Fatal(err)
	}
	program.addSymbolMap(map[int]int{0x41: 1})
	after, err := font.ParseTrueType(program.bytes())
	if err != nil {
		t.Fatal(err)
	}
	for g := range before.Glyphs {
		want := before.Width(0)
		if g == 2 {
			want = 432
		}
		if math.Abs(after.Width(g)-want) > 0.5 {
			t.Errorf("glyph %d is %g wide, want %g", g, after.Width(g), want)
		}
	}
	if after.LookupSymbol(0x41) != 1 || after.CMaps != before.CMaps+1 || after.Lookup(3, 1, 'A') != before.Lookup(3, 1, 'A') {
		t.Errorf("the maps are wrong: %d of them", after.CMaps)
	}
}

// TestType1Widths changes a width in an encrypted program, and nothing else.
func TestType1Widths(t *testing.T) {
	t.Parallel()
	charString := func(width byte) string { // 0 width hsbw endchar, behind four random bytes
		return string(crypt([]byte{1, 2, 3, 4, 139, 139 + width, 13, 14}, charStringKey, true))
	}
	private := "dup /Private 8 dict dup begin /lenIV 4 def 2 index /CharStrings 2 dict dup begin\n" +
		"/A 8 RD " + charString(50) + " ND\n/B 8 RD " + charString(60) + " ND\nend\n"
	head := "%!PS-AdobeFont-1.0\n/FontMatrix [0.001 0 0 0.001 0 0] def\n/Encoding StandardEncoding def\ncurrentfile eexec\n"
	rest := "\n" + strings.Repeat("0", 64) + "\ncleartomark\n"
	data := head + string(crypt([]byte("abcd"+private), eexecKey, true)) + rest
	first, secret, last, ok := divideType1([]byte(data))
	if !ok || string(first) != head || string(last) != rest {
		t.Fatalf("divided into %d, %d and %d bytes", len(first), len(secret), len(last))
	}
	changed, count := changeCharStrings(crypt(secret, eexecKey, false), map[string]float64{"A": 733})
	if count != 1 {
		t.Fatalf("%d widths were changed", count)
	}
	program, err := font.ParseType1(append(append(first, crypt(changed, eexecKey, true)...), last...))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"A": 733, "B": 60} {
		if got, ok := program.Width(name); !ok || got != want {
			t.Errorf("%s is %g wide, want %g", name, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"A": "A", "fi": "fi", "f_i": "fi", "uni0416": "Ж", "u1F600": "😀", "a.sc": "a", "uniD800": "", "parenleftBigg": "(",
		"summationdisplay": "∑", "epsilon1": "ϵ", "g123": "", "": "", "uni0000": "",
	} {
		if got := nameText(name); got != want {
			t.Errorf("%q means %q, want %q", name, got, want)
		}
	}
}

func FuzzSFNT(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x00\x00\x01\x00\x10\x00\x00\x00\x00head\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x04abcd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		program, err := readSFNT(data)
		if err != nil {
			return
		}
		if _, ok := program.copyGlyph(0, 500); ok {
			program.setCodes(map[int]int{1: 1})
		}
		program.addSymbolMap(map[int]int{1: 1})
		if program.setAdvances(map[int]float64{0: 500, 70_000: 1}) == nil {
			if _, err := readSFNT(program.bytes()); err != nil {
				t.Errorf("what was written cannot be read: %v", err)
			}
		}
	})
}

func FuzzCharStrings(f *testing.F) {
	f.Add([]byte("/lenIV 4 /CharStrings 1 /A 8 RD 12345678 ND"))
	f.Add([]byte("/lenIV7/CharStrings/A 7  00000000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if out, count := changeCharStrings(data, map[string]float64{"A": 1}); count > 0 && len(out) < len(data)/2 {
			t.Errorf("%d bytes became %d", len(data), len(out))
		}
		divideType1(data)
	})
}
