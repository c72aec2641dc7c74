package tagging_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// TestPageTrees processes files whose page tree is damaged: what is written has a tree of the pages that exist, which
// strict readers follow, and the pages keep what they inherited.
func TestPageTrees(t *testing.T) {
	t.Parallel()
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	page := func(text string) string { return "/Type/Page/Contents " + text }
	for name, tt := range map[string]struct {
		// tree are the objects from number 3 on; 1 is the catalog, whose Pages is 3 0 R, 2 a content stream.
		tree []string
		want []string // MediaBox and Rotate of each page
	}{
		"sound": {
			[]string{"<</Type/Pages/Count 1/Kids[4 0 R]/MediaBox[0 0 300 400]/Rotate 90>>", "<<" + page("2 0 R") + "/Parent 3 0 R>>"},
			[]string{"[0 0 300 400] 90"},
		},
		"nulls, wrong counts and missing objects": {
			[]string{
				"<</Type/Pages/Count 7/Kids[null 4 0 R 99 0 R 5 0 R (x)]/MediaBox[0 0 300 400]>>",
				"<<" + page("2 0 R") + "/Parent 3 0 R>>", "<<" + page("2 0 R") + "/MediaBox[0 0 200 100]>>",
			},
			[]string{"[0 0 300 400] 0", "[0 0 200 100] 0"},
		},
		"loops and repeated pages": {
			[]string{
				"<</Type/Pages/Count 3/Kids[4 0 R 3 0 R 5 0 R 4 0 R]/MediaBox[0 0 300 400]>>",
				"<<" + page("2 0 R") + ">>", "<</Type/Pages/Count -1/Kids[3 0 R 6 0 R]/Parent 5 0 R>>", "<<" + page("2 0 R") + "/Parent 4 0 R>>",
			},
			[]string{"[0 0 300 400] 0", "[0 0 300 400] 0"},
		},
		"a page in the place of the tree": {[]string{"<<" + page("2 0 R") + ">>"}, []string{"[0 0 612 792] 0"}},
		"pages in place, no types": {
			[]string{"<</Kids[<</Contents 2 0 R>><</Kids[<</Contents 2 0 R/Rotate 180>>]>>]>>"}, []string{"[0 0 612 792] 0", "[0 0 612 792] 180"},
		},
		"a catalog for a page": {[]string{"<</Type/Catalog/Contents 2 0 R/Pages 3 0 R>>"}, []string{"[0 0 612 792] 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := &pdftest.File{}
			file.Add("<</Type/Catalog/Pages 3 0 R>>")
			file.Stream("", []byte("10 10 180 80 re S"))
			for _, o := range tt.tree {
				file.Add(o)
			}
			after, result, err := process(file.Bytes(), tagging.Options{Title: "Pages"})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Failures) > 0 {
				t.Errorf("fails %v", rules(result.Failures))
			}
			if verdict, err := oracle.Check(save(t, folder, fmt.Sprintf("%x.pdf", name), after)); err != nil || !verdict.Conforms {
				t.Errorf("veraPDF says %v, %v", verdict, err)
			}
			f, err := pdf.Open(after, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if n := strictPages(t, f, f.Catalog()["Pages"], nil, &got); n != len(tt.want) {
				t.Errorf("%d pages, want %d", n, len(tt.want))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// strictPages walks a page tree and complains of all that ISO 32000-1, 7.7.3 does not allow.
func strictPages(t *testing.T, f *pdf.File, o pdf.Object, parent pdf.Object, got *[]string) int {
	t.Helper()
	ref, isRef := o.(pdf.Ref)
	d, ok := f.Dict(o)
	if !isRef || !ok {
		t.Fatalf("%v is no reference to a node", o)
	}
	if d["Parent"] != parent {
		t.Errorf("%v has the parent %v, want %v", ref, d["Parent"], parent)
	}
	if f.Name(d["Type"]) == "Page" {
		box, _ := f.Rectangle(d["MediaBox"])
		*got = append(*got, fmt.Sprintf("%v %v", box, f.Rotation(pdf.Page{Dict: d})))
		return 1
	}
	kids, _ := f.Array(d["Kids"])
	n := 0
	for _, kid := range kids {
		n += strictPages(t, f, kid, ref, got)
	}
	if count, _ := f.Integer(d["Count"]); f.Name(d["Type"]) != "Pages" || count != int64(n) {
		t.Errorf("%v is of the type %s and counts %d, want %d", ref, f.Name(d["Type"]), count, n)
	}
	return n
}
