package pdfhtml_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/axetest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
)

// corpus gives the paths of the PDF/UA-1 corpus.
func corpus(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("../../../../shared/corpus/pdfua1/*.pdf")
	if err != nil || len(paths) == 0 {
		tb.Skip("the corpus is needed")
	}
	slices.Sort(paths)
	return paths
}

func file(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// owed are the rules that fail where the file lacks something that only a person can supply, and that is said.
var owed = []string{"image-alt", "link-name", "html-has-lang", "document-title", "label"}

// worded are rules about words and tables of the author, which are kept as they are.
var worded = []string{"link-text-vague", "image-alt-placeholder", "table-headers"}

// sound tells of rules of htmlcheck that fail though nothing was said of them.
func sound(t *testing.T, r *pdfhtml.Result) {
	t.Helper()
	checked, err := htmlcheck.Check(r.HTML)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range checked.Findings {
		if !excused(r, f.Rule) && !slices.Contains(worded, f.Rule) {
			t.Errorf("%s at %d:%d %s: %s", f.Rule, f.Line, f.Column, f.Element, f.Detail)
		}
	}
}

func excused(r *pdfhtml.Result, rule string) bool {
	return slices.Contains(owed, rule) && slices.ContainsFunc(r.Manual, func(f pdfhtml.Flag) bool { return f.Rule == rule })
}

// TestCorpusPassesChecks converts the PDF/UA-1 corpus: what comes out keeps the rules of htmlcheck.
func TestCorpusPassesChecks(t *testing.T) {
	t.Parallel()
	for _, path := range corpus(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			r, err := convert(file(t, path), pdfhtml.Options{})
			if err != nil {
				t.Skip(err)
			}
			sound(t, r)
		})
	}
}

// TestAxe asks axe about documents of known structure and about a sample of the corpus, or with CORPUS=1 all of it.
func TestAxe(t *testing.T) {
	t.Parallel()
	oracle := axetest.Start(t)
	paths, step := corpus(t), 12
	if os.Getenv("CORPUS") != "" {
		step = 1
		for _, k := range known(t) {
			paths = append(paths, k.Tagged)
		}
	}
	own, err := filepath.Glob("testdata/*.pdf")
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range append(own, paths...) {
		if i >= len(own) && (i-len(own))%step != 0 {
			continue
		}
		r, err := convert(file(t, path), pdfhtml.Options{})
		if err != nil {
			continue
		}
		answer, err := oracle.Check(string(r.HTML))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, rule := range answer.Violations {
			if !excused(r, rule) {
				t.Errorf("%s: axe finds %s", filepath.Base(path), rule)
			}
		}
	}
}

func known(tb testing.TB) []corpustest.Known {
	tb.Helper()
	list, err := corpustest.MakeKnown(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// TestCorpusKeepsStructure converts documents whose structure is known, from their tags: blocks of all roles come out as
// they went in.
func TestCorpusKeepsStructure(t *testing.T) {
	t.Parallel()
	if os.Getenv("CORPUS") == "" {
		t.Skip("set CORPUS=1 to convert all documents of known structure")
	}
	total := map[corpustest.Role]corpustest.Score{}
	for _, k := range known(t) {
		r, err := convert(file(t, k.Tagged), pdfhtml.Options{})
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		found, err := corpustest.HTMLBlocks([]byte(mainOf(string(r.HTML))))
		if err != nil {
			t.Fatal(err)
		}
		for role, score := range corpustest.Compare(k.Truth, found) {
			if score.F1() < 0.9 {
				t.Logf("%s: %s %.2f (%+v)", k.Name, role, score.F1(), score)
			}
			total[role] = total[role].Add(score)
		}
	}
	for _, role := range corpustest.Roles {
		t.Logf("%-14s F1 %.3f %+v", role, total[role].F1(), total[role])
		if total[role].F1() < 0.95 {
			t.Errorf("%s: F1 is %.3f", role, total[role].F1())
		}
	}
}

// mainOf cuts the main part out of a document.
func mainOf(document string) string {
	_, rest, _ := strings.Cut(document, "<main")
	inner, _, _ := strings.Cut(rest, "</main>")
	return "<main" + inner + "</main>"
}
