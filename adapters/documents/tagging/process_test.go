package tagging_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// fonts are resources with two of the standard fonts, which are not embedded.
const fonts = "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>" +
	"/B<</Type/Font/Subtype/Type1/BaseFont/Times-Bold>>>>>>"

// report is the content of a page with a heading, paragraphs, a line and a rectangle.
const report = `BT /B 24 Tf 72 720 Td (A Report on Rain) Tj ET
0.5 w 72 710 m 500 710 l S
BT /F 11 Tf 72 680 Td 14 TL (It rained in the first week of the year, and it did not stop) Tj T*
(before the second had begun. Rivers rose over their banks.) Tj ET
q 1 0 0 rg 72 600 50 40 re f Q
BT /F 11 Tf 72 570 Td (The second paragraph speaks of the sun, which came late.) Tj ET`

func rules(failures []pdfua.Failure) []string {
	out := []string{}
	for _, failure := range failures {
		out = append(out, failure.Rule)
	}
	return out
}

func check(t *testing.T, data []byte) *pdfua.Result {
	t.Helper()
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := pdfua.Check(f, pdfua.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestUntagged processes documents without tags: veraPDF passes them, and the text stays.
func TestUntagged(t *testing.T) {
	t.Parallel()
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	link := fonts + "/Annots[<</Type/Annot/Subtype/Link/Rect[72 560 300 590]/A<</S/URI/URI(https://example.org/)>>>>" +
		"<</Type/Annot/Subtype/Highlight/Rect[72 670 300 700]>><</Type/Annot/Subtype/Text/F 2/Rect[1 1 9 9]>>]"
	twice := pdftest.OnePage("/X Do q 1 0 0 1 0 -200 cm /X Do Q", strings.Replace(fonts, "<</Font", "<</XObject<</X 5 0 R>>/Font", 1))
	twice.Stream("/Type/XObject/Subtype/Form/BBox[0 0 600 800]", []byte(
		"BT /F 11 Tf 72 720 Td (First part of the form) Tj ET BT /B 20 Tf 72 500 Td (Second Part) Tj ET 1 1 5 5 re f"))
	form := pdftest.OnePage(report, fonts+"/Annots[6 0 R]")
	form.Add("<</Fields[6 0 R]>>")
	form.Add("<</Type/Annot/Subtype/Widget/FT/Tx/T(full_name)/Rect[300 560 400 580]>>")
	for name, file := range map[string]*pdftest.File{
		"report": pdftest.OnePage(report, fonts), "links": pdftest.OnePage(report, link), "form painted twice": twice,
		"field": form, "empty": pdftest.Pages(2), "turned": pdftest.OnePage(report, fonts+"/Rotate 90"),
		"marks of old": pdftest.OnePage("/P <</MCID 0>> BDC "+report+" EMC /Artifact BMC", fonts+"/StructParents 0"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := file.Bytes()
			after, result, err := process(before, tagging.Options{Title: "Rain"})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Failures) > 0 {
				t.Errorf("fails %v", result.Failures)
			}
			base := strings.ReplaceAll(name, " ", "-")
			original, written := save(t, folder, base+"-before.pdf", before), save(t, folder, base+".pdf", after)
			if verdict, err := oracle.Check(written); err != nil || !verdict.Conforms {
				t.Errorf("veraPDF: %v %v", verdict, err)
			}
			if lost := lostWords(t, original, written); len(lost) > 0 {
				t.Errorf("words are lost: %q", lost)
			}
		})
	}
}

// TestPixels proves that pages whose fonts need not be embedded are painted the same.
func TestPixels(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	// A document with embedded fonts is made by processing one without.
	first, _, err := process(pdftest.OnePage(report, fonts).Bytes(), tagging.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := pdf.Open(first, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	delete(f.Catalog(), "StructTreeRoot")
	var untagged bytes.Buffer
	if err := f.Write(&untagged); err != nil {
		t.Fatal(err)
	}
	after, result, err := process(untagged.Bytes(), tagging.Options{})
	if err != nil || result.WasTagged {
		t.Fatalf("tagged %t, %v", result.WasTagged, err)
	}
	if pages := differentPages(t, save(t, folder, "a.pdf", untagged.Bytes()), save(t, folder, "b.pdf", after), 9); pages != nil {
		t.Errorf("pages %v are painted differently", pages)
	}
}

// TestAgain proves that processing what was processed changes nothing of substance.
func TestAgain(t *testing.T) {
	t.Parallel()
	file := pdftest.OnePage(report, fonts+"/Annots[<</Type/Annot/Subtype/Link/Rect[72 560 300 590]/A<</S/URI/URI(x:y)>>>>]")
	once, _, err := process(file.Bytes(), tagging.Options{})
	if err != nil {
		t.Fatal(err)
	}
	twice, result, err := process(once, tagging.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !result.WasTagged || len(result.Failures) > 0 || len(result.Fixed) > 0 {
		t.Errorf("tagged %t, fixed %v, failures %v", result.WasTagged, result.Fixed, result.Failures)
	}
	thrice, _, err := process(twice, tagging.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(thrice) > len(twice)+16 || len(twice) > len(once)+64 {
		t.Errorf("the file grows: %d, %d, %d bytes", len(once), len(twice), len(thrice))
	}
	if diff := cmp.Diff(check(t, once).Facts, check(t, thrice).Facts); diff != "" {
		t.Errorf("the document changes:\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	signed := pdftest.OnePage(report, fonts)
	signed.Set(1, "<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[<</FT/Sig/T(s)/V<</Type/Sig>>>>]>>>>")
	if _, _, err := process(signed.Bytes(), tagging.Options{}); !errors.Is(err, tagging.ErrSigned) {
		t.Errorf("a signed document: %v", err)
	}
	_, result, err := process(signed.Bytes(), tagging.Options{DropSignatures: true})
	if err != nil || !slices.ContainsFunc(result.Warnings, func(s string) bool { return strings.Contains(s, "signatures") }) {
		t.Errorf("a signed document, told to go on: %v %v", result, err)
	}
	if _, _, err := process(pdftest.Pages(0).Bytes(), tagging.Options{}); !errors.Is(err, pdf.ErrDamaged) {
		t.Errorf("a document without pages: %v", err)
	}
	var over *pdf.LimitError
	_, _, err = process(pdftest.Pages(3).Bytes(), tagging.Options{Limits: pdfua.Limits{Pages: 2}})
	if !errors.As(err, &over) {
		t.Errorf("more pages than allowed: %v", err)
	}
	_, _, err = process(pdftest.OnePage(strings.Repeat("f ", 500), fonts).Bytes(), tagging.Options{Limits: pdfua.Limits{Operations: 100}})
	if !errors.As(err, &over) {
		t.Errorf("more operations than allowed: %v", err)
	}
}

// TestFigures proves where alternative texts come from, and that a placeholder is never counted as a repair.
func TestFigures(t *testing.T) {
	t.Parallel()
	file := func() []byte {
		f := pdftest.OnePage(report+" q 200 0 0 150 72 300 cm /I Do Q", strings.Replace(fonts, "<</Font", "<</XObject<</I 5 0 R>>/Font", 1))
		f.Stream("/Type/XObject/Subtype/Image/Width 2/Height 2/ColorSpace/DeviceGray/BitsPerComponent 8", []byte{0, 255, 255, 0})
		return f.Bytes()
	}
	after, result, err := process(file(), tagging.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hasFlag := func(r *tagging.Result, rule string) bool {
		return slices.ContainsFunc(r.Manual, func(f tagging.Flag) bool { return f.Rule == rule })
	}
	fixed := func(r *tagging.Result) bool {
		return slices.ContainsFunc(r.Fixed, func(f tagging.Repair) bool { return f.Rule == "7.3-1" })
	}
	if !hasFlag(result, "placeholder-alt") || fixed(result) || len(result.Failures) > 0 {
		t.Errorf("a figure nobody describes: %+v", result)
	}
	if places := check(t, after).Facts.Placeholders; len(places) != 1 {
		t.Errorf("the analysis finds the placeholders %v", places)
	}
	var asked []tagging.Figure
	after, result, err = process(file(), tagging.Options{Describe: func(f tagging.Figure) string {
		asked = append(asked, f)
		return "A chessboard"
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(asked) != 1 || asked[0].Page != 1 || asked[0].MIME == "" || len(asked[0].Image) == 0 {
		t.Errorf("asked for %d figures", len(asked))
	}
	if !fixed(result) || hasFlag(result, "placeholder-alt") || len(check(t, after).Facts.Placeholders) > 0 {
		t.Errorf("a figure that is described: %+v", result)
	}
}

// TestNumberTree proves that the parent tree of a long document is balanced and complete.
func TestNumberTree(t *testing.T) {
	t.Parallel()
	const pages = 600
	words := strings.Fields("quick lazy brown old young red grey clever tired proud small tall slow swift wild tame lonely happy hungry thirsty " +
		"brave shy strange famous silent noisy")

	f := pdftest.Pages(pages)
	font := f.Add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
	for i := range pages {
		content := f.Stream("", []byte(fmt.Sprintf("BT /F 11 Tf 72 400 Td (The %s fox meets the %s dog.) Tj ET", words[i%len(words)], words[i/len(words)])))
		f.Set(i+3, fmt.Sprintf("<</Type/Page/Parent 2 0 R/Contents %d 0 R/Resources<</Font<</F %d 0 R>>>>>>", content, font))
	}
	after, result, err := process(f.Bytes(), tagging.Options{Title: "Pages"})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Failures) > 0 {
		t.Fatalf("fails %v", result.Failures)
	}
	read, err := pdf.Open(after, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	root, _ := read.Dict(read.Catalog()["StructTreeRoot"])
	tree, _ := read.Dict(root["ParentTree"])
	kids, _ := read.Array(tree["Kids"])
	if len(kids) < 2 || tree["Nums"] != nil || tree["Limits"] != nil {
		t.Errorf("the root of the number tree is %v", tree)
	}
	next := int64(0)
	for _, kid := range kids {
		node, _ := read.Dict(kid)
		limits, _ := read.Array(node["Limits"])
		numbers, _ := read.Array(node["Nums"])
		first, _ := read.Integer(limits[0])
		last, _ := read.Integer(limits[1])
		if first != next || int(last-first)*2+2 != len(numbers) {
			t.Errorf("a node goes from %d to %d with %d numbers, wanted from %d", first, last, len(numbers)/2, next)
		}
		next = last + 1
	}
	if next != pages {
		t.Errorf("the tree has %d keys for %d pages", next, pages)
	}
}

func FuzzProcess(f *testing.F) {
	f.Add(pdftest.OnePage(report, fonts).Bytes())
	f.Add(pdftest.Tagged("", "", pdftest.Element{Type: "Table", Kids: []pdftest.Element{{Type: "P"}}}).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		out, _, err := process(data, tagging.Options{Limits: pdfua.Limits{Pages: 50, Operations: 100_000, Elements: 10_000}})
		if err != nil {
			return
		}
		if _, err := pdf.Open(out, pdf.Limits{}); err != nil {
			t.Errorf("what was written cannot be read: %v", err)
		}
	})
}
