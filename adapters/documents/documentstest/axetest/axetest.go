// Package axetest asks axe-core in Chromium what it says of an HTML document.
//
// axe-core (MPL-2.0) and puppeteer-core (Apache-2.0) are fetched by npm into the user's cache folder when they are not
// there. Chromium is the one named by CHROMIUM or found in the path; in CI, and when run by root, it is installed by
// apt-get if it is missing. Without node, npm and Chromium tests are skipped, except in CI, where they fail.
package axetest

import (
	"bufio"
	"context"
	_ "embed" // the script
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
)

var npmPackages = []string{"axe-core@4.14.1", "puppeteer-core@25.16.0"}

//go:embed oracle.js
var script []byte

// Oracle is a running browser. It is safe for concurrent use; questions are answered one after the other.
type Oracle struct {
	mu      sync.Mutex
	in      io.Writer
	answers *bufio.Reader
}

// Answer is what axe says of one document, by rule.
type Answer struct {
	// Violations are certain, Incomplete is left to a person.
	Violations, Incomplete []string
	Problem                string
}

// Start starts the browser for the time of a test.
func Start(tb testing.TB) *Oracle {
	tb.Helper()
	chromium, folder, err := install()
	if err != nil {
		programtest.Missing(tb, fmt.Errorf("axe in Chromium is needed: %w", err))
	}
	path := filepath.Join(tb.TempDir(), "oracle.js")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), "node", path, filepath.Join(folder, "node_modules"), chromium)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait() // its last answer was read
	})
	return &Oracle{in: stdin, answers: bufio.NewReader(stdout)}
}

// Check runs axe on a document.
func (o *Oracle) Check(html string) (Answer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line, err := json.Marshal(html)
	if err != nil {
		return Answer{}, err
	}
	if _, err := o.in.Write(append(line, '\n')); err != nil {
		return Answer{}, fmt.Errorf("ask axe: %w", err)
	}
	text, err := o.answers.ReadBytes('\n')
	if err != nil {
		return Answer{}, fmt.Errorf("hear from axe: %w", err)
	}
	var answer Answer
	if err := json.Unmarshal(text, &answer); err != nil {
		return Answer{}, fmt.Errorf("hear from axe: %w", err)
	}
	if answer.Problem != "" {
		return Answer{}, errors.New(answer.Problem)
	}
	return answer, nil
}

// install gives the browser and the folder with the npm packages.
func install() (chromium, folder string, err error) {
	if chromium, err = browser(); err != nil {
		return "", "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", err
	}
	name := strings.NewReplacer("@", "-").Replace(strings.Join(npmPackages, "-"))
	folder = filepath.Join(cache, "perfectworks", name)
	if _, err := os.Stat(folder); err == nil {
		return chromium, folder, nil
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", "", fmt.Errorf("%s is not installed", tool)
		}
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "installing-")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(work)
	args := append([]string{"install", "--silent", "--no-save", "--ignore-scripts", "--prefix", work}, npmPackages...)
	if err := run("npm", args...); err != nil {
		return "", "", err
	}
	// Whoever renames first wins; the others use that one.
	if err := os.Rename(work, folder); err != nil {
		if _, statErr := os.Stat(folder); statErr != nil {
			return "", "", err
		}
	}
	return chromium, folder, nil
}

// browser finds Chromium, or installs it where that is no intrusion.
func browser() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	return programtest.LookUp("chromium", "chromium", "chromium-browser", "google-chrome")
}

func run(name string, args ...string) error {
	if out, err := exec.CommandContext(context.Background(), name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
