package pdfua_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// threePages is a document of three pages with a line of text at the height of each; the first page has a paragraph, whose
// tag reaches the marked content 0.
func threePages(contents ...string) *pdftest.File {
	f := &pdftest.File{}
	f.Add("<</Type/Catalog/Pages 2 0 R/StructTreeRoot 9 0 R/MarkInfo<</Marked true>>>>")
	f.Add("<</Type/Pages/Count 3/Kids[3 0 R 4 0 R 5 0 R]/MediaBox[0 0 600 800]/Resources<</Font<</F<<" +
		"/Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>>>>>>>")
	for i := range 3 {
		f.Add(fmt.Sprintf("<</Type/Page/Parent 2 0 R/Contents %d 0 R/StructParents %d>>", 6+i, i))
	}
	for _, content := range contents {
		f.Stream("", []byte("BT/F 10 Tf "+content+" ET"))
	}
	f.Add("<</Type/StructTreeRoot/K 10 0 R/ParentTree<</Nums[0[10 0 R]]>>>>")
	f.Add("<</Type/StructElem/S/P/P 9 0 R/Pg 3 0 R/K 0>>")
	return f
}

func TestReach(t *testing.T) {
	t.Parallel()
	const body = "/P<</MCID 0>>BDC 50 400 Td(The second chapter: terms)Tj EMC 0 -380 Td "
	head := func(text string) string { return "/Artifact BMC 1 0 0 1 50 780 Tm(" + text + ")Tj EMC " }
	for name, test := range map[string]struct {
		pages []string
		want  pdfua.Reach
	}{
		"tags reach all":                      {[]string{body, "", ""}, pdfua.Reach{}},
		"a header that repeats":               {[]string{body + head("Report 1"), head("Report 2"), head("Report 3")}, pdfua.Reach{Running: 6}},
		"page numbers":                        {[]string{body + head("- 1 -"), head("ii"), head("Page 3 of 3")}, pdfua.Reach{Running: 6}},
		"a title that is a heading elsewhere": {[]string{body, head("The Second Chapter"), ""}, pdfua.Reach{Running: 3}},
		"an address that is an artifact": {
			[]string{body, head("Ann Example, 12 Mill Street"), head("Bob Example, 9 High Street")},
			pdfua.Reach{Hidden: 10, Places: []pdfua.Place{
				{Page: 2, Detail: `5 words, the first of them "Ann Example, 12 Mill Street"`},
				{Page: 3, Detail: `5 words, the first of them "Bob Example, 9 High Street"`},
			}},
		},
		"an amount at the edge of the page": {
			[]string{body + head("Net 1,450.00"), "", ""},
			pdfua.Reach{Hidden: 2, Places: []pdfua.Place{{Page: 1, Detail: `2 words, the first of them "Net 1,450.00"`}}},
		},
		"text without a tag": {
			[]string{body + "(Left )Tj(over)Tj", "", ""},
			pdfua.Reach{Hidden: 2, Places: []pdfua.Place{{Page: 1, Detail: `2 words, the first of them "Left over"`}}},
		},
		"marked content that the tree does not know": {
			[]string{body, "50 400 Td/P<</MCID 0>>BDC(Lost)Tj EMC", ""},
			pdfua.Reach{Hidden: 1, Places: []pdfua.Place{{Page: 2, Detail: `1 words, the first of them "Lost"`}}},
		},
		"text outside of the page": {[]string{body + "0 -500 Td(Gone)Tj", "", ""}, pdfua.Reach{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := pdf.Open(threePages(test.pages...).Bytes(), pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			result, err := pdfua.Check(f, pdfua.Limits{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, result.Facts.Reach); diff != "" {
				t.Errorf("reach (-want +got):\n%s", diff)
			}
		})
	}
}
