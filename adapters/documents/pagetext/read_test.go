package pagetext_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

const resources = "/Resources<</Font<</F 5 0 R/M 6 0 R/T 7 0 R/C 8 0 R/V 11 0 R/J 13 0 R>>/XObject<</X 9 0 R/I 10 0 R>>" +
	"/Properties<</Off 12 0 R>>/ExtGState<</G<</Font[5 0 R 10]>>>>>>"

// sample is a file of one page with fonts, a form and an image.
func sample(content, entries string) *pdftest.File {
	f := pdftest.OnePage(content, resources+entries)
	f.Add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding/FirstChar 65/LastChar 67/Widths[500 600 700]>>")
	f.Add("<</Type/Font/Subtype/Type1/BaseFont/Courier-Bold/Encoding/WinAnsiEncoding>>")
	f.Add("<</Type/Font/Subtype/Type3/FontMatrix[0.01 0 0 0.01 0 0]/FontBBox[0 0 50 50]/FirstChar 97/LastChar 98/Widths[50 50]" +
		"/Encoding<</Differences[97/a/b]>>/CharProcs<<>>>>")
	f.Add("<</Type/Font/Subtype/Type0/BaseFont/Wide/Encoding/UniJIS-UTF16-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType0" +
		"/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>>>]>>")
	f.Stream("/Type/XObject/Subtype/Form/BBox[0 0 100 100]/Matrix[1 0 0 1 100 0]/Resources<</Font<</F 5 0 R>>/XObject<</X 9 0 R>>>>",
		[]byte("BT/F 10 Tf 10 20 Td(A)Tj 200 0 Td(B)Tj ET/X Do"))
	f.Stream("/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8", []byte("x"))
	f.Add("<</Type/Font/Subtype/Type0/BaseFont/Tall/Encoding/Identity-V/DescendantFonts[<</Type/Font/Subtype/CIDFontType2>>]>>")
	f.Add("<</Type/OCG/Name(Off)>>")
	f.Add("<</Type/Font/Subtype/Type0/BaseFont/Old/Encoding/90ms-RKSJ-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType0>>]>>")
	f.Set(1, "<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[12 0 R]/D<</OFF[12 0 R]>>>>>>")
	return f
}

func readPage(tb testing.TB, data []byte, limits pagetext.Limits) (*pagetext.Page, error) {
	tb.Helper()
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	pages, err := f.Pages(10)
	if err != nil {
		tb.Fatal(err)
	}
	return pagetext.NewReader(f, limits).Page(pages[0], 1)
}

// show writes a run as its text, where it is, and what is not usual about it.
func show(r pagetext.Run) string {
	out := fmt.Sprintf("%q %.0f-%.0f at %.0f size %.1f", r.Text, r.Box.Left, r.Box.Right, r.Baseline, r.Size)
	for _, flag := range []struct {
		name string
		is   bool
	}{{"hidden", r.Hidden}, {"invisible", r.Invisible}, {"bold", r.Bold}, {"mono", r.Mono}, {"artifact", r.Place.Artifact}} {
		if flag.is {
			out += " " + flag.name
		}
	}
	if r.Angle != 0 {
		out += fmt.Sprintf(" turned %.0f", r.Angle)
	}
	if r.Place.Mark >= 0 {
		out += fmt.Sprintf(" mark %d of %d", r.Place.Mark, r.Place.MarkStream)
	}
	if r.Place.To != (pagetext.Split{}) {
		out += fmt.Sprintf(" elements %s to %s", showSplit(r.Place.From), showSplit(r.Place.To))
	}
	if r.Place.Stream > 0 {
		out += fmt.Sprintf(" stream %d", r.Place.Stream)
	}
	if r.Color != 0 {
		out += fmt.Sprintf(" color %06x", r.Color)
	}
	return out
}

func showSplit(s pagetext.Split) string {
	if s.Byte == 0 {
		return strconv.Itoa(s.Element)
	}
	return fmt.Sprintf("%d/%d", s.Element, s.Byte)
}

func TestRuns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, content, entries, want string }{
		{"a string", "BT/F 10 Tf 50 700 Td(ABC)Tj ET", "", `"ABC" 50-68 at 700 size 10.0`},
		{"scaled and spaced", "2 0 0 2 0 0 cm BT/F 5 Tf 50 Tz 1 Tc 25 350 Td(AB)Tj ET", "", `"AB" 50-56 at 700 size 10.0`},
		{"word spacing", "BT/M 10 Tf 5 Tw 50 700 Td(a b)Tj ET", "", `"a b" 50-73 at 700 size 10.0 bold mono`},
		{"lines by T* and quotes", "BT/F 10 Tf 12 TL 50 700 Td(A)Tj T*(B)Tj(C)' 1 2(A)\" ET", "", `
			"A" 50-55 at 700 size 10.0
			"B" 50-56 at 688 size 10.0
			"C" 50-57 at 676 size 10.0
			"A" 50-55 at 664 size 10.0`},
		{"a gap is a space", "BT/F 10 Tf 50 700 Td[(A)-250(B)-80(C)]TJ ET", "", `"A BC" 50-71 at 700 size 10.0`},
		{"a wide gap divides", "BT/F 10 Tf 50 700 Td[(A)-2000(B)20(C)]TJ ET", "", `
			"A" 50-55 at 700 size 10.0 elements 0 to 1
			"BC" 75-88 at 700 size 10.0 elements 1 to 5`},
		{"a label is divided from its text", "BT/F 10 Tf 50 700 Td[(A.)-500(BC)]TJ ET", "", `
			"A." 50-55 at 700 size 10.0 elements 0 to 1
			"BC" 60-73 at 700 size 10.0 elements 1 to 3`},
		{"a link in the middle", "BT/F 10 Tf 50 700 Td[(A)-300(B)-300(C)]TJ ET", "/Annots[<</Subtype/Link/Rect[57 697 65 709]>>]", `
			"A" 50-55 at 700 size 10.0 elements 0 to 1
			"B" 58-64 at 700 size 10.0 elements 1 to 3
			"C" 67-74 at 700 size 10.0 elements 3 to 5`},
		{"a link in a string", "BT/F 10 Tf 50 700 Td(ABC)Tj ET", "/Annots[<</Subtype/Link/Rect[55 697 61 709]>>]", `
			"A" 50-55 at 700 size 10.0 elements 0 to 0/1
			"B" 55-61 at 700 size 10.0 elements 0/1 to 0/2
			"C" 61-68 at 700 size 10.0 elements 0/2 to 1`},
		{
			"a link that is a whole string", "BT/F 10 Tf 50 700 Td(ABC)Tj ET", "/Annots[<</Subtype/Link/Rect[48 697 70 709]>>]",
			`"ABC" 50-68 at 700 size 10.0`,
		},
		{
			"a link in another line", "BT/F 10 Tf 50 700 Td(ABC)Tj ET", "/Annots[<</Subtype/Link/Rect[55 680 61 690]>>]",
			`"ABC" 50-68 at 700 size 10.0`,
		},
		{"spaces by character spacing", "BT/F 10 Tf 50 700 Td 2.5 Tc(AB)Tj 0 Tc 13.5 0 Td(C)Tj 7 0 Td 2.5 Tc(AB)Tj ET", "", `
			"A B" 50-64 at 700 size 10.0
			"C" 64-70 at 700 size 10.0
			"A B" 70-84 at 700 size 10.0`},
		{"letters spaced out", "BT/F 10 Tf 50 700 Td 2.5 Tc(AB)Tj 16 0 Td(CA)Tj 0 Tc 30 0 Td(ABC)Tj ET", "", `
			"AB" 50-64 at 700 size 10.0
			"CA" 66-80 at 700 size 10.0
			"ABC" 96-114 at 700 size 10.0`},
		{"character spacing that gaps make up for", "BT/F 10 Tf 50 700 Td -3 Tc[(A)-300(B)]TJ 0 -20 Td 3 Tc[(A)300(B)]TJ ET", "", `
			"AB" 50-61 at 700 size 10.0
			"AB" 50-61 at 680 size 10.0`},
		{"an accent over a letter", "BT/F 10 Tf 50 700 Td[(\\250)500(A)]TJ ET", "", `"Ä" 50-50 at 700 size 10.0`},
		{"the gap before the first string moves it", "BT/F 10 Tf 50 700 Td[-1000(A)]TJ ET", "", `"A" 60-65 at 700 size 10.0`},
		{"turned", "BT/F 10 Tf 0 1 -1 0 50 700 Tm(A)Tj ET", "", `"A" 42-52 at 700 size 10.0 turned 90`},
		{"on a turned page", "BT/F 10 Tf 0 1 -1 0 50 700 Tm(A)Tj ET", "/Rotate 90", `"A" 700-705 at 550 size 10.0`},
		{"in a crop box", "BT/F 10 Tf 50 700 Td(A)Tj 0 -500 Td(B)Tj ET", "/CropBox[40 600 600 800]", `
			"A" 10-15 at 100 size 10.0
			"B" 10-16 at -400 size 10.0 hidden`},
		{"in larger units", "BT/F 10 Tf 50 300 Td(A)Tj ET", "/UserUnit 2", `"A" 100-110 at 600 size 20.0`},
		{"clipped away", "0 0 20 20 re W n BT/F 10 Tf 50 700 Td(A)Tj ET", "", `"A" 50-55 at 700 size 10.0 hidden`},
		{"invisible", "BT 3 Tr/F 10 Tf 50 700 Td(A)Tj ET", "", `"A" 50-55 at 700 size 10.0 invisible`},
		{"optional content that is off", "/OC/Off BDC BT/F 10 Tf 50 700 Td(A)Tj ET EMC", "", `"A" 50-55 at 700 size 10.0 hidden`},
		{"marks", "/P<</MCID 4>>BDC/Span BMC BT/F 10 Tf 50 700 Td(A)Tj ET EMC EMC/Artifact BMC BT 50 600 Td(B)Tj ET EMC", "", `
			"A" 50-55 at 700 size 10.0 mark 4 of 0
			"B" 50-56 at 600 size 10.0 artifact`},
		{"actual text", "/Span<</ActualText(word)>>BDC BT/F 10 Tf 50 700 Td(A)Tj 20 0 Td(B)Tj ET EMC", "", `
			"word" 50-55 at 700 size 10.0
			"" 70-76 at 700 size 10.0`},
		{"a form, which paints itself", "/P<</MCID 1>>BDC/X Do EMC", "", `
			"A" 110-115 at 20 size 10.0 mark 1 of 0 stream 1
			"B" 310-316 at 20 size 10.0 hidden mark 1 of 0 stream 1`},
		{"a font of procedures", "BT/T 20 Tf 50 700 Td(ab)Tj ET", "", `"ab" 50-70 at 700 size 20.0`},
		{"a predefined encoding of Unicode", "BT/C 10 Tf 50 700 Td<65E5672C>Tj ET", "", `"日本" 50-70 at 700 size 10.0`},
		{"a predefined encoding of Shift JIS", "BT/J 10 Tf 50 700 Td<4193FA967B>Tj ET", "", `"A日本" 50-75 at 700 size 10.0`},
		{"from top to bottom", "BT/V 10 Tf 50 700 Td<00010002>Tj ET", "", `"" 45-55 at 700 size 10.0 turned 270`},
		{"a font that is not there", "BT/Nothing 10 Tf 50 700 Td(ii)Tj ET", "", `"ii" 50-54 at 700 size 10.0`},
		{"colors", "1 0 0 rg BT/F 10 Tf 50 700 Td(A)Tj ET 0 1 1 0 k BT 50 600 Td(B)Tj ET", "", `
			"A" 50-55 at 700 size 10.0 color ff0000
			"B" 50-56 at 600 size 10.0 color ff0000`},
		{"a font of the graphics state", "/G gs BT 50 700 Td(A)Tj ET", "", `"A" 50-55 at 700 size 10.0`},
		{"q and Q keep the font", "q BT/F 10 Tf 50 700 Td(A)Tj ET Q/F 20 Tf q/F 10 Tf Q BT 50 600 Td(A)Tj ET", "", `
			"A" 50-55 at 700 size 10.0
			"A" 50-60 at 600 size 20.0`},
		{"nothing shown", "BT/F 10 Tf()Tj[]TJ ET", "", ""},
		{"operands that are missing", "BT/F Tf Td Tm TL (A)Tj [(B)] TJ re cm w gs Do sh BI ET", "", `
			"A" 0-0 at 0 size 0.0
			"B" 0-0 at 0 size 0.0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page, err := readPage(t, sample(tt.content, tt.entries).Bytes(), pagetext.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, r := range page.Runs() {
				got = append(got, show(r))
			}
			for line := range strings.Lines(tt.want) {
				if line = strings.TrimSpace(line); line != "" {
					want = append(want, line)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDrawings(t *testing.T) {
	t.Parallel()
	rect := func(l, b, r, top float64) pagetext.Rect {
		return pagetext.Rect{Left: l, Bottom: b, Right: r, Top: top}
	}
	for _, tt := range []struct {
		name, content string
		rules         []pagetext.Rect
		fills         []pagetext.Fill
		shapes        int
	}{
		{"a line", "1 w 50 100 m 150 100 l S", []pagetext.Rect{rect(49.5, 99.5, 150.5, 100.5)}, nil, 1},
		{"a thin area", "50 100 200 1 re f", []pagetext.Rect{rect(50, 100, 250, 101)}, nil, 1},
		{"a frame", "0 w 50 100 200 80 re S", []pagetext.Rect{
			rect(50, 100, 250, 100), rect(50, 180, 250, 180), rect(50, 100, 50, 180), rect(250, 100, 250, 180),
		}, nil, 1},
		{"an area", ".5 g 50 100 200 80 re f", nil, []pagetext.Fill{{Rect: rect(50, 100, 250, 180), Color: 0x808080}}, 1},
		{"a white area is nothing", "1 g 50 100 200 80 re f", nil, nil, 0},
		{"a path that is not painted", "50 100 200 80 re n", nil, nil, 0},
		{"a curve", "50 100 m 60 200 70 200 80 100 c S", nil, nil, 1},
		{"a slanted line", "50 100 m 150 150 l S", nil, nil, 1},
		{"what is cut off", "0 0 100 100 re W n 50 50 200 1 re f", []pagetext.Rect{rect(50, 50, 100, 51)}, nil, 1},
		{"a bullet", "50 100 3 3 re f", nil, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page, err := readPage(t, sample(tt.content, "").Bytes(), pagetext.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 0.01 })
			if diff := cmp.Diff(tt.rules, page.Rules, near); diff != "" {
				t.Error("rules", diff)
			}
			if diff := cmp.Diff(tt.fills, page.Fills, near); diff != "" {
				t.Error("fills", diff)
			}
			if len(page.Shapes()) != tt.shapes {
				t.Errorf("%d shapes, not %d", len(page.Shapes()), tt.shapes)
			}
		})
	}
}

// TestImages finds images by reference and inline ones, as far as they are seen.
func TestImages(t *testing.T) {
	t.Parallel()
	page, err := readPage(t, sample("q 100 0 0 50 20 30 cm/I Do Q q 10 0 0 10 700 0 cm BI/W 1/H 1/CS/G/BPC 8 ID x EI Q", "").Bytes(), pagetext.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Images) != 2 {
		t.Fatalf("%d images", len(page.Images))
	}
	first, second := page.Images[0], page.Images[1]
	if want := (pagetext.Rect{Left: 20, Bottom: 30, Right: 120, Top: 80}); first.Box != want || first.Ref.Number != 10 || first.Hidden {
		t.Errorf("%+v", first)
	}
	if second.Ref.Number != 0 || !second.Hidden || second.Stream == nil {
		t.Errorf("%+v", second)
	}
}

// TestLimits ends at limits with the error that names them.
func TestLimits(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("BT/F 10 Tf 50 700 Td(A)Tj ET ", 100)
	for want, limits := range map[string]pagetext.Limits{
		"content operations":         {Operations: 50},
		"pieces of text and drawing": {Runs: 50},
	} {
		_, err := readPage(t, sample(many, "").Bytes(), limits)
		var limit *pdf.LimitError
		if !errors.As(err, &limit) || limit.What != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	page, err := readPage(t, sample(strings.Repeat("50 100 200 1 re f ", 100), "").Bytes(), pagetext.Limits{PageMarks: 10})
	if err != nil || len(page.Rules)+len(page.Shapes()) != 10 {
		t.Errorf("%d rules, %d shapes, %v", len(page.Rules), len(page.Shapes()), err)
	}
}

// TestPlaces checks on real files that the parts of divided operations cover them without a gap, and that boxes are sane.
func TestPlaces(t *testing.T) {
	t.Parallel()
	paths, _ := filepath.Glob("../../../../shared/corpus/pdfua1/*.pdf")
	if len(paths) == 0 {
		t.Skip("the corpus is needed")
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := pdf.Open(data, pdf.Limits{})
		if err != nil {
			continue
		}
		list, _ := f.Pages(100)
		pages, err := pagetext.Read(f, list, pagetext.Limits{})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
		for _, p := range pages {
			checkPlaces(t, p)
		}
	}
}

func checkPlaces(t *testing.T, p *pagetext.Page) {
	t.Helper()
	last := pagetext.Place{Operation: -1}
	for i, r := range p.Runs() {
		if r.Place.Stream < 0 || r.Place.Stream >= len(p.Streams) || r.Font == nil {
			t.Errorf("run %d: %+v", i, r.Place)
		}
		if math.IsNaN(r.Box.Left+r.Box.Right+r.Box.Bottom+r.Box.Top+r.Size) || r.Box.Right < r.Box.Left || r.Box.Top < r.Box.Bottom {
			t.Errorf("run %d: %+v", i, r.Box)
		}
		if same := r.Place.Stream == last.Stream && r.Place.Operation == last.Operation; same && r.Place.From != last.To {
			t.Errorf("run %d: elements from %d follow those to %d", i, r.Place.From, last.To)
		}
		last = r.Place
	}
}

// FuzzRead reads any content.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"BT/F 10 Tf 50 700 Td[(A)-2000(B)]TJ ET 0 0 m 10 10 l S/X Do/I Do", "q 1e9 0 0 1e9 0 0 cm/X Do Q 0 0 1e300 1e300 re f",
		"/OC/Off BDC/P<</MCID -1>>BDC BT/T 1 Tf(ab)Tj EMC", "BI/W 1/H 1 ID x EI 0 0 0 0 0 0 cm BT/F 0 Tf(A)Tj", "BT/C 9 Tf<65E5>Tj/V 9 Tf<0001>Tj",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		page, err := readPage(t, sample(content, "").Bytes(), pagetext.Limits{Operations: 20_000, Runs: 20_000})
		if err == nil {
			checkPlaces(t, page)
		}
	})
}

// BenchmarkPage reads a page of three thousand glyphs.
func BenchmarkPage(b *testing.B) {
	var content strings.Builder
	content.WriteString("BT/M 10 Tf 12 TL 50 780 Td ")
	for range 60 {
		content.WriteString("[(The wells of this)-300(village were repaired be)20(fore winter)]TJ T* ")
	}
	content.WriteString("ET")
	f, err := pdf.Open(sample(content.String(), "").Bytes(), pdf.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	pages, _ := f.Pages(1)
	r := pagetext.NewReader(f, pagetext.Limits{Operations: math.MaxInt, Runs: math.MaxInt})
	for b.Loop() {
		if _, err := r.Page(pages[0], 1); err != nil {
			b.Fatal(err)
		}
	}
}
