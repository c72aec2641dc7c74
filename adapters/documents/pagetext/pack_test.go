package pagetext_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// TestManyRuns reads a document with so much text that most of it is packed, and compares its pages with one that is not.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	content := strings.Repeat(
		"/Artifact BMC BT/F 10 Tf 50 700 Td(AB)Tj 0.3 g 10 0 Td(C)Tj ET EMC "+
			"/P<</MCID 7>>BDC BT/M 9.1 Tf 1 0 0 rg 50 680.3 Td[(here)-4000(there)]TJ 2 Tr 0 -12 Td(bold)Tj ET EMC "+
			"BT/M 9 Tf 0.7 0.7 -0.7 0.7 100 100 Tm(slanted)Tj 3 Tr 0 1 -1 0 300 300 Tm(invisible)Tj 0 Tr ET "+
			"0 0 1 RG 5 5 m 90 70 l S 20 20 30 30 re f BT/V 10 Tf 200 600 Td<00010002>Tj/F 0 Tf(A)Tj/F 10 Tf 2000 0 Td(A)Tj ET /X Do\n", 400)
	f, err := pdf.Open(sample(content, "").Bytes(), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	one, err := f.Pages(1)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := pagetext.NewReader(f, pagetext.Limits{}).Page(one[0], 1)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := pagetext.Read(f, slices.Repeat(one, 24), pagetext.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(alone.Runs()) < 4000 || len(alone.Shapes()) < 800 {
		t.Fatalf("the page has %d runs and %d shapes", len(alone.Runs()), len(alone.Shapes()))
	}
	want := named(alone.Runs())
	for range 2 {
		for i, p := range pages {
			if got := named(p.Runs()); !slices.Equal(got, want) {
				t.Fatalf("page %d has other runs than alone: %v", i+1, cmp.Diff(want, got))
			}
			if !slices.Equal(p.Shapes(), alone.Shapes()) {
				t.Fatalf("page %d has other shapes than alone", i+1)
			}
		}
	}
}

// namedRun is a run with the name of its font in the place of the font, which each reader makes anew.
type namedRun struct {
	pagetext.Run
	font string
}

func named(runs []pagetext.Run) []namedRun {
	out := make([]namedRun, len(runs))
	for i, r := range runs {
		out[i] = namedRun{r, r.Font.Name}
		out[i].Font = nil
	}
	return out
}
