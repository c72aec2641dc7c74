package command_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/command"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
)

// TestMain lets the test binary be the child processes.
// run gives what the command writes to standard output and then to standard error, and its exit code.
func run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	out, said, code := runApart(t, args...)
	return out + said, code
}

func runApart(t *testing.T, args ...string) (out, said string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command.New(func() (command.Engine, error) { return documents.New(nil) })
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(append([]string{}, args...)) // None is not nil, for which cobra takes those of the test.
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	err := cmd.ExecuteContext(t.Context())
	var exit *command.ExitError
	switch {
	case err == nil:
		return stdout.String(), stderr.String(), 0
	case errors.As(err, &exit):
		if exit.Err != nil {
			stderr.WriteString(exit.Err.Error())
		}
		return stdout.String(), stderr.String(), exit.Code
	}
	t.Fatalf("not an exit code: %v", err)
	return "", "", 0
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const goodPage = `<!DOCTYPE html><html lang="en"><title>t</title><main><h1>x</h1></main>`

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing to find":   {[]string{"analyze", file(t, "good.html", []byte(goodPage))}, 0, "score 100 of 100"},
		"findings in HTML":  {[]string{"analyze", file(t, "bad.html", []byte("<!DOCTYPE html><p>x"))}, 1, "html-has-lang"},
		"findings in PDF":   {[]string{"analyze", file(t, "bad.pdf", pdftest.Pages(1).Bytes())}, 1, "7.1-11"},
		"help":              {nil, 0, "Exit codes"},
		"capabilities":      {[]string{"capabilities"}, 0, `"html"`},
		"no file":           {[]string{"analyze"}, 2, "wants one file"},
		"two files":         {[]string{"analyze", "a", "b"}, 2, "wants one file"},
		"unknown flag":      {[]string{"analyze", "--loud", "a"}, 2, "--loud"},
		"unknown command":   {[]string{"praise", "a"}, 2, "praise"},
		"missing file":      {[]string{"analyze", "/does/not/exist"}, 3, "no such file"},
		"folder":            {[]string{"analyze", t.TempDir()}, 3, "is a folder"},
		"wrong magic, JSON": {[]string{"analyze", "--json", file(t, "b.pdf", []byte("PK\x03\x04"))}, 3, `"success": false`},
		"wrong magic":       {[]string{"analyze", file(t, "a.pdf", []byte("PK\x03\x04"))}, 3, "neither PDF nor HTML"},
		"process HTML":      {[]string{"process", file(t, "bad.html", []byte("<!DOCTYPE html><title>t</title><h1>On words</h1><p>There are some words on this page, all of which are written in plain English, so that everybody knows their language."))}, 0, "html-has-lang"},
		"process a PDF":     {[]string{"process", file(t, "bad.pdf", textPage())}, 0, "7.1-11"},
		"findings remain":   {[]string{"process", file(t, "bad.html", []byte(goodPage+"<img src=a.png>"))}, 1, "image-alt"},
		"process nothing":   {[]string{"process"}, 2, "wants one file"},
		"process a zip":     {[]string{"process", file(t, "a.zip", []byte("PK\x03\x04"))}, 3, "neither PDF nor HTML"},
		"process, JSON":     {[]string{"process", "--json", file(t, "a.zip", []byte("PK\x03\x04"))}, 3, `"success": false`},
		"no such folder":    {[]string{"process", "-o", "/does/not/exist/x", file(t, "good.html", []byte(goodPage))}, 2, "no such file"},
		"convert HTML":      {[]string{"convert", file(t, "good.html", []byte(goodPage))}, 0, "conforms"},
		"convert a PDF":     {[]string{"convert", file(t, "a.pdf", textPage())}, 0, "a.html"},
		"convert to itself": {[]string{"convert", "--to", "html", "-o", filepath.Join(t.TempDir(), "x"), file(t, "good.html", []byte(goodPage))}, 3, "already"},
		"convert to Word":   {[]string{"convert", "--to", "docx", file(t, "good.html", []byte(goodPage))}, 2, "--to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, code := run(t, tt.args...)
			if code != tt.code || !strings.Contains(out, tt.says) {
				t.Errorf("exit code %d, want %d; it says:\n%s", code, tt.code, out)
			}
		})
	}
}

// textPage is a PDF of one page with a sentence on it.
func textPage() []byte {
	return pdftest.OnePage("BT /F 12 Tf 50 700 Td (There are some words on this page in plain English.) Tj ET",
		"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>").Bytes()
}

// TestResultsAreWhole holds where results go: beside the file, to OUT in one step, never onto the file itself.
func TestResultsAreWhole(t *testing.T) {
	t.Parallel()
	page := file(t, "page.html", []byte(goodPage))
	folder := filepath.Dir(page)
	if out, code := run(t, "process", page); code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
	if data, err := os.ReadFile(filepath.Join(folder, "page.accessible.html")); err != nil || string(data) != goodPage {
		t.Errorf("the result is %q: %v", data, err)
	}
	if out, code := run(t, "process", "-o", page, page); code != 2 || !strings.Contains(out, "the file to read") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if out, code := run(t, "process", "-o", folder, page); code != 2 || !strings.Contains(out, "is a folder") {
		t.Errorf("exit code %d: %s", code, out)
	}
	there := filepath.Join(folder, "there.html")
	if err := os.WriteFile(there, []byte("there before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(t, "process", "-o", there, file(t, "a.zip", []byte("PK\x03\x04"))); code != 3 {
		t.Errorf("exit code %d: %s", code, out)
	}
	if data, err := os.ReadFile(there); err != nil || string(data) != "there before" {
		t.Errorf("a failure leaves %q: %v", data, err)
	}
	out, said, code := runApart(t, "process", "-o", "-", page)
	if code != 0 || out != goodPage || !strings.Contains(said, "score 100") {
		t.Errorf("exit code %d, output %q, report %q", code, out, said)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 3 {
		t.Errorf("files are left: %v, %v", entries, err)
	}
}

// TestOutcomeJSON holds the part of an outcome that scripts rely on: the report on the result, and what was done.
func TestOutcomeJSON(t *testing.T) {
	t.Parallel()
	out, code := run(t, "process", "--json", file(t, "a.pdf", textPage()))
	var outcome struct {
		PDFUA1 struct {
			Conforms    bool
			FailedRules []string
		} `json:"pdfua1"`
		Results struct{ Success bool }
		Before  struct {
			PDFUA1 struct{ Conforms bool } `json:"pdfua1"`
		}
		Fixed    []struct{ Rule, Title string }
		Manual   []struct{ Rule, Title string }
		Warnings []string
		Engines  []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(out), &outcome); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if code != 0 || !outcome.PDFUA1.Conforms || outcome.Before.PDFUA1.Conforms || !outcome.Results.Success ||
		len(outcome.Fixed) == 0 || outcome.Fixed[0].Title == "" || len(outcome.Manual) == 0 || outcome.Warnings == nil || len(outcome.Engines) != 1 {
		t.Errorf("exit code %d, outcome %s", code, out)
	}
}

// TestJSON holds the part of the report that scripts rely on.
func TestJSON(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "report.json")
	if out, code := run(t, "analyze", "--json", "-o", output, file(t, "bad.pdf", pdftest.Pages(1).Bytes())); code != 1 || out != "" {
		t.Errorf("exit code %d, output %q", code, out)
	}
	text, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		AnalysedAt string
		Results    struct {
			Success      bool
			OverallScore *int
			Categories   []struct{ Name, Status string }
		}
		PDFUA1 struct {
			Conforms    *bool
			FailedRules []string
		} `json:"pdfua1"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if report.PDFUA1.Conforms == nil || *report.PDFUA1.Conforms || len(report.PDFUA1.FailedRules) == 0 ||
		!report.Results.Success || report.Results.OverallScore == nil || len(report.Results.Categories) != 5 || report.AnalysedAt == "" {
		t.Errorf("report %s", text)
	}
}

// TestPasswordFile opens an encrypted PDF with the password in a file.
func TestPasswordFile(t *testing.T) {
	t.Parallel()
	encrypted := filepath.Join("..", "pdf", "testdata", "encrypted", "aes-256.pdf")
	for name, tt := range map[string]struct {
		password string
		code     int
		says     string
	}{
		"the user's":      {"café\n", 1, "1 pages"},
		"with other text": {"owñer\r\nand more", 1, "1 pages"},
		"a wrong one":     {"guess", 3, "The password does not open the PDF."},
		"empty":           {"\n", 3, "holds no password"},
		"too long":        {strings.Repeat("x", 2000), 3, "at most 1024 bytes"},
	} {
		out, code := run(t, "analyze", "--password-file", file(t, "password", []byte(tt.password)), encrypted)
		if code != tt.code || !strings.Contains(out, tt.says) {
			t.Errorf("%s: exit code %d, %s", name, code, out)
		}
	}
	if out, code := run(t, "analyze", encrypted); code != 3 || !strings.Contains(out, "opens only with a password") {
		t.Errorf("without a password: exit code %d, %s", code, out)
	}
	if out, code := run(t, "analyze", "--password-file", "no such file", encrypted); code != 3 || !strings.Contains(out, "no such file") {
		t.Errorf("without the file: exit code %d, %s", code, out)
	}
}

// TestPasswordVariable opens an encrypted PDF with the password in the environment.
func TestPasswordVariable(t *testing.T) {
	t.Setenv(command.PasswordVariable, "café")
	encrypted := filepath.Join("..", "pdf", "testdata", "encrypted", "rc4-128.pdf")
	if out, code := run(t, "analyze", encrypted); code != 1 || !strings.Contains(out, "1 pages") {
		t.Errorf("exit code %d, %s", code, out)
	}
}
