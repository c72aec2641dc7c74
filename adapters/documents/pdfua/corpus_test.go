package pdfua_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// corpus is a part of the veraPDF corpus (CC BY 4.0), beside the repository.
const corpus = "../../../../shared/corpus/pdfua1"

// expectation is what veraPDF says of a file, from testdata/verapdf.txt: name, verdict and failed rules in a line.
type expectation struct {
	name     string
	conforms bool
	rules    []string
}

func expectations(t *testing.T) []expectation {
	t.Helper()
	if _, err := os.Stat(corpus); err != nil {
		t.Skipf("the corpus is needed: %v", err)
	}
	text, err := os.ReadFile("testdata/verapdf.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []expectation
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 3 {
			t.Fatalf("malformed line %q", line)
		}
		rules := strings.Fields(f[2])
		slices.Sort(rules)
		out = append(out, expectation{name: f[0], conforms: f[1] == "PASS", rules: rules})
	}
	return out
}

func check(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		return nil, err
	}
	result, err := pdfua.Check(f, pdfua.Limits{}, nil)
	if err != nil {
		return nil, err
	}
	rules := []string{}
	for _, failure := range result.Failures {
		rules = append(rules, failure.Rule)
	}
	slices.Sort(rules)
	return rules, nil
}

// TestCorpus compares with veraPDF, file by file and rule by rule.
func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, want := range expectations(t) {
		t.Run(want.name, func(t *testing.T) {
			t.Parallel()
			got, err := check(filepath.Join(corpus, want.name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.rules, got, cmpEmpty); diff != "" {
				t.Errorf("failed rules (-veraPDF +ours):\n%s", diff)
			}
			if (len(got) == 0) != want.conforms {
				t.Errorf("conforms: %t, veraPDF says %t", len(got) == 0, want.conforms)
			}
		})
	}
}

var cmpEmpty = cmp.Transformer("empty", func(s []string) string { return fmt.Sprint(s) })

// TestOracle proves on a sample that the committed expectations are what veraPDF says.
func TestOracle(t *testing.T) {
	t.Parallel()
	all := expectations(t)
	oracle := verapdftest.Start(t)
	step := 20
	if os.Getenv("CORPUS") != "" {
		step = 1
	}
	for i := 0; i < len(all); i += step {
		verdict, err := oracle.Check(filepath.Join(corpus, all[i].name))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(verdict.FailedRules)
		if verdict.Conforms != all[i].conforms || !slices.Equal(verdict.FailedRules, all[i].rules) {
			t.Errorf("%s: veraPDF says %v, expected %v", all[i].name, verdict, all[i])
		}
	}
}

// TestOrdinary compares with veraPDF on all PDFs of a folder, named by CORPUS_FOLDER, and prints the agreement.
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
	asked, verdicts, exact := 0, 0, 0
	for _, path := range files {
		want, err := oracle.Check(path)
		if err != nil {
			t.Logf("%s: %v", path, err)
			continue
		}
		asked++
		got, err := check(path)
		if err != nil {
			t.Logf("%s: %v, veraPDF says %v", path, err, want.FailedRules)
			continue
		}
		slices.Sort(want.FailedRules)
		if (len(got) == 0) == want.Conforms {
			verdicts++
		}
		if slices.Equal(got, want.FailedRules) {
			exact++
		} else {
			t.Logf("%s (-veraPDF +ours): %s", path, cmp.Diff(want.FailedRules, got))
		}
	}
	t.Logf("%d files: verdict agrees on %d, all rules on %d", asked, verdicts, exact)
	if verdicts*100 < asked*98 || exact*100 < asked*95 {
		t.Error("less agreement than wanted: 98 % of verdicts, 95 % rule by rule")
	}
}

// TestMutations breaks the files of the corpus by chance: whatever comes of it, no check may panic.
func TestMutations(t *testing.T) {
	t.Parallel()
	all := expectations(t)
	chance := rand.New(rand.NewPCG(14289, 1))
	rounds := 150
	if os.Getenv("CORPUS") != "" {
		rounds = 20_000
	}
	for range rounds {
		name := all[chance.IntN(len(all))].name
		data, err := os.ReadFile(filepath.Join(corpus, name))
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
		f, err := pdf.Open(data, pdf.Limits{})
		if err != nil {
			continue
		}
		if _, err := pdfua.Check(f, pdfua.Limits{}, nil); err != nil {
			t.Logf("%s: %v", name, err)
		}
	}
}
