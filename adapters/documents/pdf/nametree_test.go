package pdf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// TestPairs walks a tree with a loop, a half pair and a node that is too deep.
func TestPairs(t *testing.T) {
	t.Parallel()
	f := pdf.New()
	deep := f.Add(pdf.Dict{"Nums": pdf.Array{pdf.Integer(9), pdf.Name("deep")}})
	leaf := f.Add(pdf.Dict{"Nums": pdf.Array{pdf.Integer(1), pdf.Name("a"), pdf.Integer(2), pdf.Name("b"), pdf.Integer(3)}, "Kids": pdf.Array{deep}})
	root := f.Add(nil)
	f.Set(root, pdf.Dict{"Kids": pdf.Array{leaf, root, leaf, pdf.Dict{"Nums": pdf.Array{pdf.Integer(4), pdf.Name("c")}}}})
	walk := func(depth, most int) []pdf.Object {
		var got []pdf.Object
		for key, value := range f.Pairs(root, "Nums", depth) {
			if len(got) == most {
				break
			}
			got = append(got, key, value)
		}
		return got
	}
	shallow := []pdf.Object{pdf.Integer(1), pdf.Name("a"), pdf.Integer(2), pdf.Name("b"), pdf.Integer(4), pdf.Name("c")}
	if diff := cmp.Diff(shallow, walk(1, 99)); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(shallow[:2], walk(1, 2)); diff != "" {
		t.Errorf("the first pair (-want +got):\n%s", diff)
	}
	if got := walk(2, 99); len(got) != 8 || got[5] != pdf.Name("deep") {
		t.Errorf("pairs of all levels: %v", got)
	}
}
