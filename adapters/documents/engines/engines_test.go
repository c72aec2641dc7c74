package engines_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/perfectworks/backend/adapters/documents/documentstest/axetest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/engines"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// TestMain lets the test binary be the program that runs others within limits.
func find(t *testing.T, s engines.Settings) *engines.Found {
	t.Helper()
	found, err := engines.Find(s)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFindRefusesWrongSettings(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]engines.Settings{
		"DOCUMENTS_ENGINES": {Use: []string{"magic"}},
		"CHROMIUM":          {Chromium: "/does/not/exist"},
		"TESSERACT":         {Tesseract: "/does/not/exist"},
		"VERAPDF_JAR":       {VeraPDF: "/does/not/exist"},
		"ALT_TEXT_URL":      {TextsURL: "file:///etc/passwd"},
		"must be https":     {TextsURL: "http://127.0.0.1.example/v1", TextsModel: "sees", Production: true},
		"ALT_TEXT_MODEL":    {TextsURL: "https://example.com/v1"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if _, err := engines.Find(s); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFindHeedsUse(t *testing.T) {
	t.Parallel()
	if found := find(t, engines.Settings{Use: []string{"embedded"}}); *found != (engines.Found{}) {
		t.Errorf("found %+v", found)
	}
	if infos := find(t, engines.Settings{Use: []string{"embedded"}}).Infos(); infos == nil || len(infos) != 0 {
		t.Errorf("infos %v", infos)
	}
}

const page = `<!DOCTYPE html><html lang="en"><head><title>A page</title></head><body><main><h1>Heading</h1><p>Text</p>` +
	`<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><script>document.title = ""; document.body.innerHTML = ""</script>` +
	`<img alt="Elsewhere" src="http://127.0.0.1:1/x.png"></main></body></html>`

func TestChromiumPrints(t *testing.T) {
	t.Parallel()
	path := programtest.Find(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	chromium := find(t, engines.Settings{Chromium: path}).Chromium
	data, err := chromium.Print(t.Context(), []byte(page))
	if err != nil {
		t.Fatal(err)
	}
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Catalog()["StructTreeRoot"] == nil || f.Catalog()["Outlines"] == nil {
		t.Errorf("no tags or no outline: %v", f.Catalog())
	}
	if info := chromium.Info(); info.Name != "chromium" || !strings.Contains(info.Version, ".") {
		t.Errorf("engine %+v", info)
	}
}

func TestAxeAudits(t *testing.T) {
	t.Parallel()
	axetest.Start(t) // installs what is missing
	found := find(t, engines.Settings{})
	if found.Axe == nil {
		t.Fatal("axe is not found where the tests put it")
	}
	audit, err := found.Axe.Audit(t.Context(), []byte(page))
	if err != nil {
		t.Fatal(err)
	}
	if len(audit.Violations) != 1 || audit.Violations[0].ID != "image-alt" || audit.Violations[0].Count != 1 || !slices.Contains(audit.Violations[0].Tags, "wcag111") {
		t.Errorf("violations %+v: scripts were run, or something was fetched", audit.Violations)
	}
	if info := found.Axe.Info(); info.Version != "4.14.1" {
		t.Errorf("engine %+v", info)
	}
}

func TestVeraPDFChecks(t *testing.T) {
	t.Parallel()
	jar := verapdftest.Jar(t)
	verdict, err := find(t, engines.Settings{VeraPDF: jar}).VeraPDF.Check(t.Context(), pdftest.Pages(1).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if verdict.Conforms || !slices.Contains(verdict.FailedRules, "7.1-11") {
		t.Errorf("verdict %+v", verdict)
	}
	if _, err := find(t, engines.Settings{VeraPDF: jar}).VeraPDF.Check(t.Context(), []byte("no PDF")); err == nil {
		t.Error("no error for what is no PDF")
	}
}

// scan draws text as a scanner would see it.
func scan(t *testing.T, text string) []byte {
	t.Helper()
	small := image.NewGray(image.Rect(0, 0, 7*len(text)+40, 40))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src)
	d := font.Drawer{Dst: small, Src: image.NewUniform(color.Black), Face: basicfont.Face7x13, Dot: fixed.P(20, 25)}
	d.DrawString(text)
	large := image.NewGray(image.Rect(0, 0, small.Bounds().Dx()*4, small.Bounds().Dy()*4))
	draw.CatmullRom.Scale(large, large.Bounds(), small, small.Bounds(), draw.Src, nil)
	var out bytes.Buffer
	if err := png.Encode(&out, large); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestTesseractReads(t *testing.T) {
	t.Parallel()
	path := programtest.Find(t, "tesseract-ocr", "tesseract")
	tesseract := find(t, engines.Settings{Tesseract: path}).Tesseract
	words, err := tesseract.Read(t.Context(), tagging.Scan{
		Page: 1, MIME: "image/png", Image: scan(t, "The quick brown fox"), Left: 100, Bottom: 200, Right: 300, Top: 240,
	})
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for i, w := range words {
		text = append(text, w.Text)
		if w.Left < 100 || w.Right > 300 || w.Bottom < 200 || w.Top > 240 || w.Left >= w.Right || w.Bottom >= w.Top {
			t.Errorf("the word %q lies at %+v", w.Text, w)
		}
		if i > 0 && (w.Left < words[i-1].Left || w.Line != words[0].Line) {
			t.Errorf("the word %q is out of order: %+v", w.Text, w)
		}
	}
	if got := strings.Join(text, " "); got != "The quick brown fox" {
		t.Errorf("read %q", got)
	}
	if info := tesseract.Info(); info.Name != "tesseract" || info.Version == "unknown" {
		t.Errorf("engine %+v", info)
	}
	if _, err := tesseract.Read(t.Context(), tagging.Scan{Image: []byte("no image")}); err == nil {
		t.Error("no error for what is no image")
	}
}
