package typeset

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// noFonts is a machine without fonts, so that tests give the same everywhere.
func noFonts() *embedfont.Machine { return embedfont.NewMachine(filepath.Join(os.DevNull, "none")) }

// set converts HTML and sees that the PDF conforms.
func set(tb rapid.TB, source string) (*pdf.File, []byte, *Result) {
	tb.Helper()
	var b bytes.Buffer
	result, err := Convert([]byte(source), &b, Options{Fonts: noFonts()})
	if err != nil {
		tb.Fatalf("%v of\n%s", err, source)
	}
	f, err := pdf.Open(b.Bytes(), pdf.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	checked, err := pdfua.Check(f, pdfua.Limits{}, nil)
	if err != nil {
		tb.Fatalf("%v of\n%s", err, source)
	}
	if !checked.Conforms() {
		tb.Fatalf("the PDF fails %+v of\n%s", checked.Failures, source)
	}
	if checked.Pages != result.Pages {
		tb.Errorf("%d pages are said to be %d", checked.Pages, result.Pages)
	}
	return f, b.Bytes(), result
}

// outline writes the structure of a PDF: roles with their kids in parentheses, and text where texts is true.
func outline(tb testing.TB, f *pdf.File, texts bool) string {
	tb.Helper()
	shown := map[[2]int]string{}
	pages, err := f.Pages(10_000)
	if err != nil {
		tb.Fatal(err)
	}
	numbers := map[pdf.Ref]int{}
	for i, p := range pages {
		numbers[p.Ref] = i
		readMarks(tb, f, p, i, shown)
	}
	var write func(o pdf.Object, page int) string
	write = func(o pdf.Object, page int) string {
		switch v := f.Resolve(o).(type) {
		case pdf.Integer:
			if texts {
				return fmt.Sprintf("%q", shown[[2]int{page, int(v)}])
			}
		case pdf.Dict:
			if ref, ok := v["Pg"].(pdf.Ref); ok {
				page = numbers[ref]
			}
			switch f.Name(v["Type"]) {
			case "OBJR":
				return ""
			case "MCR":
				return write(v["MCID"], page)
			}
			var kids []string
			list, _ := f.Array(v["K"])
			for _, k := range list {
				if s := write(k, page); s != "" {
					kids = append(kids, s)
				}
			}
			role := string(f.Name(v["S"]))
			if len(kids) == 0 {
				return role
			}
			return role + "(" + strings.Join(kids, " ") + ")"
		}
		return ""
	}
	tree, _ := f.Dict(f.Catalog()["StructTreeRoot"])
	list, _ := f.Array(tree["K"])
	return write(list[0], 0)
}

// readMarks reads the text of each marked-content sequence of a page.
func readMarks(tb testing.TB, f *pdf.File, p pdf.Page, number int, shown map[[2]int]string) {
	tb.Helper()
	content, err := f.Content(p)
	if err != nil {
		tb.Fatal(err)
	}
	resources, _ := f.Dict(p.Dict["Resources"])
	dicts, _ := f.Dict(resources["Font"])
	fonts := map[pdf.Name]*pdffont.Font{}
	for name, o := range dicts {
		d, _ := f.Dict(o)
		fonts[name] = pdffont.Read(f, d)
	}
	var open []int
	var font *pdffont.Font
	scanner := pdf.NewScanner(content, pdf.Limits{})
	for op, ok := scanner.Next(); ok; op, ok = scanner.Next() {
		switch op.Operator {
		case "BDC", "BMC":
			id := -1
			if d, ok := op.Operands[len(op.Operands)-1].(pdf.Dict); ok {
				if n, ok := d["MCID"].(pdf.Integer); ok {
					id = int(n)
				}
			}
			open = append(open, id)
		case "EMC":
			open = open[:len(open)-1]
		case "Tf":
			font = fonts[op.Operands[0].(pdf.Name)]
		case "TJ":
			for _, o := range op.Operands[0].(pdf.Array) {
				s, isString := o.(pdf.String)
				if !isString || len(open) == 0 || open[0] < 0 {
					continue
				}
				for _, code := range font.Codes(string(s)) {
					shown[[2]int{number, open[0]}] += font.Glyph(code).Text
				}
			}
		}
	}
	if len(open) != 0 {
		tb.Errorf("page %d leaves marked content open", number+1)
	}
}

const dot = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// TestStructure compares the structure of the PDF with that of the HTML.
func TestStructure(t *testing.T) {
	t.Parallel()
	for html, want := range map[string]string{
		`<p>a<p>b`:              `Document(P("a") P("b"))`,
		`a <b>b</b> <i>c`:       `Document(P("a b c"))`,
		`<div>a<p>b</p>c</div>`: `Document(P("a") P("b") P("c"))`,
		`<h1>A</h1><h3>B</h3><h2>C</h2><h6></h6>`:                 `Document(H1("A") H2("B") H2("C"))`,
		`<h2>A</h2><h1>B</h1>`:                                    `Document(H1("A") H1("B"))`,
		`<section><h1>A</h1><article>b</article></section>`:       `Document(Sect(H1("A") Art(P("b"))))`,
		`<p>a<a href="https://a.b/">l</a>c`:                       `Document(P("a" Link("l") "c"))`,
		`<a href="https://a.b/"><div>x</div><p>y</p></a>`:         `Document(P(Link("x")) P(Link("y")))`,
		`<a href="javascript:alert(1)">x</a> <a href="#no">y</a>`: `Document(P("x y"))`,
		`<pre>a
 b</pre>`: `Document(P(Code("a  b")))`,
		`<pre><code>a</code> b</pre><p>c <code>d</code>`:                                   `Document(P(Code("a b")) P("c " Code("d")))`,
		`<ul><li>a<pre>b</pre></ul>`:                                                       `Document(L(LI(Lbl("•") LBody(P("a") P(Code("b"))))))`,
		`<p>a <a href="https://a.b/" aria-label="Site"></a>`:                               `Document(P("a " Link("Site")))`,
		`<p>a <a href="https://a.b/" title="Site"> </a> b`:                                 `Document(P("a " Link("Site") " b"))`,
		`<p>a <a href="https://a.b/" aria-label="Site"><img alt="" src="` + dot + `"></a>`: `Document(P("a " Link(Figure(""))))`,
		`<table><caption>c</caption><tr><th>a<th aria-label="Has it">b<tr><td>1<td aria-label="Yes">+<tr><td>2<td aria-label="No"></table>`: `Document(Table(Caption("c") TBody(TR(TH("a") TH("b")) TR(TD("1") TD("+")) TR(TD("2") TD))))`,
		`<p id=t>x</p><a href="#t">y</a>`:                 `Document(P("x") P(Link("y")))`,
		`<ul><li>a<li>b<ul><li>c</ul></ul>`:               `Document(L(LI(Lbl("•") LBody("a")) LI(Lbl("•") LBody(P("b") L(LI(Lbl("○") LBody("c")))))))`,
		`<ol start=3 type=i><li>a<li value=9>b<li>c</ol>`: `Document(L(LI(Lbl("iii.") LBody("a")) LI(Lbl("ix.") LBody("b")) LI(Lbl("x.") LBody("c"))))`,
		`<ol reversed><li>a<li>b</ol>`:                    `Document(L(LI(Lbl("2.") LBody("a")) LI(Lbl("1.") LBody("b"))))`,
		`<ul style="list-style:none"><li>a</ul>`:          `Document(L(LI(LBody("a"))))`,
		`<ul>text<p>p</p></ul>`:                           `Document(L(LI(LBody(P("text"))) LI(LBody(P("p")))))`,
		`<li>alone`:                                       `Document(P("alone"))`,
		`<dl><dt>a<dt>b<dd>c<dd>d<dt>e<dd>f</dl>`:         `Document(L(LI(Lbl("a") Lbl("b") LBody("c") LBody("d")) LI(Lbl("e") LBody("f"))))`,
		`<blockquote>q</blockquote><pre>a
 b</pre>`: `Document(BlockQuote(P("q")) P(Code("a  b")))`,
		`<p><code>x</code> <q>y</q> <abbr title="Long">L</abbr> <span lang=fr>z</span>`: `Document(P(Code("x") " " Quote("“y”") " " Span("L") " " Span("z")))`,
		`<table><caption>c</caption><tr><th>a<th>b<tr><td>1<td>2</table>`:               `Document(Table(Caption("c") TBody(TR(TH("a") TH("b")) TR(TD("1") TD("2")))))`,
		`<table><tfoot><tr><td>f</tfoot><thead><tr><th>h</thead><tr><td>1</table>`:      `Document(Table(THead(TR(TH("h"))) TBody(TR(TD("1"))) TFoot(TR(TD("f")))))`,
		`<table><thead><tr><th>h</thead></table>`:                                       `Document(Table(TBody(TR(TH("h")))))`,
		`<table><tr><td>a<td>b<tr><td>c</table>`:                                        `Document(Table(TBody(TR(TD("a") TD("b")) TR(TD("c") TD))))`,
		`<table role=presentation><tr><td>a<td>b</table>`:                               `Document(P("a") P("b"))`,
		`<table><tr><td rowspan=3>a<td rowspan=2>b<tr><tr><td>c</table>`:                `Document(Table(TBody(TR(TD("a") TD("b")) TR(TD("c")))))`,
		`<table></table>`:                        `Document`,
		`<p>x<img src="` + dot + `" alt="dot">y`: `Document(P("x" Figure("") "y"))`,
		`<img src="` + dot + `" alt="">`:         `Document`,
		`<figure><img src="` + dot + `" alt="d"><figcaption>c</figcaption></figure>`:                 `Document(Div(Figure("") Caption("c")))`,
		`<img src=missing.png alt="what it shows">`:                                                  `Document(Figure("what it shows"))`,
		`<p>t<a role=doc-noteref href="#n">1</a></p><aside role=doc-footnote id=n>note</aside>`:      `Document(P("t" Reference(Link("1"))) Note("note"))`,
		`<p>a<span aria-hidden=true>b</span>c</p><div hidden>d</div>`:                                `Document(P("a" "c"))`,
		`<p>a</p><p style="display:none">b</p><hr><p>  </p>`:                                         `Document(P("a"))`,
		`<math alttext="x squared"><msup><mi>x</mi><mn>2</mn></msup></math>`:                         `Document(Formula("x2"))`,
		`<input value="v"><input type=checkbox checked><select><option>a<option selected>b</select>`: `Document(P("v■b"))`,
		`<p>one<br>two</p>`:                          `Document(P("one two"))`,
		`<details><summary>s</summary>t</details>`:   `Document(P("s") P("t"))`,
		`<ruby>a<rp>(</rp><rt>b</rt></ruby>`:         `Document(P("a(b)"))`,
		`<p style="text-transform:uppercase">a</p>`:  `Document(P("A"))`,
		`<style>p::before{content:"» "}</style><p>a`: `Document(P("» a"))`,
		``: `Document`,
	} {
		t.Run(html, func(t *testing.T) {
			t.Parallel()
			f, _, _ := set(t, `<!doctype html><html lang="en"><title>T</title><body>`+html)
			if got := outline(t, f, true); got != want {
				t.Errorf("%s\nis %s\ninstead of %s", html, got, want)
			}
		})
	}
}

// TestDocumentLevel tests what is said of the document as a whole.
func TestDocumentLevel(t *testing.T) {
	t.Parallel()
	f, _, result := set(t, `<html lang="de-AT"><title> Der  Titel </title><h1>A</h1><h2>B</h2><h1>C</h1>`)
	if result.Title != "Der Titel" || result.Language != "de-AT" || len(result.Manual) > 0 {
		t.Errorf("the result is %+v", result)
	}
	outlines, _ := f.Dict(f.Catalog()["Outlines"])
	first, _ := f.Dict(outlines["First"])
	below, _ := f.Dict(first["First"])
	next, _ := f.Dict(first["Next"])
	for want, d := range map[string]pdf.Dict{"A": first, "B": below, "C": next} {
		if title, _ := f.String(d["Title"]); title.Text() != want {
			t.Errorf("a bookmark is %q instead of %q", title.Text(), want)
		}
	}
	if _, _, result = set(t, `<h1>Heading</h1>`); result.Title != "Heading" || result.Language != "und" || len(result.Manual) != 2 {
		t.Errorf("without title and language the result is %+v", result)
	}
}

// TestManual tests that what only a person can say is said to be missing.
func TestManual(t *testing.T) {
	t.Parallel()
	for html, want := range map[string]string{
		`<img src="` + dot + `">`:                                          "no alternative text",
		`<figure><img src="` + dot + `"><figcaption>c</figure>`:            "its caption was taken",
		`<a href="https://a.b/"></a><p>x`:                                  "",
		`<a href="https://a.b/"><img src="` + dot + `" alt=""></a>`:        "has no text",
		`<math><mi>x</mi></math>`:                                          "formula",
		`<img src="` + dot + `" alt="a"><img src="` + dot + `" title="b">`: "",
	} {
		_, _, result := set(t, `<!doctype html><html lang="en"><title>T</title><body>`+html)
		if got := strings.Join(result.Manual, " "); !strings.Contains(got, want) || want == "" && strings.Contains(html, "img") && got != "" {
			t.Errorf("%s: %q", html, got)
		}
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	f, _, _ := set(t, `<html lang=en><title>T</title><table><tr><th id=a rowspan=2>a<th colspan=2>b<tr><th id=c headers="a zz">c<th>d<tr><th>r<td headers="a c">1<td>2</table>`)
	var found []string
	f.Each(func(d pdf.Dict) {
		if s := f.Name(d["S"]); s == "TH" || s == "TD" {
			a, _ := f.Dict(d["A"])
			headers, _ := f.Array(a["Headers"])
			found = append(found, fmt.Sprintf("%s %s %v %v %d", s, f.Name(a["Scope"]), a["ColSpan"], a["RowSpan"], len(headers)))
		}
	})
	want := "TH Column <nil> 2 0,TH Column <nil> <nil> 1,TH Column 2 <nil> 0,TH Column <nil> <nil> 0,TH Row <nil> <nil> 0,TD  <nil> <nil> 2,TD  <nil> <nil> 0"
	if got := strings.Join(found, ","); got != want {
		t.Errorf("the cells are\n%s instead of\n%s", got, want)
	}
}

// TestNames sees that names which only assistive technology hears are in the PDF as alternative texts.
func TestNames(t *testing.T) {
	t.Parallel()
	f, _, _ := set(t, `<html lang=en><title>T</title><table><tr><th>a<th aria-label="Has it">b<tr><td>1<td aria-label="Yes">+<tr><td>2<td aria-label="No"></table>`+
		`<p><a href="https://a.b/" aria-label="Site"><img alt="" src="`+dot+`"></a>`)
	var found []string
	f.Each(func(d pdf.Dict) {
		if alt, ok := f.String(d["Alt"]); ok {
			found = append(found, string(f.Name(d["S"]))+" "+alt.Text())
		}
	})
	slices.Sort(found)
	if got := strings.Join(found, ","); got != "Figure Site,TD No,TD Yes,TH Has it" {
		t.Errorf("the alternative texts are %s", got)
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	f, _, _ := set(t, `<html lang=en><title>T</title><base href="https://x.y/z/"><p>`+strings.Repeat("word ", 30)+`<a href="page?q=1" aria-label="Where">`+strings.Repeat("link ", 40)+`</a>`)
	count := 0
	f.Each(func(d pdf.Dict) {
		if f.Name(d["Subtype"]) != "Link" {
			return
		}
		count++
		a, _ := f.Dict(d["A"])
		uri, _ := f.String(a["URI"])
		contents, _ := f.String(d["Contents"])
		if uri != "https://x.y/z/page?q=1" || contents.Text() != "Where" {
			t.Errorf("the link leads to %q and is called %q", uri, contents.Text())
		}
	})
	if count < 2 || count > 4 {
		t.Errorf("a link over some lines has %d annotations", count)
	}
}

// TestOracle asks veraPDF about a document with everything in it.
func TestOracle(t *testing.T) {
	t.Parallel()
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	sources, err := filepath.Glob(filepath.Join("testdata", "*.html"))
	if err != nil || len(sources) == 0 {
		t.Fatal("there are no documents", err)
	}
	for i, path := range sources {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, data, _ := set(t, string(source))
		judge(t, oracle, filepath.Join(folder, fmt.Sprintf("%d.pdf", i)), data)
	}
}

func judge(tb testing.TB, oracle *verapdftest.Oracle, path string, data []byte) {
	tb.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	if verdict, err := oracle.Check(path); err != nil || !verdict.Conforms {
		tb.Errorf("veraPDF: %v %v", verdict.FailedRules, err)
	}
}

func TestSameBytes(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join("testdata", "article.html"))
	if err != nil {
		t.Fatal(err)
	}
	_, first, _ := set(t, string(source))
	_, second, _ := set(t, string(source))
	if !bytes.Equal(first, second) {
		t.Error("the same HTML gives different bytes")
	}
}
