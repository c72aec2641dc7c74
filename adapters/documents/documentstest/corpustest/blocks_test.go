package corpustest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	printed := `Document
  NonStruct
    NonStruct
      "Run-"
      "ning "
  H2 (block)
    Span (inline)
      "One "
    "title"
  P (block)
    "See "
    Link (inline)
      NonStruct
        "a link"
      Object 12 0
  L (block):
     /ListNumbering /Disc
    LI (block)
      Lbl (block)
        "1. "
      LBody (block)
        P (block)
          "outer"
        L (block)
          LI (block)
            LBody (block)
              "inner"
  Table (block)
    Caption
      "Cap"
    THead
      TR
        TH <node1>:
           /Scope /Column
          "Head"
        TD
          "ﬁve"
  Figure
    Figure
      ""
    Caption
      "Fig"
  Sect
    P (block)
      Figure
        ""
      "inline"
`
	r := blockReader{}
	r.group(parseTags([]byte(printed)))
	want := []Block{
		{Paragraphs, "Running"},
		{Headings, "Onetitle"},
		{HeadingLevels, "H2:Onetitle"},
		{Links, "alink"},
		{Paragraphs, "Seealink"},
		{ListItems, "outer"},
		{ListItems, "inner"},
		{Captions, "Cap"},
		{Cells, "Head"},
		{HeaderCells, "Head"},
		{Cells, "five"},
		{Rows, "Headfive"},
		{Figures, ""},
		{Captions, "Fig"},
		{Figures, ""},
		{Paragraphs, "inline"},
	}
	if diff := cmp.Diff(want, r.blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

func FuzzTags(f *testing.F) {
	f.Add([]byte("Document\n  P (block)\n    \"text\"\n"))
	f.Add([]byte("          \"deep\"\n L:\n/x\nTable\n  TR\n    TD\n"))
	f.Fuzz(func(_ *testing.T, printed []byte) {
		r := blockReader{}
		r.group(parseTags(printed))
	})
}
