package htmlfix_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/documents/htmlfix"
)

const repairsFile = "testdata/repairs.txt"

// TestRepairs compares documents with what becomes of them. With UPDATE=1 it writes down what does.
func TestRepairs(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(repairsFile)
	if err != nil {
		t.Fatal(err)
	}
	repaired := map[string]bool{}
	var updated strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(string(file), "== "), "\n== ") {
		rule, body, _ := strings.Cut(part, "\n")
		before, want, _ := strings.Cut(strings.TrimSuffix(body, "\n"), "\n=>\n")
		source := page(before)
		result := fix(t, source)
		sound(t, source, result)
		got := string(result.HTML)
		if !strings.HasPrefix(before, "<!DOCTYPE") {
			got = strings.TrimSuffix(strings.TrimPrefix(got, opening), closing)
		}
		updated.WriteString("== " + rule + "\n" + before + "\n=>\n" + got + "\n")
		if os.Getenv("UPDATE") == "" {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", rule, diff)
			}
		}
		if failing(t, []byte(source))[rule] == 0 && rule != "charset" {
			t.Errorf("%s does not fail in\n%s", rule, source)
		}
		if !slices.ContainsFunc(result.Fixed, func(r htmlfix.Repair) bool { return r.Rule == rule }) {
			t.Errorf("%s is not repaired in\n%s\n%+v", rule, source, result)
		}
		repaired[rule] = true
	}
	for _, rule := range htmlcheck.Rules() {
		if rule.Fixable != repaired[rule.ID] {
			t.Errorf("%s is fixable: %t, has a case: %t", rule.ID, rule.Fixable, repaired[rule.ID])
		}
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(repairsFile, []byte(updated.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	opening = `<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><main><h1>x</h1>`
	closing = `</main></body></html>`
)

// page makes a page of a part of one.
func page(part string) string {
	if strings.HasPrefix(part, "<!DOCTYPE") {
		return part
	}
	return opening + part + closing
}
