package corpustest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHTMLBlocks(t *testing.T) {
	t.Parallel()
	got, err := HTMLBlocks([]byte(`<title>No</title><a href="#m">Skip</a><nav><ul><li>Contents</ul></nav><main>
<h1>One <em>title</em></h1> loose <b>text</b>
<div>More<p>See <a href="/x">a link</a>, <a name=y>none</a></div>
<ol><li>outer<ul><li><p>inner</ul></ol>
<table><caption>Cap</caption><tr><th>Head<td>five</table>
<figure><svg><text>not read</text></svg><figcaption>Fig</figcaption></figure>
<script>no</script></main><footer>Foot</footer>`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{
		{Headings, "Onetitle"},
		{HeadingLevels, "H1:Onetitle"},
		{Paragraphs, "loosetext"},
		{Paragraphs, "More"},
		{Links, "alink"},
		{Paragraphs, "Seealink,none"},
		{ListItems, "outer"},
		{ListItems, "inner"},
		{Captions, "Cap"},
		{Cells, "Head"},
		{HeaderCells, "Head"},
		{Cells, "five"},
		{Rows, "Headfive"},
		{Figures, ""},
		{Captions, "Fig"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	if got, err := HTMLBlocks([]byte("<p>No main")); err != nil || len(got) != 1 {
		t.Errorf("without main: %v, %v", got, err)
	}
}

func FuzzHTMLBlocks(f *testing.F) {
	f.Add("<main><table><tr><td><ul><li><h1><a href=x>")
	f.Add(strings.Repeat("<div>", 600) + "<p>deep")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = HTMLBlocks([]byte(text)) // whatever it is, reading it ends
	})
}
