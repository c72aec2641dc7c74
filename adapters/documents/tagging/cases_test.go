package tagging_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// cases are small PDFs with faults that public bug reports describe, beside the repository.
const cases = "../../../../shared/corpus/document-cases"

// TestCases processes cases that must pass veraPDF afterwards.
func TestCases(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(cases); err != nil {
		t.Skipf("the cases are needed: %v", err)
	}
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	for _, name := range []string{"pagetree-nulls.pdf", "font-cff-in-fontfile.pdf", "form.pdf", "mailmerge.pdf", "freetext-ap.pdf"} {
		data, err := os.ReadFile(filepath.Join(cases, name))
		if err != nil {
			t.Fatal(err)
		}
		out, result, err := process(data, tagging.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Failures) > 0 {
			t.Errorf("%s fails %v", name, rules(result.Failures))
		}
		if verdict, err := oracle.Check(save(t, folder, name, out)); err != nil || !verdict.Conforms {
			t.Errorf("%s: veraPDF says %v, %v", name, verdict, err)
		}
	}
}
