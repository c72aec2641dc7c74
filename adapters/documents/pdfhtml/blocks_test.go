package pdfhtml_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

type nodes = []*structure.Node

// TestBlocks converts small structures; a heading before them keeps the title out of the way.
func TestBlocks(t *testing.T) {
	t.Parallel()
	item := func(d *draft, label, text string, more ...*structure.Node) *structure.Node {
		n := node("LI")
		if label != "" {
			n.Kids = append(n.Kids, node("Lbl", d.line(label)))
		}
		n.Kids = append(n.Kids, node("LBody", append(nodes{d.run(" " + text)}, more...)...))
		return n
	}
	cell := func(d *draft, kind pdf.Name, text string) *structure.Node { return node(kind, node("P", d.line(text))) }
	for name, tc := range map[string]struct {
		make func(d *draft) nodes
		want string
	}{
		"lines become a paragraph": {func(d *draft) nodes {
			return nodes{node("P", d.line("One line"), d.line("and an-"), d.line("other one."))}
		}, `<p>One line and another one.</p>`},
		"a hyphen that the word has": {func(d *draft) nodes {
			return nodes{node("P", d.line("A well-known and a well-"), d.line("known word, E-"), d.line("Mail."))}
		}, `<p>A well-known and a well-known word, E-Mail.</p>`},
		"soft hyphens and ligatures": {func(d *draft) nodes {
			return nodes{node("P", d.line("An of\u00adﬁ\u00ad"), d.line("ce x²"))}
		}, `<p>An office x²</p>`},
		"text is escaped": {
			func(d *draft) nodes { return nodes{node("P", d.line(`<script>alert("1")</script>&amp;`))} },
			`<p>&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;&amp;amp;</p>`,
		},
		"what is emphasised": {func(d *draft) nodes {
			return nodes{node("P", d.line("A "), d.run("bold ", bold), d.run("and "), d.run("slanted", italic), d.run(" word, "), d.run("code", mono), d.run(" and much more plain text."))}
		}, `<p>A <strong>bold</strong> and <em>slanted</em> word, <code>code</code> and much more plain text.</p>`},
		"what is usual is no emphasis": {
			func(d *draft) nodes { return nodes{node("P", d.line("All of it is bold here and there.", bold))} },
			`<p>All of it is bold here and there.</p>`,
		},
		"raised and lowered": {func(d *draft) nodes {
			small := func(by float64) func(*pagetext.Run) {
				return func(r *pagetext.Run) { r.Size, r.Baseline = 6, r.Baseline+by }
			}
			return nodes{node("P", d.line("H"), d.run("2", small(-2)), d.run("O and mc"), d.run("2", small(4)), d.run(" here"))}
		}, `<p>H<sub>2</sub>O and mc<sup>2</sup> here</p>`},
		"actual text": {func(d *draft) nodes {
			return nodes{node("P", d.line("It is "), with(node("Span", d.run("w0rds")), func(n *structure.Node) { n.Edit().ActualText = "words" }))}
		}, `<p>It is words</p>`},
		"an abbreviation and another language": {func(d *draft) nodes {
			return nodes{node("P", with(node("Span", d.line("PDF")), func(n *structure.Node) { n.Edit().Expansion = "Portable Document Format" }), d.run(" or "),
				with(node("Span", d.run("Datei")), func(n *structure.Node) { n.Edit().Lang = "de-DE" }))}
		}, `<p><abbr title="Portable Document Format">PDF</abbr> or <span lang="de-DE">Datei</span></p>`},
		"an unknown language is none": {func(d *draft) nodes {
			return nodes{with(node("P", d.line("Text")), func(n *structure.Node) { n.Edit().Lang = `"><script>` })}
		}, `<p>Text</p>`},
		"bullets": {
			func(d *draft) nodes { return nodes{node("L", item(d, "•", "One"), item(d, "•", "Two"))} },
			`<ul><li>One</li><li>Two</li></ul>`,
		},
		"numbers that begin late and skip": {
			func(d *draft) nodes {
				return nodes{node("L", item(d, "3.", "One"), item(d, "4.", "Two"), item(d, "7.", "Three"))}
			},
			`<ol start="3"><li>One</li><li>Two</li><li value="7">Three</li></ol>`,
		},
		"letters": {
			func(d *draft) nodes { return nodes{node("L", item(d, "(h)", "One"), item(d, "(i)", "Two"))} },
			`<ol type="a" start="8"><li>One</li><li>Two</li></ol>`,
		},
		"roman numbers": {
			func(d *draft) nodes { return nodes{node("L", item(d, "i.", "One"), item(d, "ii.", "Two"))} },
			`<ol type="i"><li>One</li><li>Two</li></ol>`,
		},
		"told numbers without labels": {func(d *draft) nodes {
			return nodes{with(node("L", item(d, "", "One"), item(d, "", "Two")), func(n *structure.Node) { n.Edit().Numbering = "UpperAlpha" })}
		}, `<ol type="A"><li>One</li><li>Two</li></ol>`},
		"labels that are kept": {
			func(d *draft) nodes {
				return nodes{node("L", item(d, "[Knu84]", "A book"), item(d, "[Lam94]", "Another"))}
			},
			`<ul class="labels"><li><span class="label">[Knu84]</span> A book</li><li><span class="label">[Lam94]</span> Another</li></ul>`,
		},
		"terms": {
			func(d *draft) nodes { return nodes{node("L", item(d, "Term", "Meaning"), item(d, "Other", "Sense"))} },
			`<dl><dt>Term</dt><dd>Meaning</dd><dt>Other</dt><dd>Sense</dd></dl>`,
		},
		"a nested list": {
			func(d *draft) nodes {
				return nodes{node("L", item(d, "1.", "One", node("L", item(d, "–", "Inner"))), item(d, "2.", "Two"))}
			},
			`<ol><li>One<ul><li>Inner</li></ul></li><li>Two</li></ol>`,
		},
		"a list beside its item": {
			func(d *draft) nodes {
				return nodes{node("L", item(d, "•", "One"), node("L", item(d, "–", "Inner")))}
			},
			`<ul><li>One<ul><li>Inner</li></ul></li></ul>`,
		},
		"a list inside of a paragraph": {
			func(d *draft) nodes {
				return nodes{node("P", d.line("Before:"), node("L", item(d, "•", "One")), d.line("after."))}
			},
			`<p>Before:</p><ul><li>One</li></ul><p>after.</p>`,
		},
		"a table": {func(d *draft) nodes {
			return nodes{node("Table", node("Caption", d.line("Results")),
				node("TR", cell(d, "TH", "Name"), with(cell(d, "TH", "Value"), func(n *structure.Node) { n.Edit().ColSpan = 2 })),
				node("TR", with(cell(d, "TH", "A"), func(n *structure.Node) { n.Edit().Scope, n.Edit().RowSpan = "Row", 99 }), cell(d, "TD", "1"), cell(d, "TD", "2")))}
		}, `<table><caption>Results</caption><thead><tr><th scope="col">Name</th><th scope="col" colspan="2">Value</th></tr></thead><tbody><tr><th scope="row">A</th><td>1</td><td>2</td></tr></tbody></table>`},
		"headers that are named": {func(d *draft) nodes {
			return nodes{node("Table",
				node("TR", with(cell(d, "TH", "Name"), func(n *structure.Node) { n.Edit().ID = "a" }), cell(d, "TD", "")),
				node("TR", with(cell(d, "TD", "1"), func(n *structure.Node) { n.Edit().Headers = []string{"a", "none"} }), cell(d, "TD", "2")))}
		}, `<table><tbody><tr><th scope="row" id="header-1">Name</th><td></td></tr><tr><td headers="header-1">1</td><td>2</td></tr></tbody></table>`},
		"cells with names": {func(d *draft) nodes {
			named := func(n *structure.Node) { n.Edit().Alt = "Yes" }
			return nodes{node("Table", node("TR", cell(d, "TH", "Name"), cell(d, "TH", "Has it")), node("TR", cell(d, "TD", "1"), with(cell(d, "TD", "+"), named)))}
		}, `<table><thead><tr><th scope="col">Name</th><th scope="col">Has it</th></tr></thead><tbody><tr><td>1</td><td aria-label="Yes">+</td></tr></tbody></table>`},
		"a frame is no table": {func(d *draft) nodes { return nodes{node("Table", node("TR", cell(d, "TD", "Note")))} }, `<p>Note</p>`},
		"a caption beside a table": {func(d *draft) nodes {
			return nodes{node("Caption", d.line("Data")), node("Table", node("TR", cell(d, "TD", "1"), cell(d, "TD", "2")))}
		}, `<table><caption>Data</caption><tbody><tr><td>1</td><td>2</td></tr></tbody></table>`},
		"a quotation and a figure of text": {func(d *draft) nodes {
			return nodes{node("BlockQuote", node("P", d.line("Said.")))}
		}, `<blockquote><p>Said.</p></blockquote>`},
		"program text": {func(d *draft) nodes {
			first, second, third := d.line("if x {", mono), d.line("", mono), d.line("}", mono)
			d.pages[0].Runs()[second.Content.Runs[0]] = pagetext.Run{Text: "  y()", Mono: true, Size: 10, Baseline: d.y + 12, Box: pagetext.Rect{Left: 62, Right: 80, Bottom: d.y + 10, Top: d.y + 19}}
			return nodes{node("P", d.line("Enough of other text that the document is not all program text, and some more of it.")), node("Code", first, second, third)}
		}, "<p>Enough of other text that the document is not all program text, and some more of it.</p><pre><code>if x {\n  y()\n}</code></pre>"},
		"text from right to left": {
			func(d *draft) nodes {
				return nodes{with(node("P", d.line("םלוע םולש")), func(n *structure.Node) { n.Edit().Lang = "he" })}
			},
			`<p lang="he" dir="rtl">שלום עולם</p>`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDraft()
			heading := node("H1", d.line("Heading"))
			r := d.result(t, pdfhtml.Options{}, append(nodes{heading}, tc.make(d)...)...)
			got := strings.TrimPrefix(body(r), `<h1 id="heading">Heading</h1>`)
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			sound(t, r)
		})
	}
}

func TestHeadings(t *testing.T) {
	t.Parallel()
	d := newDraft()
	r := d.result(t, pdfhtml.Options{},
		node("H2", d.line("First", bold)), node("H4", d.line("Deep")), node("H3", d.line("Less")), node("H1"), node("H1", d.line("Top")), node("H2", d.line("First")),
		node("Sect", node("H", d.line("Section")), node("Sect", node("H", d.line("Inner")))))
	want := `<h1 id="first">First</h1><h2 id="deep">Deep</h2><h2 id="less">Less</h2><h1 id="top">Top</h1><h2 id="first-2">First</h2>` +
		`<section><h2 id="section">Section</h2><section><h3 id="inner">Inner</h3></section></section>`
	if got := body(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sound(t, r)
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		title, first string
		want, body   string
		flagged      bool
	}{
		"of the document":        {"Told", "Text", "Told", `<h1>Told</h1><p>Text</p>`, false},
		"that is the first line": {"Told", "Told", "Told", `<h1>Told</h1>`, false},
		"unknown":                {"-", "Text here", "Text here", `<h1>Text here</h1>`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDraft()
			tree := &structure.Tree{Root: node("Document", node("P", d.line(tc.first))), Title: strings.Trim(tc.title, "-")}
			r, err := pdfhtml.Convert(d.file, tree, d.pages, pdfhtml.Options{Language: "en"})
			if err != nil {
				t.Fatal(err)
			}
			flagged := slices.ContainsFunc(r.Manual, func(f pdfhtml.Flag) bool { return f.Rule == "document-title" })
			if r.Title != tc.want || body(r) != tc.body || flagged != tc.flagged {
				t.Errorf("title %q, flagged: %t, body %s", r.Title, flagged, body(r))
			}
			sound(t, r)
		})
	}
}
