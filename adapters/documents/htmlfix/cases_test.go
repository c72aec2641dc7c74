package htmlfix_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/documents/htmlfix"
)

// casesFolder holds small documents made after public bug reports, beside the repository.
const casesFolder = "../../../../shared/corpus/document-cases"

// TestCases compares the rules that fail in documents, and what becomes of one of them, with what is right.
func TestCases(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][]string{
		"h-disabled-contrast.html": nil,
		"h-required-false.html":    nil,
		"h-label-in-name.html":     {"label-content-name-mismatch"},
		"h-th-no-cells.html":       {"th-has-data-cells"},
		"h-viewport-bad.html":      {"meta-viewport"},
	} {
		source := readCase(t, file)
		result, err := htmlcheck.Check(source)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range result.Findings {
			got = append(got, f.Rule)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	result, err := htmlfix.Fix(readCase(t, "h-button-main.html"), htmlfix.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if html := string(result.HTML); !strings.Contains(html, `<main id="perfectworks-main"><div role="button"`) || !strings.Contains(html, "Start the test</div></main>") {
		t.Errorf("the main part does not lie around the button:\n%s", html)
	}
}

func readCase(t *testing.T, file string) []byte {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(casesFolder, file))
	if err != nil {
		t.Skip("the document cases are needed in " + casesFolder)
	}
	return source
}
