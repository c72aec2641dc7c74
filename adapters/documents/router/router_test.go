package router_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/documentstest/axetest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/engines"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/router"
)

// TestMain lets the test binary be the child processes.
func newRouter(t *testing.T, s engines.Settings) *router.Router {
	t.Helper()
	found, err := engines.Find(s)
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := documents.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return router.New(embedded, found)
}

func source(t *testing.T, data []byte) documents.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "document")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return documents.Source{File: file}
}

func output(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "result"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func names(infos []documents.EngineInfo) []string {
	var out []string
	for _, info := range infos {
		out = append(out, info.Name)
	}
	return out
}

// picture draws text.
func picture(text string) *image.Gray {
	width := 7*len(text) + 40
	small := image.NewGray(image.Rect(0, 0, width, width*4/3))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src)
	d := font.Drawer{Dst: small, Src: image.NewUniform(color.Black), Face: basicfont.Face7x13, Dot: fixed.P(20, 35)}
	d.DrawString(text)
	large := image.NewGray(image.Rect(0, 0, small.Bounds().Dx()*4, small.Bounds().Dy()*4))
	draw.CatmullRom.Scale(large, large.Bounds(), small, small.Bounds(), draw.Src, nil)
	return large
}

// scanned makes a PDF of one page that a picture of text fills.
func scanned(text string) []byte { return withPicture(text, "q 600 0 0 800 0 0 cm /I Do Q") }

// withPicture makes a PDF of one page with a picture of text.
func withPicture(text, content string) []byte {
	p := picture(text)
	file := pdftest.OnePage(content, "/Resources<</XObject<</I 5 0 R>>/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>")
	s := pdf.NewStream(nil, p.Pix)
	file.Stream(fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/FlateDecode",
		p.Bounds().Dx(), p.Bounds().Dy()), s.Raw)
	return file.Bytes()
}

// TestScansAreRead processes a scan: its text is in the result, and the report names who read it.
func TestScansAreRead(t *testing.T) {
	t.Parallel()
	tesseract := programtest.Find(t, "tesseract-ocr", "tesseract")
	reader := programtest.Find(t, "poppler-utils", "pdftotext")
	r := newRouter(t, engines.Settings{Use: []string{"tesseract"}, Tesseract: tesseract})
	out := output(t)
	outcome, err := r.Process(t.Context(), source(t, scanned("The quick brown fox jumps")), out)
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), reader, out.Name(), "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "quick brown fox") {
		t.Errorf("the result has the text %q", text)
	}
	if !outcome.PDFUA1.Conforms || !slices.Equal(names(outcome.Engines), []string{"embedded", "tesseract"}) {
		t.Errorf("verdict %+v, engines %v, warnings %v", outcome.PDFUA1, outcome.Engines, outcome.Warnings)
	}
	if !slices.ContainsFunc(outcome.Manual, func(task documents.Task) bool { return strings.HasPrefix(task.Rule, "08-") }) {
		t.Errorf("nobody is asked to check the recognised text: %+v", outcome.Manual)
	}
}

// TestScansWithoutReader processes a scan without a program that reads it: the outcome says so.
func TestScansWithoutReader(t *testing.T) {
	t.Parallel()
	outcome, err := newRouter(t, engines.Settings{Use: []string{"embedded"}}).Process(t.Context(), source(t, scanned("Text")), output(t))
	if err != nil {
		t.Fatal(err)
	}
	if outcome.Scans != 1 || len(outcome.Warnings) == 0 {
		t.Errorf("%d scans, warnings %v", outcome.Scans, outcome.Warnings)
	}
}

// texts is a service for alternative texts that answers with one text, or refuses.
func texts(t *testing.T, status int) engines.Settings {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]any{
			"role": "assistant", "content": "A hand-written greeting.",
		}}}})
	}))
	t.Cleanup(server.Close)
	return engines.Settings{Use: []string{"texts"}, TextsURL: server.URL, TextsModel: "sees"}
}

const greeting = "q 500 0 0 60 50 600 cm /I Do Q BT /F 12 Tf 50 500 Td (Some text beside the picture, so that this is no scan.) Tj ET"

// TestFiguresAreDescribed processes documents with a picture that has no alternative text.
func TestFiguresAreDescribed(t *testing.T) {
	t.Parallel()
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, picture("Hello")); err != nil {
		t.Fatal(err)
	}
	html := `<!DOCTYPE html><html lang="en"><head><title>T</title></head><body><main><h1>Title</h1><p>Text</p>` +
		`<img src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(drawn.Bytes()) + `"></main></body></html>`
	for name, data := range map[string][]byte{"PDF": withPicture("Hello", greeting), "HTML": []byte(html)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := output(t)
			outcome, err := newRouter(t, texts(t, http.StatusOK)).Process(t.Context(), source(t, data), out)
			if err != nil {
				t.Fatal(err)
			}
			result, err := os.ReadFile(out.Name())
			if err != nil {
				t.Fatal(err)
			}
			if name == "HTML" && !bytes.Contains(result, []byte(`alt="A hand-written greeting."`)) {
				t.Errorf("the result is %s", result)
			}
			if name == "PDF" && !slices.Contains(alternatives(t, result), "A hand-written greeting.") {
				t.Errorf("the alternative texts are %q", alternatives(t, result))
			}
			if !slices.Equal(names(outcome.Engines), []string{"embedded", "texts"}) {
				t.Errorf("engines %v", outcome.Engines)
			}
			if len(outcome.Manual) == 0 {
				t.Error("nobody is asked to check the text")
			}
		})
	}
}

// alternatives are all alternative texts of a PDF.
func alternatives(t *testing.T, data []byte) []string {
	t.Helper()
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	f.Each(func(d pdf.Dict) {
		if s, ok := d["Alt"].(pdf.String); ok {
			out = append(out, s.Text())
		}
	})
	return out
}

// TestServiceRefuses has the service for alternative texts refuse: the document is processed without.
func TestServiceRefuses(t *testing.T) {
	t.Parallel()
	outcome, err := newRouter(t, texts(t, http.StatusTooManyRequests)).Process(t.Context(), source(t, withPicture("Hello", greeting)), output(t))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(outcome.Warnings, func(w string) bool { return strings.Contains(w, "429") }) {
		t.Errorf("warnings %v", outcome.Warnings)
	}
}

const article = `<!DOCTYPE html><html lang="en"><head><title>An article</title></head><body><main><h1>An article</h1>` +
	`<p>With <a href="https://example.com/">a link</a>.</p><ul><li>One</li><li>Two</li></ul></main></body></html>`

// TestPrinting converts HTML with Chromium, with one that fails, and without.
func TestPrinting(t *testing.T) {
	t.Parallel()
	chromium := programtest.Find(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	oracle := verapdftest.Start(t)
	for name, tt := range map[string]struct {
		settings engines.Settings
		engines  []string
		warns    bool
	}{
		"Chromium":         {engines.Settings{Use: []string{"chromium"}, Chromium: chromium}, []string{"embedded", "chromium"}, false},
		"a broken browser": {engines.Settings{Use: []string{"chromium"}, Chromium: "false"}, []string{"embedded"}, true},
		"no browser":       {engines.Settings{Use: []string{"embedded"}}, []string{"embedded"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := output(t)
			outcome, err := newRouter(t, tt.settings).Convert(t.Context(), source(t, []byte(article)), documents.PDF, out)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(names(outcome.Engines), tt.engines) || (len(outcome.Warnings) > 0) != tt.warns {
				t.Errorf("engines %v, warnings %v", outcome.Engines, outcome.Warnings)
			}
			if outcome.Before == nil || outcome.Before.Format != documents.HTML || outcome.Format != documents.PDF {
				t.Errorf("before %+v", outcome.Before)
			}
			verdict, err := oracle.Check(out.Name())
			if err != nil || !verdict.Conforms || !outcome.PDFUA1.Conforms {
				t.Errorf("veraPDF says %+v, we %+v: %v", verdict, outcome.PDFUA1, err)
			}
		})
	}
}

// TestAnalyzeAsksOthers has axe and veraPDF look at documents too.
func TestAnalyzeAsksOthers(t *testing.T) {
	t.Parallel()
	axetest.Start(t) // installs what is missing
	r := newRouter(t, engines.Settings{Use: []string{"axe", "verapdf"}, VeraPDF: verapdftest.Jar(t)})
	styled := `<!DOCTYPE html><html lang="en"><head><title>T</title><style>:root { --pale: #ccc } p { color: var(--pale); background: #fff }</style></head>` +
		`<body><main><h1>Title</h1><p>Pale text</p></main></body></html>`
	report, err := r.Analyze(t.Context(), source(t, []byte(styled)))
	if err != nil {
		t.Fatal(err)
	}
	found := slices.IndexFunc(report.Rules, func(rule documents.RuleResult) bool { return rule.ID == "color-contrast" })
	if found < 0 || report.Rules[found].Standard != "axe-core" || report.Rules[found].WCAG != "1.4.3" || !report.Failed() {
		t.Errorf("rules %+v", report.Rules)
	}
	if len(report.Checkers) != 1 || report.Checkers[0].Agrees || *report.Results.OverallScore != report.Score.Value {
		t.Errorf("checkers %+v, scores %d and %d", report.Checkers, *report.Results.OverallScore, report.Score.Value)
	}
	report, err = r.Analyze(t.Context(), source(t, pdftest.Pages(1).Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Checkers) != 1 || !report.Checkers[0].Agrees || report.Checkers[0].Verdict.Conforms {
		t.Errorf("checkers %+v", report.Checkers)
	}
}

// TestBrokenHelpers has every optional engine fail: the embedded one does the work, and the report says so.
func TestBrokenHelpers(t *testing.T) {
	t.Parallel()
	r := newRouter(t, engines.Settings{Use: []string{"tesseract"}, Tesseract: "false"})
	outcome, err := r.Process(t.Context(), source(t, scanned("Text")), output(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(outcome.Warnings) == 0 || outcome.Pages != 1 {
		t.Errorf("outcome %+v", outcome)
	}
}
