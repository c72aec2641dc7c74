package embedfont

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/xmp"
)

// paragraph makes a file with one tagged paragraph, whose content and font are told.
func paragraph(t *testing.T, f *pdf.File, content string, fontRef pdf.Object) []byte {
	t.Helper()
	page, tree, paragraph := f.Add(nil), f.Add(nil), f.Add(nil)
	pages := f.Add(pdf.Dict{"Type": pdf.Name("Pages"), "Count": pdf.Integer(1), "Kids": pdf.Array{page}})
	f.Set(page, pdf.Dict{
		"Type": pdf.Name("Page"), "Parent": pages, "StructParents": pdf.Integer(0),
		"MediaBox":  pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(600), pdf.Integer(200)},
		"Contents":  f.Add(pdf.NewStream(nil, []byte("/P<</MCID 0>>BDC BT/F 18 Tf 20 100 Td "+content+" Tj ET EMC"))),
		"Resources": pdf.Dict{"Font": pdf.Dict{"F": fontRef}},
	})
	f.Set(paragraph, pdf.Dict{"Type": pdf.Name("StructElem"), "S": pdf.Name("P"), "P": tree, "Pg": page, "K": pdf.Integer(0)})
	f.Set(tree, pdf.Dict{
		"Type": pdf.Name("StructTreeRoot"), "K": pdf.Array{paragraph},
		"ParentTree": pdf.Dict{"Nums": pdf.Array{pdf.Integer(0), pdf.Array{paragraph}}},
	})
	for key, value := range (pdf.Dict{
		"Pages": pages, "StructTreeRoot": tree, "Lang": pdf.String("en"), "MarkInfo": pdf.Dict{"Marked": true},
		"ViewerPreferences": pdf.Dict{"DisplayDocTitle": true},
		"Metadata": f.Add(pdf.NewStream(pdf.Dict{"Type": pdf.Name("Metadata"), "Subtype": pdf.Name("XML")},
			xmp.Packet(xmp.Metadata{Title: "T", UA: true}))),
	}) {
		f.Catalog()[key] = value
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hold sees that our checks find nothing wrong.
func hold(t *testing.T, data []byte) {
	t.Helper()
	failures, err := Failures(data)
	if err != nil {
		t.Fatal(err)
	}
	if failures != "" {
		t.Errorf("the file fails: %s", failures)
	}
}

// Failures says what of PDF/UA-1 a file breaks. The package that checks it uses this one, so that the tests outside of the
// package set it.
var Failures func(data []byte) (string, error)

// show writes text with an embedding and gives the operand of Tj.
func show(t *testing.T, e *Embedding, text string) string {
	t.Helper()
	var b strings.Builder
	for _, r := range text {
		g, ok := e.Face().Glyph(r)
		if !ok {
			t.Fatalf("%s has no %q", e.Face().Name, r)
		}
		code, ok := e.Use(g, string(r))
		if !ok {
			t.Fatalf("no code for %q", r)
		}
		fmt.Fprintf(&b, "%04x", code)
	}
	return "<" + b.String() + ">"
}

// samples makes a file for each way of embedding.
func samples(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for family, name := range map[Family]string{Sans: "sans", Serif: "serif", Mono: "mono"} {
		for i, style := range []Style{{}, {Bold: true}, {Italic: true}, {Bold: true, Italic: true}} {
			f := pdf.New()
			e := Composite(f, Liberation(family, style))
			content := show(t, e, "Ärger\u00a0mit Ǻ: Ёж ждёт Ὀδυσσεύς"[:30]+" \u00a0")
			e.Finish()
			out[fmt.Sprintf("composite %s %d", name, i)] = paragraph(t, f, content, e.Ref)
		}
	}
	simple := func(name string, face *Face, codes map[byte]Code) {
		f := pdf.New()
		entries, missing := Simple(f, face, codes)
		if len(missing) > 0 {
			t.Errorf("%s: no glyphs for %v", name, missing)
		}
		var b strings.Builder
		for _, code := range sortedKeys(codes) {
			fmt.Fprintf(&b, "%02x", code)
		}
		out["simple "+name] = paragraph(t, f, "<"+b.String()+">", entries)
	}
	winAnsi := map[byte]Code{}
	for code, name := range font.WinAnsiEncoding {
		if name != ".notdef" {
			winAnsi[byte(code)] = Code{Name: name}
		}
	}
	simple("WinAnsi", Liberation(Sans, Style{}), winAnsi)
	simple("differences", Liberation(Mono, Style{}), map[byte]Code{1: {Name: "A"}, 2: {Name: "afii10017"}, 65: {Name: "fi"}})
	simple("unlisted names", Liberation(Serif, Style{}), map[byte]Code{
		0: {Name: "g1", Text: "x"}, 65: {Name: "A"}, 66: {Name: "", Text: "Я"},
	})
	simple("declared widths", Liberation(Sans, Style{}), map[byte]Code{
		65: {Name: "A", Width: 400, Declared: true}, 66: {Name: "A", Width: 700.5, Declared: true},
	})
	return out
}

func TestFontsConform(t *testing.T) {
	t.Parallel()
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	for name, data := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hold(t, data)
			path := filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".pdf")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if verdict, err := oracle.Check(path); err != nil || !verdict.Conforms {
				t.Errorf("veraPDF: %v %v", verdict.FailedRules, err)
			}
		})
	}
}

func TestSameBytes(t *testing.T) {
	t.Parallel()
	first, second := samples(t), samples(t)
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s differs from time to time", name)
		}
	}
}

// TestMetrics compares Liberation with metrics of the standard fonts (Adobe Font Metrics).
func TestMetrics(t *testing.T) {
	t.Parallel()
	for name, widths := range map[string]map[rune]float64{
		"Helvetica":             {'A': 667, 'i': 222, 'W': 944, '@': 1015, 'é': 556},
		"Helvetica-BoldOblique": {'A': 722, 'i': 278},
		"Times-Roman":           {'A': 722, 'i': 278, 'W': 944},
		"Times-BoldItalic":      {'A': 667, 'x': 500},
		"Courier-Bold":          {'A': 600, 'i': 600},
		"ABCDEF+Arial,Bold":     {'A': 722}, "ArialMT": {'A': 667}, "TimesNewRomanPS-BoldItalicMT": {'A': 667},
		"CourierNewPSMT": {'A': 600}, "Symbol": {'α': 570},
	} {
		standard, ok := BaseFont(name)
		if !ok {
			t.Errorf("%s is not known", name)
			continue
		}
		for r, want := range widths {
			g, ok := standard.Face.Glyph(r)
			if got := standard.Face.Advance(g); !ok || name != "Symbol" && math.Abs(got-want) > 1 {
				t.Errorf("%s: %q has %v instead of %v", name, r, got, want)
			}
		}
	}
	for _, name := range []string{"", "Comic Sans", "Bold", "Garamond-Roman"} {
		if _, ok := BaseFont(name); ok {
			t.Errorf("%q is taken for a standard font", name)
		}
	}
	if len(SymbolEncoding) != 256 || len(ZapfDingbatsEncoding) != 256 {
		t.Errorf("the encodings have %d and %d codes", len(SymbolEncoding), len(ZapfDingbatsEncoding))
	}
}

func TestSymbols(t *testing.T) {
	t.Parallel()
	symbol, _ := BaseFont("Symbol")
	codes := map[byte]Code{}
	for code, name := range symbol.Encoding {
		if name != ".notdef" {
			codes[byte(code)] = Code{Name: name}
		}
	}
	entries, missing := Simple(pdf.New(), symbol.Face, codes)
	if entries == nil || len(missing) == 0 || len(missing) > 100 {
		t.Errorf("of Symbol %d of %d codes are missing", len(missing), len(codes))
	}
	for _, code := range missing {
		if name := symbol.Encoding[code]; name == "alpha" || name == "Omega" || name == "infinity" || name == "summation" {
			t.Errorf("%s is missing", name)
		}
	}
	for name, want := range map[string]string{"a1": "✁", "a20": "✔", "a71": "●", "a120": "①", "a191": "➾", "a89": "❨", "a160": "➔"} {
		if got, _ := dingbat(name); got != want {
			t.Errorf("%s is %q instead of %q", name, got, want)
		}
	}
}

func TestSubsetHoldsOutlines(t *testing.T) {
	t.Parallel()
	face := Liberation(Serif, Style{Italic: true})
	rapid.Check(t, func(t *rapid.T) {
		glyphs := []chosen{{0, 0}}
		for _, g := range rapid.SliceOfN(rapid.IntRange(0, face.Glyphs-1), 1, 40).Draw(t, "glyphs") {
			glyphs = append(glyphs, chosen{g, face.advance(g)})
		}
		again, err := font.ParseTrueType(face.subset(glyphs, nil))
		if err != nil {
			t.Fatal(err)
		}
		for number, g := range glyphs[1:] {
			if got := again.Width(number + 1); math.Abs(got-face.Advance(g.glyph)) > 0.01 {
				t.Fatalf("glyph %d has the width %v instead of %v", g.glyph, got, face.Advance(g.glyph))
			}
		}
		if again.Glyphs < len(glyphs) {
			t.Fatalf("%d glyphs instead of %d", again.Glyphs, len(glyphs))
		}
	})
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	whole := Liberation(Sans, Style{})
	restricted := map[string][]byte{}
	for tag, data := range whole.tables {
		restricted[tag] = bytes.Clone(data)
	}
	restricted["OS/2"][9] = fsRestricted
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("not a font at all, but long enough to look at"), "licence": sfnt(restricted),
	} {
		if _, err := Load(data, 0); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	face := Liberation(Mono, Style{})
	small := face.subset([]chosen{{0, 600}, {40, 600}}, cmapTable(map[[2]int]map[int]int{{3, 1}: {65: 1}}))
	f.Add(small)
	f.Fuzz(func(t *testing.T, data []byte) {
		face, err := Load(data, 0)
		if err != nil {
			return
		}
		file := pdf.New()
		e := Composite(file, face)
		for g := range min(face.Glyphs, 20) {
			e.Use(g, "x")
		}
		e.Finish()
		Simple(file, face, map[byte]Code{65: {Name: "A"}})
	})
}

func TestMachine(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	face := Liberation(Sans, Style{})
	glyph, _ := face.Glyph('Ж')
	data := face.subset([]chosen{{0, 0}, {glyph, 1000}}, cmapTable(map[[2]int]map[int]int{{3, 1}: {0x5d0: 1}}))
	for name, content := range map[string][]byte{"one.ttf": data, "broken.ttf": data[:60], "none.otf": nil, "text.txt": data} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := NewMachine(folder, filepath.Join(folder, "absent"))
	if found, ok := m.Face(0x5d0, Style{Bold: true}); !ok || found.Glyphs != 2 {
		t.Error("the font with the character is not found")
	}
	if _, ok := m.Face('A', Style{}); ok {
		t.Error("a font is found for a character that none has")
	}
}
