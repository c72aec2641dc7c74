package pdfhtml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
	"github.com/perfectworks/backend/adapters/documents/pdfimage"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// TestAddresses tells which addresses may be followed.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://example.org/a?b=c&d": "https://example.org/a?b=c&amp;d", "http://example.org": "http://example.org",
		"mailto:a@example.org": "mailto:a@example.org", "tel:+49301": "tel:+49301", "www.example.org": "https://www.example.org",
		"HTTPS://EXAMPLE.ORG/A b": "https://EXAMPLE.ORG/A%20b", "javascript:alert(1)": "", " JavaScript:alert(1)": "",
		"java\nscript:alert(1)": "", "data:text/html,<script>": "", "file:///etc/passwd": "", "vbscript:x": "", "": "", "//example.org": "",
		"chapter2.pdf": "", "https:": "", `https://example.org/"><script>`: "https://example.org/%22%3E%3Cscript%3E",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			d := newDraft()
			r := d.result(t, pdfhtml.Options{}, node("H1", d.line("Heading")), node("P", node("Link", d.line("a link"), d.link(address))))
			_, got, _ := strings.Cut(body(r), "</h1>")
			expected := "<p>a link</p>"
			if want != "" {
				expected = `<p><a href="` + want + `">a link</a></p>`
			}
			if got != expected {
				t.Errorf("got %s, want %s", got, expected)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	d := newDraft()
	heading := node("H1", d.line("Top"))
	there := node("P", node("Link", d.line("Here: "), d.run("go on", bold), d.to(1, 700)), d.run(" to it"))
	unsaid := d.line("said by an area alone")
	box := d.pages[0].Runs()[unsaid.Content.Runs[0]].Box
	d.annotation(pdf.Dict{
		"Subtype": pdf.Name("Link"), "A": pdf.Dict{"S": pdf.Name("URI"), "URI": pdf.String("https://example.org/")},
		"Rect": pdf.Array{pdf.Real(box.Left), pdf.Real(box.Bottom), pdf.Real(box.Right), pdf.Real(box.Top)},
	})
	d.y = 690
	target, after := node("P", d.line("The target")), node("P", d.line("After"))
	r := d.result(t, pdfhtml.Options{}, heading, there, node("P", unsaid), target, after, node("P", node("Link", d.image(20), d.link("https://example.org/x"))))
	want := `<h1 id="top">Top</h1><p><a href="#p1-1">Here: <strong>go on</strong></a> to it</p><p><a href="https://example.org/">said by an area alone</a></p>` +
		`<p id="p1-1">The target</p><p>After</p><p><a href="https://example.org/x"><img src="`
	if got := body(r); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sound(t, r) // the link that only shows an image is said to have no name
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"de": "de", "en-us": "en-US", "zh-Hant-TW": "zh-Hant-TW", " fr ": "fr", "x-unknown": "", "und": "", "und-Latn": "", "english": "",
		"": "", "12": "", "de_DE": "de-DE", `en"><script>`: "",
	} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			d := newDraft()
			tree := &structure.Tree{Root: node("Document", node("H1", d.line("12"))), Language: tag}
			r, err := pdfhtml.Convert(d.file, tree, d.pages, pdfhtml.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Language != want || strings.Contains(string(r.HTML), `<html lang="`+want+`"`) != (want != "") {
				t.Errorf("got %q, want %q", r.Language, want)
			}
			sound(t, r)
		})
	}
}

func TestQuotations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"“Said.”": "<q>Said.</q>", "«dit»": "<q>dit</q>", "said": "said", "“": "“", "“”": "", "“open": "“open",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			d := newDraft()
			r := d.result(t, pdfhtml.Options{}, node("H1", d.line("Top")), node("P", d.line("(a) "), node("Quote", d.run(text)), d.run(", b")))
			got := strings.TrimPrefix(body(r), `<h1 id="top">Top</h1>`)
			if got != "<p>(a) "+want+", b</p>" && (want != "" || got != "<p>(a), b</p>") {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	d := newDraft()
	heading, apart := node("H1", d.line("Top")), node("Quote", d.line("“"), d.run("Said"), d.run("”"))
	r := d.result(t, pdfhtml.Options{}, heading, node("P", apart, d.run(", b")))
	if got, want := body(r), `<h1 id="top">Top</h1><p><q>Said</q>, b</p>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	d := newDraft()
	heading := node("H1", d.line("Top"))
	first := d.line("a long exam-")
	d.page()
	second := d.line("ple.")
	item := node("LI", node("LBody", d.line("Item")))
	d.page()
	r := d.result(t, pdfhtml.Options{Language: "de"}, heading, node("P", first, second), node("L", item), node("H2", d.line("Last")))
	mark := func(n int) string {
		return fmt.Sprintf(`<span role="doc-pagebreak" id="page-%d" title="Seite %d"></span>`, n, n)
	}
	want := mark(1) + `<h1 id="top">Top</h1><p>a long exam` + mark(2) + `ple.</p><ul><li>Item</li></ul>` + mark(3) + `<h2 id="last">Last</h2>`
	if got := body(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sound(t, r)
}

func TestPageLabels(t *testing.T) {
	t.Parallel()
	d := newDraft()
	kids := nodes{node("H1", d.line("Top"))}
	for range 6 {
		d.page()
		kids = append(kids, node("P", d.line("x")))
	}
	at := func(from int, entries pdf.Dict) pdf.Array { return pdf.Array{pdf.Integer(from), entries} }
	tree := pdf.Dict{"Kids": pdf.Array{
		pdf.Dict{"Nums": append(at(0, pdf.Dict{"S": pdf.Name("r"), "St": pdf.Integer(3)}), at(2, pdf.Dict{"S": pdf.Name("D")})...)},
		pdf.Dict{"Nums": append(append(at(4, pdf.Dict{"S": pdf.Name("A"), "St": pdf.Integer(28)}), at(5, pdf.Dict{"S": pdf.Name("R"), "P": pdf.String("A-")})...), at(6, pdf.Dict{})...)},
	}}
	loop := d.file.Add(tree)
	tree["Kids"] = append(tree["Kids"].(pdf.Array), loop)
	d.file.Catalog()["PageLabels"] = loop
	r := d.result(t, pdfhtml.Options{}, kids...)
	var got []string
	for _, part := range strings.Split(body(r), `title="Page `)[1:] {
		label, _, _ := strings.Cut(part, `"`)
		got = append(got, label)
	}
	if want := "iii iv 1 2 BB A-I 7"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	sound(t, r)
}

func TestNotes(t *testing.T) {
	t.Parallel()
	d := newDraft()
	heading := node("H1", d.line("Top"))
	inside := node("Note", node("Lbl", d.line("*")), node("P", d.run(" Within.")))
	linked := node("P", d.line("Claimed."), node("Reference", d.run("1")), d.run(" Said"), inside, d.run(" here."))
	note := node("Note", node("Lbl", d.line("1")), node("P", d.run(" Proved.")))
	r := d.result(t, pdfhtml.Options{}, heading, linked, note, node("Note", node("P", d.line("Nobody refers to it."))))
	want := `<h1 id="top">Top</h1><p>Claimed.<sup><a role="doc-noteref" id="note-reference-1" href="#note-1">1</a></sup> Said` +
		`<sup><a role="doc-noteref" id="note-reference-2" href="#note-2">*</a></sup> here.</p>` +
		`<div role="doc-footnote" id="note-2"><p><sup>*</sup> Within. <a role="doc-backlink" href="#note-reference-2" aria-label="Back to the text">↩</a></p></div>` +
		`<div role="doc-footnote" id="note-1"><p><sup>1</sup> Proved. <a role="doc-backlink" href="#note-reference-1" aria-label="Back to the text">↩</a></p></div>` +
		`<div role="note"><p>Nobody refers to it.</p></div>`
	if got := body(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sound(t, r)
}

func TestContents(t *testing.T) {
	t.Parallel()
	d := newDraft()
	entry := func(text string, kids ...*structure.Node) *structure.Node {
		return node("TOCI", append(nodes{node("Reference", node("Link", d.line(text), d.to(1, 600)))}, kids...)...)
	}
	contents := node("TOC", entry("1 First ........ 1", node("TOC", entry("1.1 Inner . . . . . 2"))))
	d.y = 612
	r := d.result(t, pdfhtml.Options{}, contents, node("H1", d.line("First")))
	want := `<nav aria-label="Contents"><ul><li><a href="#first">1 First 1</a><ul><li><a href="#first">1.1 Inner 2</a></li></ul></li></ul></nav><h1 id="first">First</h1>`
	if got := body(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sound(t, r)
}

func TestFigures(t *testing.T) {
	t.Parallel()
	kept := map[string]int{}
	keep := func(name, mime string, data []byte) string {
		kept[name+" "+mime]++
		return "images/" + name
	}
	d := newDraft()
	heading := node("H1", d.line("Top"))
	alt := func(text string) func(*structure.Node) { return func(n *structure.Node) { n.Edit().Alt = text } }
	img := func(rest string) string { return `<img src="images/image-1.png" width="40" height="40"` + rest + `/>` }
	r := d.result(t, pdfhtml.Options{Images: keep}, heading,
		with(node("Figure", d.image(30)), alt(`A "dot"`)),
		node("Figure", d.image(30), node("Caption", node("P", d.line("Figure 1")))),
		node("Figure", d.image(30)),
		node("P", d.line("An "), with(node("Figure", d.image(30)), alt("icon")), d.line("inside.")),
		with(node("Figure", d.image(30), d.image(30)), alt("Two strips")),
		with(node("P", d.line("")), alt("")))
	want := `<h1 id="top">Top</h1><figure>` + img(` alt="A &#34;dot&#34;"`) + `</figure>` +
		`<figure>` + img(` aria-labelledby="caption-1"`) + `<figcaption id="caption-1">Figure 1</figcaption></figure>` +
		`<figure>` + img("") + `</figure><p>An ` + img(` alt="icon"`) + ` inside.</p>` +
		`<figure><span role="img" aria-label="Two strips">` + img(` alt=""`) + img(` alt=""`) + `</span></figure>`
	if got := body(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(kept) != 1 || kept["image-1.png image/png"] != 1 {
		t.Errorf("kept %v", kept)
	}
	if len(r.Manual) != 2 { // the one with a caption and the one without
		t.Errorf("flags: %v", r.Manual)
	}
	sound(t, r)
}

func TestImagesThatCannotBeShown(t *testing.T) {
	t.Parallel()
	d := newDraft()
	heading, figure := node("H1", d.line("Top")), with(node("Figure", d.image(30)), func(n *structure.Node) { n.Edit().Alt = "A seal" })
	d.pages[0].Images[0].Stream.Dict["Filter"] = pdf.Name("JPXDecode")
	r := d.result(t, pdfhtml.Options{}, heading, figure)
	if got, want := body(r), `<h1 id="top">Top</h1><figure><p>A seal</p></figure>`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0], "JPXDecode") {
		t.Errorf("warnings: %q", r.Warnings)
	}
	d = newDraft()
	heading, figure = node("H1", d.line("Top")), node("Figure", d.image(30), d.image(30))
	r = d.result(t, pdfhtml.Options{Limits: pdfhtml.Limits{ImageBytes: 100, Image: pdfimage.Limits{Pixels: 10}}}, heading, figure)
	if n := strings.Count(string(r.HTML), "<img"); n != 0 || len(r.Warnings) == 0 {
		t.Errorf("%d images within 100 bytes; warnings: %q", n, r.Warnings)
	}
}

func TestDrawing(t *testing.T) {
	t.Parallel()
	f := newDraft()
	content := "q 1 0 0 1 10 20 cm 1 0 0 rg 0 0 0 RG 2 w [4 2] 0 d 0 0 100 50 re B Q 0 0 10 10 re W n 0 g 5 5 m 50 50 l 50 5 l h f*"
	page, _ := f.file.Dict(f.refs[0])
	page["Contents"] = f.file.Add(pdf.NewStream(nil, []byte(content)))
	list, err := f.file.Pages(10)
	if err != nil {
		t.Fatal(err)
	}
	read, err := pagetext.Read(f.file, list, pagetext.Limits{})
	if err != nil || len(read[0].Shapes()) != 2 {
		t.Fatalf("%d shapes: %v", len(read[0].Shapes()), err)
	}
	f.pages[0].SetShapes(read[0].Shapes())
	f.pages[0].Streams = read[0].Streams
	label := f.line("a label")
	label.Content.Shapes = []int{0, 1}
	r := f.result(t, pdfhtml.Options{}, node("H1", f.line("Top")), node("Figure", label))
	got := body(r)
	for _, want := range []string{
		`<path d="M10 780 L110 780 L110 730 L10 730 Z" fill="#ff0000" stroke="#000000" stroke-width="2" stroke-dasharray="4 2"></path>`,
		`<clipPath id="clip-1"><rect x="0" y="790" width="10" height="10"></rect></clipPath>`,
		`<path d="M5 795 L50 750 L50 795 Z" fill="#000000" fill-rule="evenodd" clip-path="url(#clip-1)"></path>`,
		`>a label</text>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if len(r.Manual) != 1 || r.Manual[0].Rule != "image-alt" {
		t.Errorf("flags: %v", r.Manual)
	}
	sound(t, r)
}

// TestButtonsOfGroups names buttons and their groups apart: the paragraph around all of them has the group's name, else
// each of them.
func TestButtonsOfGroups(t *testing.T) {
	t.Parallel()
	d := newDraft()
	button := func(group pdf.Ref, name string) *structure.Node {
		return node("Form", d.annotation(pdf.Dict{"Subtype": pdf.Name("Widget"), "Parent": group, "TU": pdf.String(name)}))
	}
	group := func(name string) pdf.Ref {
		return d.file.Add(pdf.Dict{"FT": pdf.Name("Btn"), "Ff": pdf.Integer(1 << 15), "TU": pdf.String(name)})
	}
	receipt, size := group("Receipt?"), group("Size")
	r := d.result(t, pdfhtml.Options{}, node("H1", d.line("Top")),
		node("P", d.line("Receipt? "), button(receipt, "Yes"), d.line("Yes "), button(receipt, "No"), d.line("No")),
		node("P", button(size, "Small"), d.line("Small")), node("P", button(size, "Large"), d.line("Large")))
	got := body(r)
	for _, want := range []string{
		`<p role="radiogroup" aria-label="Receipt?">Receipt? <input type="radio" disabled="" aria-label="Yes" name="group-1"/>`,
		`<input type="radio" disabled="" aria-label="No" name="group-1"/>`,
		`<p><input type="radio" disabled="" aria-label="Size: Small" name="group-2"/>`,
		`<p><input type="radio" disabled="" aria-label="Size: Large" name="group-2"/>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	sound(t, r)
}

func TestForms(t *testing.T) {
	t.Parallel()
	d := newDraft()
	heading := node("H1", d.line("Top"))
	field := func(entries pdf.Dict) *structure.Node {
		entries["Subtype"] = pdf.Name("Widget")
		return node("Form", d.annotation(entries))
	}
	parent := d.file.Add(pdf.Dict{"FT": pdf.Name("Btn"), "Ff": pdf.Integer(1 << 15), "TU": pdf.String("Color")})
	r := d.result(t, pdfhtml.Options{}, heading, node("P", d.line("Name: "),
		field(pdf.Dict{"FT": pdf.Name("Tx"), "TU": pdf.String("Your name"), "V": pdf.String(`"A"`)})), node("P", d.line("More: "),
		field(pdf.Dict{"FT": pdf.Name("Tx"), "Ff": pdf.Integer(1 << 12), "TU": pdf.String("More"), "V": pdf.String("a\rb")}),
		field(pdf.Dict{"FT": pdf.Name("Btn"), "T": pdf.String("agree"), "AS": pdf.Name("Yes")}),
		field(pdf.Dict{"Parent": parent, "AS": pdf.Name("Off")}),
		field(pdf.Dict{"FT": pdf.Name("Btn"), "Ff": pdf.Integer(1 << 16), "MK": pdf.Dict{"CA": pdf.String("Send")}}),
		field(pdf.Dict{"FT": pdf.Name("Ch"), "Ff": pdf.Integer(1 << 17), "TU": pdf.String("Size"), "V": pdf.String("l"), "Opt": pdf.Array{pdf.Array{pdf.String("s"), pdf.String("Small")}, pdf.Array{pdf.String("l"), pdf.String("Large")}}})))
	want := `<h1 id="top">Top</h1><p>Name: <input type="text" value="&#34;A&#34;" disabled="" aria-label="Your name"/></p>` +
		"<p>More: <textarea disabled=\"\" aria-label=\"More\">a\nb</textarea> " +
		`<input type="checkbox" checked="" disabled="" aria-label="agree"/> <input type="radio" disabled="" aria-label="Color"/> ` +
		`<button type="button" disabled="">Send</button> <select disabled="" aria-label="Size"><option>Small</option><option selected="">Large</option></select></p>`
	if got := body(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(r.Manual) != 1 || r.Manual[0].Rule != "label" {
		t.Errorf("flags: %v", r.Manual)
	}
	sound(t, r)
}
