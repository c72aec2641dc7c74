package tagging_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// corpus is a part of the veraPDF corpus (CC BY 4.0), beside the repository.
const corpus = "../../../../shared/corpus/pdfua1"

func corpusFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, "*.pdf"))
	if err != nil || len(files) == 0 {
		t.Skipf("the corpus is needed: %v", err)
	}
	return files
}

// outcome is what became of a file, in a line of testdata/repaired.txt: its name, and the rules that still fail.
func outcome(path string) (line string, out []byte, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", nil, err
	}
	out, result, err := process(data, tagging.Options{})
	name := filepath.Base(path)
	switch {
	case errors.Is(err, tagging.ErrRestricted), errors.Is(err, tagging.ErrSigned):
		return name + "\trefused: " + err.Error(), nil, nil
	case err != nil:
		return "", nil, err
	}
	rules := []string{}
	for _, failure := range result.Failures {
		rules = append(rules, failure.Rule)
	}
	if len(rules) == 0 {
		return name + "\tconforms", out, nil
	}
	return name + "\t" + strings.Join(rules, " "), out, nil
}

// TestCorpus processes the files of the corpus, each of which breaks one rule or none. What becomes of each is written
// in testdata/repaired.txt; UPDATE=1 writes it anew.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files := corpusFiles(t)
	oracle := verapdftest.Start(t)
	step := 12 // the validator is asked about a sample
	if os.Getenv("CORPUS") != "" {
		step = 1
	}
	folder := t.TempDir()
	var got strings.Builder
	for i, path := range files {
		line, out, err := outcome(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		fmt.Fprintln(&got, line)
		if out == nil || i%step != 0 {
			continue
		}
		verdict, err := oracle.Check(save(t, folder, filepath.Base(path), out))
		if err != nil {
			t.Fatal(err)
		}
		if verdict.Conforms != strings.HasSuffix(line, "\tconforms") {
			t.Errorf("%s: veraPDF says %v", line, verdict)
		}
	}
	const expected = "testdata/repaired.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(expected, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(expected)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("outcomes (-expected +got):\n%s", diff)
	}
}

// TestMutations breaks the files of the corpus by chance: whatever comes of it, nothing may panic, and what is written
// must be readable.
func TestMutations(t *testing.T) {
	t.Parallel()
	files := corpusFiles(t)
	chance := rand.New(rand.NewPCG(14289, 2))
	rounds := 100
	if os.Getenv("CORPUS") != "" {
		rounds = 20_000
	}
	for range rounds {
		name := files[chance.IntN(len(files))]
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 300_000 {
			continue
		}
		for range 1 + chance.IntN(30) {
			at, from := chance.IntN(len(data)), chance.IntN(len(data))
			switch chance.IntN(16) {
			case 0:
				data = data[:at+1]
			case 1, 2, 3, 4, 5:
				copy(data[at:], data[from:min(len(data), from+40)])
			default:
				data[at] ^= byte(1 << chance.IntN(8))
			}
		}
		out, result, err := process(slices.Clone(data), tagging.Options{})
		if err != nil {
			continue
		}
		if _, again, err := process(out, tagging.Options{}); err != nil {
			t.Errorf("%s: what was written cannot be processed: %v", name, err)
		} else if len(result.Failures) == 0 && len(again.Failures) > 0 {
			t.Errorf("%s: conforms once and not twice: %v", name, again.Failures)
		}
	}
}
