package pdfhtml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// TestLarge converts structures with very many parts of one kind: none takes more than its number of steps.
func TestLarge(t *testing.T) {
	t.Parallel()
	const many = 10_000
	for name, build := range map[string]func(d *draft) nodes{
		"runs of a paragraph": func(d *draft) nodes {
			p := node("P")
			for range many {
				p.Kids = append(p.Kids, d.run("x"))
			}
			return nodes{p}
		},
		"soft hyphens": func(d *draft) nodes { return nodes{node("P", d.line(strings.Repeat("x\u00ad", many)))} },
		"lines of code": func(d *draft) nodes {
			code := node("Code")
			for range many {
				code.Kids = append(code.Kids, d.line("x", mono))
			}
			return nodes{code}
		},
		"rows": func(d *draft) nodes {
			table := node("Table")
			for range many {
				table.Kids = append(table.Kids, node("TR", node("TH", d.line("a")), node("TD", d.run("b"))))
			}
			return nodes{table}
		},
		"items": func(d *draft) nodes {
			list := node("L")
			for i := range many {
				list.Kids = append(list.Kids, node("LI", node("Lbl", d.line(fmt.Sprint(i+1, "."))), node("LBody", d.run(" b"))))
			}
			return nodes{list}
		},
		"headings of one name": func(d *draft) nodes {
			var out nodes
			for range many {
				out = append(out, node("H2", d.line("Same")))
			}
			return out
		},
		"links to one place": func(d *draft) nodes {
			p, to := node("P"), d.to(1, 700)
			for range many {
				p.Kids = append(p.Kids, node("Link", d.run("x"), to))
			}
			return nodes{p}
		},
		"notes with one mark": func(d *draft) nodes {
			var out nodes
			for range many {
				out = append(out, node("P", node("Reference", d.line("*")), node("Note", node("Lbl", d.run("*")), d.run("n"))))
			}
			return out
		},
		"captions": func(d *draft) nodes {
			var out nodes
			for range many {
				out = append(out, node("Caption", d.line("c")), node("Table", node("TR", node("TD", d.line("a")), node("TD", d.run("b")))))
			}
			return out
		},
		"text from right to left": func(d *draft) nodes {
			p := node("P")
			for range many {
				p.Kids = append(p.Kids, d.run("א"), d.run(" 1 a"))
			}
			return nodes{p}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDraft()
			kids := append(nodes{node("H1", d.line("Top"))}, build(d)...)
			tree := &structure.Tree{Root: node("Document", kids...)}
			r, err := pdfhtml.Convert(d.file, tree, d.pages, pdfhtml.Options{Language: "en"})
			if err != nil || len(r.HTML) < many {
				t.Fatalf("%d bytes: %v", len(r.HTML), err)
			}
		})
	}
}
