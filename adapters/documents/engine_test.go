package documents_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// TestMain lets the test binary be the child process.
func engine(t *testing.T, limits documents.Limits) *documents.Engine {
	t.Helper()
	e, err := documents.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Limits = limits
	e.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	return e
}

func analyze(t *testing.T, e *documents.Engine, data []byte) (*documents.Report, error) {
	t.Helper()
	return e.Analyze(t.Context(), source(t, data))
}

// source gives data as a file to work on.
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

// output gives a file for a result, and a function that reads it.
func output(t *testing.T) (*os.File, func() []byte) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "result"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file, func() []byte {
		data, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
}

// operations are what an engine does with a file, without the result.
var operations = map[string]func(t *testing.T, e *documents.Engine, s documents.Source) error{
	"analyze": func(t *testing.T, e *documents.Engine, s documents.Source) error {
		t.Helper()
		_, err := e.Analyze(t.Context(), s)
		return err
	},
	"process": func(t *testing.T, e *documents.Engine, s documents.Source) error {
		t.Helper()
		out, _ := output(t)
		_, err := e.Process(t.Context(), s, out)
		return err
	},
	"convert to HTML": func(t *testing.T, e *documents.Engine, s documents.Source) error {
		t.Helper()
		out, _ := output(t)
		_, err := e.Convert(t.Context(), s, documents.HTML, out)
		return err
	},
	"convert to PDF": func(t *testing.T, e *documents.Engine, s documents.Source) error {
		t.Helper()
		out, _ := output(t)
		_, err := e.Convert(t.Context(), s, documents.PDF, out)
		return err
	},
	"ask what is wanted": func(t *testing.T, e *documents.Engine, s documents.Source) error {
		t.Helper()
		_, err := e.Wanted(t.Context(), s)
		return err
	},
}

func TestAnalyzePDF(t *testing.T) {
	t.Parallel()
	report, err := analyze(t, engine(t, documents.Limits{}), pdftest.OnePage("0 0 m 9 9 l S", "").Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"6.2-1", "7.1-3", "7.1-8", "7.1-10", "7.1-11"}
	if diff := cmp.Diff(want, report.PDFUA1.FailedRules); diff != "" {
		t.Errorf("failed rules (-want +got):\n%s", diff)
	}
	if report.PDFUA1.Conforms || !report.Failed() || !report.Results.Success {
		t.Errorf("verdict %+v, failed %t", report.PDFUA1, report.Failed())
	}
	if got := report.AnalysedAt.Format(time.RFC3339); got != "2026-01-02T03:04:05Z" {
		t.Errorf("analysed at %s", got)
	}
	names := []documents.CategoryName{}
	for _, c := range report.Results.Categories {
		names = append(names, c.Name)
		if s := c.Summary; s.TotalIssues != len(c.Issues) || s.ErrorCount+s.WarningCount+s.InfoCount != s.TotalIssues {
			t.Errorf("%s counts %+v for %d issues", c.Name, s, len(c.Issues))
		}
	}
	if diff := cmp.Diff([]documents.CategoryName{"accessibility", "best_practices", "compliance", "performance", "seo"}, names); diff != "" {
		t.Error(diff)
	}
	accessibility := report.Results.Categories[0]
	if first := accessibility.Issues[1]; first.ID != "7.1-3/1" || first.Location == nil || first.Location.PageNumber != 1 {
		t.Errorf("issue %+v", first)
	}
}

// TestBadFiles gives each kind of bad file to the engine: each ends within its limits with one sentence.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	encrypted := pdftest.Pages(1)
	encrypted.Trailer = "/ID[<00><00>]/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -4" +
		"/O<" + strings.Repeat("00", 32) + ">/U<" + strings.Repeat("00", 32) + ">>>"
	forms := pdftest.OnePage("/F Do", "/Resources<</XObject<</F 5 0 R>>>>")
	for i := range 40 { // each form paints the next one twice
		forms.Stream(fmt.Sprintf("/Type/XObject/Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</F %d 0 R>>>>", i+6), []byte("/F Do /F Do"))
	}
	for name, tt := range map[string]struct {
		data   []byte
		limits documents.Limits
		want   documents.Problem
	}{
		"empty":                  {data: nil, want: documents.Damaged},
		"wrong magic":            {data: []byte("PK\x03\x04\x00\x00\x00"), want: documents.Unsupported},
		"header only":            {data: []byte("%PDF-1.7\n"), want: documents.Damaged},
		"zero pages":             {data: pdftest.Pages(0).Bytes(), want: documents.Damaged},
		"encrypted":              {data: encrypted.Bytes(), want: documents.Encrypted},
		"10,000 pages":           {data: pdftest.Pages(10_000).Bytes(), want: documents.TooLarge},
		"Flate bomb":             {data: pdftest.FlateBomb(32 << 20).Bytes(), limits: documents.Limits{DecodedBytes: 4 << 20}, want: documents.TooLarge},
		"object stream bomb":     {data: pdftest.ObjectStreamBomb(32 << 20), limits: documents.Limits{DecodedBytes: 4 << 20}, want: documents.TooLarge},
		"forms painting forms":   {data: forms.Bytes(), limits: documents.Limits{Operations: 100_000}, want: documents.TooLarge},
		"HTML of 50 MB":          {data: append([]byte("<!DOCTYPE html>"), bytes.Repeat([]byte("<p>x"), 13<<20)...), want: documents.TooLarge},
		"HTML of 100,000 levels": {data: []byte("<!DOCTYPE html>" + strings.Repeat("<div>", 100_000)), want: documents.TooLarge},
		"too many bytes":         {data: make([]byte, 2<<20), limits: documents.Limits{FileBytes: 1 << 20}, want: documents.TooLarge},
		"too long for the clock": {data: forms.Bytes(), limits: documents.Limits{Wall: 200 * time.Millisecond, Operations: 1 << 40}, want: documents.TooSlow},
		"too much to compute":    {data: forms.Bytes(), limits: documents.Limits{CPU: time.Second, Operations: 1 << 40}, want: documents.TooSlow},
	} {
		for operation, do := range operations {
			t.Run(name+"/"+operation, func(t *testing.T) {
				t.Parallel()
				isPDF := bytes.Contains(tt.data, []byte("%PDF-"))
				if operation == "convert to PDF" && isPDF || operation == "convert to HTML" && !isPDF && tt.want != documents.Unsupported {
					t.Skip("the file has that format, or none")
				}
				err := do(t, engine(t, tt.limits), source(t, tt.data))
				var file *documents.FileError
				if !errors.As(err, &file) || file.Problem != tt.want {
					t.Fatalf("got %v, want %s", err, tt.want)
				}
				if !strings.HasSuffix(file.Message, ".") || strings.Contains(file.Message, "\n") {
					t.Errorf("not one sentence: %q", file.Message)
				}
			})
		}
	}
}

// TestHarmlessOddities gives files that look dangerous and are not.
func TestHarmlessOddities(t *testing.T) {
	t.Parallel()
	image := pdftest.OnePage("/I Do", "/Resources<</XObject<</I 5 0 R>>>>")
	image.Stream("/Type/XObject/Subtype/Image/Width 100000/Height 100000/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/FlateDecode", pdftest.Bomb(1<<20, 1))
	loop := pdftest.OnePage("/F Do", "/Resources<</XObject<</F 5 0 R>>>>")
	loop.Stream("/Type/XObject/Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</F 5 0 R>>>>", []byte("/F Do"))
	nested := pdftest.OnePage(strings.Repeat("[", 5_000_000)+strings.Repeat("q ", 500_000), "")
	for name, data := range map[string][]byte{
		"an image of 100,000 × 100,000": image.Bytes(),
		"a form that paints itself":     loop.Bytes(),
		"deep nesting":                  nested.Bytes(),
		"bytes before the header":       append([]byte("\n\n"), pdftest.Pages(1).Bytes()...),
	} {
		for _, operation := range []string{"analyze", "process", "convert to HTML", "ask what is wanted"} {
			t.Run(name+"/"+operation, func(t *testing.T) {
				t.Parallel()
				if err := operations[operation](t, engine(t, documents.Limits{}), source(t, data)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestAnalyzeHeedsItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := engine(t, documents.Limits{}).Analyze(ctx, documents.Source{File: file}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("0 0 m 1 1 l S\n", 40_000)
	file := &pdftest.File{}
	file.Add("<</Type/Catalog/Pages 2 0 R>>")
	kids := make([]string, 60)
	for i := range kids {
		kids[i] = fmt.Sprintf("%d 0 R", i+4)
	}
	file.Add("<</Type/Pages/Count 60/Kids[" + strings.Join(kids, " ") + "]/MediaBox[0 0 9 9]>>")
	file.Stream("", []byte(content))
	for range kids {
		file.Add("<</Type/Page/Parent 2 0 R/Contents 3 0 R>>")
	}
	path := filepath.Join(t.TempDir(), "long.pdf")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	last, sealed := 0, false
	_, err = engine(t, documents.Limits{}).Analyze(t.Context(), documents.Source{File: source, Progress: func(done, total int) {
		if done <= last || total != 60 {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
		sealed = sealed || childIsSealed()
	}})
	if err != nil || last == 0 {
		t.Errorf("last progress %d: %v", last, err)
	}
	if available := isolate.Available(); available.Seccomp && !sealed {
		t.Error("the child is not sealed while it works")
	}
}

// childIsSealed tells whether a child process that works has its system calls filtered.
func childIsSealed() bool {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range commands {
		command, _ := os.ReadFile(file)
		status, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "status"))
		if bytes.Contains(command, []byte("\x00"+documents.WorkerCommand+"\x00")) && bytes.Contains(status, []byte("Seccomp:\t2")) {
			return true
		}
	}
	return false
}

// TestListsAreBounded gives a page with more faults than anybody wants to read, with attributes that are very long.
func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	const faults = 600
	var page strings.Builder
	page.WriteString(`<!DOCTYPE html><html lang="en"><title>t</title><main><h1>x</h1>`)
	for i := range faults {
		fmt.Fprintf(&page, `<img src="%d.png"><div aria-nonsense%d="%s">x</div><input autocomplete="%s">`, i, i, strings.Repeat("y", 300), strings.Repeat("z ", 300))
	}
	source := []byte(page.String())
	report, err := analyze(t, engine(t, documents.Limits{}), source)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(report.Rules, func(r documents.RuleResult) bool { return r.ID == "image-alt" })
	if i < 0 || report.Rules[i].Count != faults || len(text) > 400<<10 {
		t.Errorf("rules %+v in a report of %d bytes", report.Rules, len(text))
	}
	outcome, err := engine(t, documents.Limits{}).Process(t.Context(), documents.Source{File: temporary(t, source)}, temporary(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(outcome); err != nil || len(text) > 1<<20 {
		t.Errorf("an outcome of %d bytes: %v", len(text), err)
	}
	fixed := 0
	for _, r := range outcome.Fixed {
		if r.Rule == "aria-valid-attr" {
			fixed += r.Count
		}
	}
	more := slices.ContainsFunc(outcome.Manual, func(task documents.Task) bool {
		return task.Rule == "image-alt" && strings.Contains(task.Title, fmt.Sprintf("%d more places", faults-100))
	})
	if fixed != faults || !more {
		t.Errorf("%d are fixed; what is left out is told: %t", fixed, more)
	}
}

// temporary makes a file with some content, to be read from its start.
func temporary(t *testing.T, content []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func TestAnalyzeHTML(t *testing.T) {
	t.Parallel()
	e := engine(t, documents.Limits{})
	report, err := analyze(t, e, []byte("<!DOCTYPE html>\n<html lang=en><title>t</title><main><h1>x</h1>\n <img src=a.png></main>"))
	if err != nil {
		t.Fatal(err)
	}
	if report.Format != documents.HTML || report.PDFUA1 != nil || !report.Failed() || len(report.NotChecked) == 0 {
		t.Errorf("report %+v", report)
	}
	if len(report.Rules) != 1 || report.Rules[0].ID != "image-alt" || report.Rules[0].WCAG != "1.1.1" {
		t.Fatalf("rules %+v", report.Rules)
	}
	issue := report.Results.Categories[0].Issues[0]
	if diff := cmp.Diff(&documents.Location{Line: 3, Column: 2}, issue.Location); diff != "" {
		t.Error(diff)
	}
	if got := *report.Results.OverallScore; got >= 100 || got < 80 {
		t.Errorf("score %d", got)
	}
}

// TestEncodings reads one page in several encodings: told right, told wrong, and not told.
func TestEncodings(t *testing.T) {
	t.Parallel()
	page := func(meta, title string) string {
		return "<!DOCTYPE html><html lang=en>" + meta + "<title>" + title + "</title><main><h1>" + title + "</h1></main>"
	}
	utf16 := []byte{0xff, 0xfe}
	for _, r := range page("", "Über") {
		utf16 = append(utf16, byte(r), byte(r>>8))
	}
	for name, tt := range map[string]struct {
		data []byte
		want []string
	}{
		"UTF-8":             {[]byte(page("<meta charset=utf-8>", "Über")), nil},
		"Latin-1":           {[]byte(page("<meta charset=iso-8859-1>", "\xdcber")), nil},
		"UTF-16":            {utf16, nil},
		"UTF-8, not true":   {[]byte(page("<meta charset=utf-8>", "\xdcber")), []string{"charset"}},
		"with mark":         {[]byte("\xef\xbb\xbf" + page("", "Über")), nil},
		"after white space": {[]byte("\n\n" + page("<meta charset=utf-8>", "Über")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := analyze(t, engine(t, documents.Limits{}), tt.data)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range report.Rules {
				got = append(got, r.ID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBrokenChild runs programs that are no child processes: each is a fault of the engine for this file.
func TestBrokenChild(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"false", "echo", "true"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(program)
			if err != nil {
				t.Skip(err)
			}
			e := engine(t, documents.Limits{})
			e.Executable = path
			_, err = analyze(t, e, []byte("x"))
			var file *documents.FileError
			if !errors.As(err, &file) || file.Problem != documents.Crashed {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestErrUnsupported(t *testing.T) {
	t.Parallel()
	_, err := analyze(t, engine(t, documents.Limits{}), []byte("plain text"))
	if !errors.Is(err, documents.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	if _, err := analyze(t, engine(t, documents.Limits{}), nil); errors.Is(err, documents.ErrUnsupported) {
		t.Errorf("an empty file is taken for an unsupported one: %v", err)
	}
}
