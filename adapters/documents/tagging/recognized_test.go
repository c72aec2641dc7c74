package tagging_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// scanned makes a document of one page that is an image, turned as told.
func scanned(rotate string) []byte {
	f := pdftest.OnePage("q 600 0 0 800 0 0 cm /I Do Q", "/Resources<</XObject<</I 5 0 R>>>>"+rotate)
	f.Stream("/Type/XObject/Subtype/Image/Width 6/Height 8/ColorSpace/DeviceGray/BitsPerComponent 8", bytes.Repeat([]byte{200}, 48))
	return f.Bytes()
}

// TestScans proves that a scanned page is handed out, and that recognised text is put behind it.
func TestScans(t *testing.T) {
	t.Parallel()
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	for name, rotate := range map[string]string{"upright": "", "turned": "/Rotate 90"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := scanned(rotate)
			f, err := pdf.Open(before, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			wanted, err := tagging.Needs(f, pdfua.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(wanted.Scans) != 1 || len(wanted.Scans[0].Image) == 0 {
				t.Fatalf("%d scans are wanted", len(wanted.Scans))
			}
			scan := wanted.Scans[0]
			if wide := scan.Right-scan.Left > scan.Top-scan.Bottom; wide != (rotate != "") {
				t.Errorf("the scan lies at %g %g %g %g", scan.Left, scan.Bottom, scan.Right, scan.Top)
			}
			after, result, err := process(before, tagging.Options{Recognized: map[int][]tagging.Word{1: {
				{Text: "Recognised", Left: 100, Bottom: 500, Right: 180, Top: 512},
				{Text: "text,", Left: 186, Bottom: 500, Right: 210, Top: 512},
				{Text: "Жизнь", Left: 100, Bottom: 480, Right: 150, Top: 492, Line: 1},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Failures) > 0 {
				t.Errorf("fails %v", result.Failures)
			}
			if !slices.ContainsFunc(result.Manual, func(f tagging.Flag) bool { return f.Rule == "08-001" && f.Page == 1 }) {
				t.Error("nobody is told that the text was recognised")
			}
			written := save(t, folder, name+".pdf", after)
			if verdict, err := oracle.Check(written); err != nil || !verdict.Conforms {
				t.Errorf("veraPDF: %v %v", verdict, err)
			}
			if text := string(poppler(t, "pdftotext", "-enc", "UTF-8", written, "-")); !strings.Contains(text, "Recognised text,") ||
				!strings.Contains(text, "Жизнь") {
				t.Errorf("the text is %q", text)
			}
			if pages := differentPages(t, save(t, folder, name+"-before.pdf", before), written, 1); pages != nil {
				t.Error("the page is painted differently")
			}
		})
	}
}

// TestScanWithoutText proves that a scan nobody read is told as one.
func TestScanWithoutText(t *testing.T) {
	t.Parallel()
	_, result, err := process(scanned(""), tagging.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(result.Warnings, func(s string) bool { return strings.Contains(s, "without text") }) ||
		!slices.ContainsFunc(result.Manual, func(f tagging.Flag) bool { return f.Rule == "scan" }) {
		t.Errorf("warnings %q, manual %v", result.Warnings, result.Manual)
	}
}
