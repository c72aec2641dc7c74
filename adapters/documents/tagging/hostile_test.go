package tagging_test

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
)

// hostile are PDFs of a public renderer's test suite, beside the repository.
const hostile = "../../../../shared/corpus/hostile"

// TestHostile processes reductions of bug reports, fuzzed and unusual files. What claims to conform must pass veraPDF; how
// many do is logged, with the rules that the others still fail.
func TestHostile(t *testing.T) {
	t.Parallel()
	if os.Getenv("CORPUS") == "" {
		t.Skip("run by make corpus")
	}
	files, err := filepath.Glob(filepath.Join(hostile, "*.pdf"))
	if err != nil || len(files) == 0 {
		t.Skipf("the corpus is needed: %v", err)
	}
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	count := map[string]int{}
	rules := map[string][]string{}
	for _, path := range files {
		name := filepath.Base(path)
		line, out, err := outcome(path)
		_, result, _ := strings.Cut(line, "\t")
		switch {
		case err != nil:
			count["unreadable"]++
			t.Logf("%s: %v", name, err)
			continue
		case out == nil:
			count["refused"]++
			continue
		case result != "conforms":
			count["fails"]++
			for rule := range strings.FieldsSeq(result) {
				rules[rule] = append(rules[rule], name)
			}
			continue
		}
		verdict, err := oracle.Check(save(t, folder, name, out))
		if err != nil || !verdict.Conforms {
			count["claims falsely"]++
			t.Errorf("%s claims to conform: veraPDF says %v, %v", name, verdict, err)
			continue
		}
		count["passes"]++
	}
	t.Log(count)
	for _, rule := range slices.SortedFunc(maps.Keys(rules), func(a, b string) int { return cmp.Compare(len(rules[b]), len(rules[a])) }) {
		t.Logf("%-12s %3d %s", rule, len(rules[rule]), strings.Join(rules[rule], " "))
	}
	readable := len(files) - count["unreadable"] - count["refused"]
	const least = 0.93
	if share := float64(count["passes"]) / float64(readable); share < least {
		t.Errorf("%.3f of the readable files pass, want %.2f", share, least)
	}
}
