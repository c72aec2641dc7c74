package typeset

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// output paints pages and writes the file.
type output struct {
	doc   *document
	b     *builder
	file  *pdf.File
	strip *strip
	pages []page

	refs []pdf.Ref
	// itemsOn and decosOn are what is on each page, in the order of the strip.
	itemsOn, decosOn [][]int32
	// parents is the array of each page in the parent tree: the slot of each mark.
	parents     [][]*slot
	annotations [][]*annotation
	annotated   []*annotationParent
	targets     map[string]destination
	tree        pdf.Ref
	// content is used again for each page.
	content []byte
}

// annotationParent connects an annotation with its structure element in the parent tree.
type annotationParent struct {
	annotation *annotation
	element    *element
}

// maxSlices bounds the parts into which pages cut decorations.
const maxSlices = 2_000_000

func newOutput(doc *document, b *builder, s *strip, pages []page) *output {
	o := &output{
		doc: doc, b: b, file: b.file, strip: s, pages: pages, refs: make([]pdf.Ref, len(pages)),
		itemsOn: make([][]int32, len(pages)), decosOn: make([][]int32, len(pages)), parents: make([][]*slot, len(pages)),
		annotations: make([][]*annotation, len(pages)),
	}
	for i := range o.refs {
		o.refs[i] = o.file.Add(nil)
	}
	for i := range s.items {
		p := pageOf(pages, s.items[i].top)
		o.itemsOn[p] = append(o.itemsOn[p], int32(i))
	}
	slices := 0
	for i := range s.decos {
		d := &s.decos[i]
		for p := pageOf(pages, d.top); p < len(pages) && pages[p].start < d.bottom && slices < maxSlices; p++ {
			o.decosOn[p] = append(o.decosOn[p], int32(i))
			slices++
		}
	}
	return o
}

// painter writes the content of one page.
type painter struct {
	o       *output
	number  int
	page    page
	content []byte
	fonts   pdf.Dict
	images  pdf.Dict
	states  pdf.Dict
	// open is the slot whose marked content is open; artifact tells that an artifact is.
	open     *slot
	artifact bool
	links    []linkArea
}

func (o *output) paint(progress func(done, total int)) {
	for i := range o.pages {
		p := &painter{
			o: o, number: i, page: o.pages[i], fonts: pdf.Dict{}, images: pdf.Dict{}, states: pdf.Dict{}, content: o.content[:0],
		}
		p.paint()
		o.content = p.content
		o.itemsOn[i], o.decosOn[i] = nil, nil
		if progress != nil {
			progress(i+1, len(o.pages))
		}
	}
}

func (p *painter) paint() {
	s := p.o.strip
	sheet := p.o.doc.sheet
	top := sheet.height - sheet.margin[style.Top] + p.page.start - p.page.shift
	p.background()
	p.repeated()
	p.decorations(p.o.decosOn[p.number], top, p.page.start, p.page.end, false)
	for _, i := range p.o.itemsOn[p.number] {
		p.item(&s.items[i], top, false)
	}
	p.close()
	p.footer()
	resources := pdf.Dict{}
	for key, entries := range map[pdf.Name]pdf.Dict{"Font": p.fonts, "XObject": p.images, "ExtGState": p.states} {
		if len(entries) > 0 {
			resources[key] = entries
		}
	}
	d := pdf.Dict{
		"Type": pdf.Name("Page"), "MediaBox": numbers(0, 0, sheet.width, sheet.height), "Resources": resources,
		"Contents": p.o.file.Add(pdf.NewStream(nil, p.content)), "Tabs": pdf.Name("S"), "StructParents": pdf.Integer(p.number),
	}
	if annotations := p.annotate(); len(annotations) > 0 {
		d["Annots"] = annotations
	}
	p.o.file.Set(p.o.refs[p.number], d)
}

// background fills the page with that of the body.
func (p *painter) background() {
	fill := p.o.b.top.style.Background
	if !fill.Visible() {
		return
	}
	sheet := p.o.doc.sheet
	p.begin(nil)
	p.color(fill, false)
	p.op("re", numbers(0, 0, sheet.width, sheet.height)...)
	p.op("f")
}

// repeated paints the head of a table again, as an artifact: its structure is where it came first.
func (p *painter) repeated() {
	if p.page.repeat < 0 {
		return
	}
	r := &p.o.strip.repeats[p.page.repeat]
	sheet := p.o.doc.sheet
	top := sheet.height - sheet.margin[style.Top] + r.top
	var decos []int32
	for i := r.decos[0]; i < r.decos[1]; i++ {
		if d := p.o.strip.decos[i]; d.top >= r.top-1 && d.bottom <= r.bottom+1 {
			decos = append(decos, int32(i)) //nolint:gosec // bounded by the limits
		}
	}
	p.decorations(decos, top, r.top-1, r.bottom+1, true)
	for i := r.items[0]; i < r.items[1]; i++ {
		if it := &p.o.strip.items[i]; it.top >= r.top-0.01 && it.bottom <= r.bottom+0.5 {
			p.item(it, top, true)
		}
	}
}

// begin opens the marked content of a slot, or an artifact, unless it is open.
func (p *painter) begin(s *slot) {
	if s == nil {
		if !p.artifact {
			p.close()
			p.content = append(p.content, "/Artifact BMC\n"...)
			p.artifact = true
		}
		return
	}
	if p.open == s {
		return
	}
	p.close()
	id := len(p.o.parents[p.number])
	p.o.parents[p.number] = append(p.o.parents[p.number], s)
	s.marks = append(s.marks, mark{p.number, id})
	p.content = append(pdf.AppendObject(p.content, s.owner.role), "<</MCID "...)
	p.content = append(strconv.AppendInt(p.content, int64(id), 10), ">>BDC\n"...)
	p.open = s
}

func (p *painter) close() {
	if p.open != nil || p.artifact {
		p.content = append(p.content, "EMC\n"...)
	}
	p.open, p.artifact = nil, false
}

func (p *painter) op(name string, operands ...pdf.Object) {
	for _, o := range operands {
		p.content = append(pdf.AppendObject(p.content, o), ' ')
	}
	p.content = append(append(p.content, name...), '\n')
}

// footer writes the number of the page below the text, as an artifact.
func (p *painter) footer() {
	sheet := p.o.doc.sheet
	const size = 8
	if sheet.margin[style.Bottom] < 3*size {
		return
	}
	s := style.Root()
	face := embedfont.Liberation(s.Family, s.Face())
	var show showText
	width := 0.0
	var font *fontUse
	for _, r := range fmt.Sprintf("%d / %d", p.number+1, len(p.o.pages)) {
		glyph, _ := face.Glyph(r)
		u, code, ok := p.o.b.fonts.use(face, glyph, string(r))
		if !ok || font != nil && u != font {
			return
		}
		font = u
		show.code(code)
		width += face.Advance(glyph) * size / emSize
	}
	show.end()
	p.content = append(p.content, "/Artifact<</Type/Pagination/Subtype/Footer>>BDC\n"...)
	s.Size, s.Color = size, style.Color{0.33, 0.33, 0.33, 1}
	run := &textRun{font: font, style: s, show: slices.Clone(show.out)}
	p.text(run, (sheet.width-width)/2, sheet.margin[style.Bottom]/2)
	p.content = append(p.content, "EMC\n"...)
}
