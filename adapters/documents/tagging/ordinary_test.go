package tagging_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// TestOrdinary processes all PDFs of a folder, named by CORPUS_FOLDER, and says how many conform afterwards by veraPDF,
// which rules the others break, and what was changed that should not have been.
func TestOrdinary(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("CORPUS_FOLDER")
	if folder == "" {
		t.Skip("set CORPUS_FOLDER to a folder with PDFs")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.pdf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no PDFs in %s: %v", folder, err)
	}
	oracle := verapdftest.Start(t)
	out := os.Getenv("CORPUS_OUT")
	if out == "" {
		out = t.TempDir()
	}
	processed, passed := 0, 0
	reasons := map[string]int{}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		start := time.Now()
		result, report, err := process(data, tagging.Options{})
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		took := time.Since(start)
		processed++
		after := save(t, out, name, result)
		verdict, err := oracle.Check(after)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if verdict.Conforms {
			passed++
		}
		for _, rule := range verdict.FailedRules {
			reasons[rule]++
		}
		ours := []string{}
		for _, failure := range report.Failures {
			if failure.Rule != "5-1" {
				ours = append(ours, failure.Rule)
			}
		}
		slices.Sort(ours)
		theirs := slices.DeleteFunc(slices.Sorted(slices.Values(verdict.FailedRules)), func(s string) bool { return s == "5-1" })
		if !slices.Equal(ours, theirs) {
			t.Logf("%s: we say %v, veraPDF %v", name, ours, theirs)
		}
		different := []int(nil)
		lost := []string(nil)
		if os.Getenv("CORPUS_FAST") == "" {
			different, lost = differentPages(t, path, after, 40), lostWords(t, path, after)
		}
		if !verdict.Conforms || len(different) > 0 || len(lost) > 0 {
			t.Logf("%s: %v, pages differ %v, words lost %d %.80q, %q", name, verdict.FailedRules, different, len(lost), lost, report.Warnings)
		}
		t.Logf("%s: %d ms, %d -> %d bytes", name, took.Milliseconds(), len(data), len(result))
	}
	t.Logf("%d of %d conform; rules broken: %v", passed, processed, reasons)
	if passed*100 < processed*95 {
		t.Errorf("%s: less than 95 %% conform", strings.TrimSuffix(folder, "/"))
	}
}
