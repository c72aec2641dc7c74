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
	"github.com/perfectworks/backend/adapters/documents/pdftest"
)

// TestMain lets the test binary be the child process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == documents.WorkerCommand {
		root := command.Worker()
		root.SetArgs(os.Args[2:])
		if err := root.Execute(); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// run gives what the command writes and its exit code.
func run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	engine, err := documents.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := command.New(engine)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err = cmd.ExecuteContext(t.Context())
	var exit *command.ExitError
	switch {
	case err == nil:
		return out.String(), 0
	case errors.As(err, &exit):
		if exit.Err != nil {
			out.WriteString(exit.Err.Error())
		}
		return out.String(), exit.Code
	}
	t.Fatalf("not an exit code: %v", err)
	return "", 0
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
