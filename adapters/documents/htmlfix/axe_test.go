package htmlfix_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/axetest"
	"github.com/perfectworks/backend/adapters/documents/htmlfix"
)

// layoutRules are axe's rules that need layout, which a repair of the markup does not touch.
var layoutRules = []string{"link-in-text-block", "scrollable-region-focusable", "target-size", "frame-tested"}

// TestPages repairs pages as people write them and asks axe in Chromium, of a sample of them or with CORPUS=1 of all: what
// it still finds must be flagged, and must be what it found before.
func TestPages(t *testing.T) {
	t.Parallel()
	oracle := axetest.Start(t)
	files, err := filepath.Glob("testdata/pages/*.html")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d pages: %v", len(files), err)
	}
	for i, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		result := fix(t, string(source))
		if folder := os.Getenv("OUT"); folder != "" {
			if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), result.HTML, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, r := range result.Fixed {
				t.Logf("%s:%d:%d fixed %s: %s", file, r.Line, r.Column, r.Rule, r.Detail)
			}
			for _, r := range result.Manual {
				t.Logf("%s:%d:%d left %s: %s", file, r.Line, r.Column, r.Rule, r.Detail)
			}
		}
		holds(t, string(source))
		if os.Getenv("CORPUS") == "" && i%3 != 1 {
			continue
		}
		before, err := oracle.Check(string(source))
		if err != nil {
			t.Fatal(err)
		}
		after, err := oracle.Check(string(result.HTML))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: axe finds before %v, after %v", file, before.Violations, after.Violations)
		if len(before.Violations) == 0 {
			t.Errorf("%s has nothing to repair", file)
		}
		for _, rule := range after.Violations {
			if slices.Contains(layoutRules, rule) {
				continue
			}
			if !slices.ContainsFunc(result.Manual, func(f htmlfix.Flag) bool { return f.Rule == rule }) {
				t.Errorf("%s: axe finds %s, which is not flagged", file, rule)
			}
			if !slices.Contains(before.Violations, rule) && !slices.Contains(before.Violations, "aria-hidden-body") {
				t.Errorf("%s: axe finds %s after the repair only", file, rule)
			}
		}
	}
}
