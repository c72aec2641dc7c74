package main

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/app"
)

// indented are the lines of a text that are code, after a line that begins with a mark.
func indented(t *testing.T, text, mark string) string {
	t.Helper()
	_, after, found := strings.Cut(text, mark)
	if !found {
		t.Fatalf("there is no %q", mark)
	}
	var code []string
	for line := range strings.Lines(after) {
		switch {
		case strings.HasPrefix(line, "    "):
			code = append(code, strings.TrimPrefix(line, "    "))
		case strings.TrimSpace(line) != "" && len(code) > 0:
			return strings.Join(code, "")
		}
	}
	return strings.Join(code, "")
}

// A new user gets from what the server prints at its start, and the lines of the README,
// to an accessible PDF with a shell and curl alone.
func TestTheFirstScreenOfTheREADME(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("it needs %s: %v", tool, err)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	place := newInstallation(t)
	server := place.serve()
	address, err := url.Parse(server.api)
	if err != nil {
		t.Fatal(err)
	}
	at, err := net.ResolveTCPAddr("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	welcome(&printed, app.Settings{Data: place.data}, at)
	script := indented(t, printed.String(), "Paste this") + indented(t, string(readme), "From an upload to an accessible PDF")

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "report.pdf"), pdftest.Pages(2).Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(ctx, "sh", "-eu", "-c", script)
	shell.Dir, shell.Env = dir, append(os.Environ(), asProgram+"=1")
	said, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	made, err := os.ReadFile(filepath.Join(dir, "report.accessible.pdf"))
	if err != nil || !bytes.HasPrefix(made, []byte("%PDF-")) {
		t.Errorf("what was downloaded is %.60q, %v; the shell said %s", made, err, said)
	}
	if lines := strings.Split(strings.TrimSpace(string(said)), "\n"); !strings.Contains(lines[len(lines)-1], `"repaired":[`) {
		t.Errorf("the last line is no receipt: %s", lines[len(lines)-1])
	}
}
