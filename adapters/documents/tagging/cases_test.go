package tagging_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
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
	for _, name := range []string{
		"pagetree-nulls.pdf", "font-cff-in-fontfile.pdf", "font-space-missing.pdf", "font-symbolic-unicode.pdf", "form.pdf", "mailmerge.pdf", "freetext-ap.pdf",
		"footnotes-count.pdf", "wordspace-tc.pdf", "mixed-spacing.pdf", "table-ruled-shaded.pdf", "link-two-lines.pdf",
	} {
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

// TestCaseStructures processes cases whose tags must say something, and nothing else in its place.
func TestCaseStructures(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(cases); err != nil {
		t.Skipf("the cases are needed: %v", err)
	}
	for name, test := range map[string]struct{ has, hasNot []string }{
		"mailmerge.pdf":       {has: []string{"Dear"}},
		"wordspace-tc.pdf":    {has: []string{"A description of the report", "A short script that shows it"}},
		"mixed-spacing.pdf":   {hasNot: []string{"P(matter and kept its minutes"}},
		"academic-nodrop.pdf": {has: []string{"H2(I. INTRODUCTION)P(The left", "H2(III. METHODOLOGY)P(The right"}},
		"chart-grid.pdf":      {has: []string{"Figure("}, hasNot: []string{"P(150", "P(2015", "P(90"}},
		"link-two-lines.pdf":  {has: []string{"Link(the accessibility guide of the public office for documents)"}},
		"table-ruled-shaded.pdf": {
			has: []string{"TR(TH:Column(Department)TH:Column(2023)TH:Column(2024)TH:Column(2025))", "TR(TD(Roads)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(cases, name))
			if err != nil {
				t.Fatal(err)
			}
			out, _, err := process(data, tagging.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := sketch(t, out)
			for _, want := range test.has {
				if !strings.Contains(got, want) {
					t.Errorf("there is no %s in\n%s", want, got)
				}
			}
			for _, wrong := range test.hasNot {
				if strings.Contains(got, wrong) {
					t.Errorf("there is %s in\n%s", wrong, got)
				}
			}
			if reach := check(t, out).Facts.Reach; reach.Hidden > 0 {
				t.Errorf("words are in no tag: %+v", reach)
			}
		})
	}
}

// sketch writes the tags of a file with their text.
func sketch(t *testing.T, data []byte) string {
	t.Helper()
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := f.Pages(1000)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := pagetext.Read(f, pages, pagetext.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := structure.Read(f, shown, structure.ReadLimits{})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var write func(n *structure.Node)
	write = func(n *structure.Node) {
		if n.Type == "" {
			out.WriteString(structure.Text(n, shown))
			return
		}
		out.WriteString(string(n.Type))
		if n.Attributes().Scope != "" {
			out.WriteString(":" + string(n.Attributes().Scope))
		}
		out.WriteByte('(')
		if !slices.ContainsFunc(n.Kids, func(kid *structure.Node) bool { return kid.Type != "" }) {
			out.WriteString(structure.Text(n, shown))
		} else {
			for _, kid := range n.Kids {
				write(kid)
			}
		}
		out.WriteByte(')')
	}
	write(tree.Root)
	return out.String()
}
