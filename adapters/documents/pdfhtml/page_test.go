package pdfhtml_test

import (
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// draft is a document under construction: each text stands on a line of its own unless it is told to go on.
type draft struct {
	file  *pdf.File
	refs  []pdf.Ref
	pages []*pagetext.Page
	x, y  float64
}

const letterWidth = 5 // of a font of 10 points

func newDraft() *draft {
	d := &draft{file: pdf.New()}
	d.file.Catalog()["Pages"] = d.file.Add(pdf.Dict{"Type": pdf.Name("Pages")})
	d.page()
	return d
}

// page begins a page.
func (d *draft) page() {
	page := pdf.Dict{"Type": pdf.Name("Page"), "MediaBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(600), pdf.Integer(800)}, "Annots": pdf.Array{}}
	d.refs = append(d.refs, d.file.Add(page))
	d.pages = append(d.pages, &pagetext.Page{Number: len(d.pages) + 1, Width: 600, Height: 800, Streams: []pagetext.Stream{{Outer: -1, Operation: -1}}})
	kids := pdf.Array{}
	for _, ref := range d.refs {
		kids = append(kids, ref)
	}
	tree, _ := d.file.Dict(d.file.Catalog()["Pages"])
	tree["Kids"], tree["Count"] = kids, pdf.Integer(len(kids))
	d.x, d.y = 50, 750
}

// run shows text where the last one ended.
func (d *draft) run(text string, change ...func(*pagetext.Run)) *structure.Node {
	p := d.pages[len(d.pages)-1]
	r := pagetext.Run{Text: text, Size: 10, Baseline: d.y, Place: pagetext.Place{Mark: -1}}
	for _, c := range change {
		c(&r)
	}
	width := float64(len([]rune(text))) * letterWidth * r.Size / 10
	r.Box = pagetext.Rect{Left: d.x, Right: d.x + width, Bottom: r.Baseline - 2, Top: r.Baseline + 0.75*r.Size}
	d.x += width
	p.SetRuns(append(p.Runs(), r))
	return &structure.Node{Content: structure.Content{Page: p.Number, Runs: []int{len(p.Runs()) - 1}}}
}

// line shows text at the start of the next line.
func (d *draft) line(text string, change ...func(*pagetext.Run)) *structure.Node {
	d.x, d.y = 50, d.y-12
	return d.run(text, change...)
}

func bold(r *pagetext.Run)   { r.Bold = true }
func italic(r *pagetext.Run) { r.Italic = true }
func mono(r *pagetext.Run)   { r.Mono = true }

// image shows a picture of one pixel.
func (d *draft) image(size float64) *structure.Node {
	p := d.pages[len(d.pages)-1]
	d.y -= size + 5
	s := pdf.NewStream(pdf.Dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1), "ColorSpace": pdf.Name("DeviceGray"), "BitsPerComponent": pdf.Integer(8)}, []byte{7})
	p.Images = append(p.Images, pagetext.Image{Stream: s, Ref: d.file.Add(s), Box: pagetext.Rect{Left: 50, Bottom: d.y, Right: 50 + size, Top: d.y + size}})
	return &structure.Node{Content: structure.Content{Page: p.Number, Images: []int{len(p.Images) - 1}}}
}

// annotation adds an annotation to the page.
func (d *draft) annotation(a pdf.Dict) *structure.Node {
	page, _ := d.file.Dict(d.refs[len(d.refs)-1])
	ref := d.file.Add(a)
	page["Annots"] = append(page["Annots"].(pdf.Array), ref)
	return &structure.Node{Content: structure.Content{Page: len(d.pages), Annotation: ref}}
}

// link is an annotation that leads to an address.
func (d *draft) link(address string) *structure.Node {
	return d.annotation(pdf.Dict{"Subtype": pdf.Name("Link"), "A": pdf.Dict{"S": pdf.Name("URI"), "URI": pdf.String(address)}})
}

// to is an annotation that leads to a place on a page, which counts from 1.
func (d *draft) to(page int, top float64) *structure.Node {
	return d.annotation(pdf.Dict{"Subtype": pdf.Name("Link"), "Dest": pdf.Array{d.refs[page-1], pdf.Name("XYZ"), pdf.Integer(50), pdf.Real(top), nil}})
}

func node(kind pdf.Name, kids ...*structure.Node) *structure.Node {
	return &structure.Node{Type: kind, Kids: kids}
}

// with changes a node.
func with(n *structure.Node, change func(*structure.Node)) *structure.Node {
	change(n)
	return n
}

// result converts what was drafted.
func (d *draft) result(tb testing.TB, options pdfhtml.Options, kids ...*structure.Node) *pdfhtml.Result {
	tb.Helper()
	if options.Language == "" {
		options.Language = "en"
	}
	tree := &structure.Tree{Root: node("Document", kids...), Title: "The title"}
	r, err := pdfhtml.Convert(d.file, tree, d.pages, options)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// body gives what is inside of main, without line feeds between elements.
func body(r *pdfhtml.Result) string {
	_, inner, _ := strings.Cut(mainOf(string(r.HTML)), ">")
	inner = strings.TrimSuffix(inner, "</main>")
	return strings.TrimSpace(strings.NewReplacer(">\n<", "><", "\n<", "<").Replace(inner))
}
