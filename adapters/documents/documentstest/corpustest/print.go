package corpustest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
)

// printTime is how long Chromium may take for one document.
const printTime = 5 * time.Minute

// Chromium gives the browser: the one named by CHROMIUM, or the first found in the path.
func Chromium() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	return programtest.LookUp("chromium", "chromium", "chromium-browser", "google-chrome")
}

// Print lets Chromium print an HTML file to a tagged PDF.
func Print(ctx context.Context, chromium, from, to string) error {
	ctx, cancel := context.WithTimeout(ctx, printTime)
	defer cancel()
	profile, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)
	absolute, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir="+profile, "--no-pdf-header-footer",
		"--generate-pdf-document-outline=false", "--print-to-pdf="+to, "file://"+absolute)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("chromium: %w: %.300s", err, strings.TrimSpace(string(out)))
	}
	if _, err := os.Stat(to); err != nil {
		return fmt.Errorf("chromium printed nothing: %.300s", strings.TrimSpace(string(out)))
	}
	return nil
}
