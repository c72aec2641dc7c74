package pagetext

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Limits bound what one file may cost. Zero means the default.
type Limits struct {
	// Operations is how many content operations are looked at in all, with those of forms each time they are painted.
	Operations int
	// Runs is how many runs, images, rules and shapes are kept in all.
	Runs int
	// PageMarks is how many rules, fills and shapes are kept of one page; what comes after is passed over.
	PageMarks int
	// Depth is how deep forms may nest.
	Depth int
}

func (l Limits) withDefaults() Limits {
	for v, standard := range map[*int]int{
		&l.Operations: 50_000_000, &l.Runs: 4_000_000, &l.PageMarks: 20_000, &l.Depth: 32,
	} {
		if *v == 0 {
			*v = standard
		}
	}
	return l
}

// Reader reads the pages of one file. It keeps what pages share, such as fonts. It is not safe for concurrent use, as
// the file is not.
type Reader struct {
	file       *pdf.File
	limits     Limits
	fonts      map[pdf.Ref]*fontTable
	hidden     map[pdf.Ref]bool
	fallback   *fontTable
	operations int
	kept       int
	// scratch has the lists of the page that is read, whose length is not known before.
	scratch Page
}

// NewReader makes a reader of a file's pages.
func NewReader(file *pdf.File, limits Limits) *Reader {
	return &Reader{
		file: file, limits: limits.withDefaults(), fonts: map[pdf.Ref]*fontTable{}, hidden: hiddenGroups(file),
	}
}

// Read reads all pages. Its error is a [*pdf.LimitError]; the pages before it come with it.
func Read(file *pdf.File, pages []pdf.Page, limits Limits) ([]*Page, error) {
	r := NewReader(file, limits)
	out := make([]*Page, 0, len(pages))
	var s shelf
	for i, page := range pages {
		p, err := r.Page(page, i+1)
		if err != nil {
			return out, err
		}
		out = append(out, p)
		s.keep(p)
	}
	return out, nil
}

// Page interprets the content of a page, whose number is only noted. Damaged content is read as far as it can be; the
// error is a [*pdf.LimitError].
func (r *Reader) Page(page pdf.Page, number int) (*Page, error) {
	frame := NewFrame(r.file, page)
	out := &Page{Number: number, Width: frame.Width, Height: frame.Height, Streams: []Stream{{Outer: -1, Operation: -1}}}
	data, _ := r.file.Content(page) // what could be decoded of a damaged stream is read
	scratch := &r.scratch
	out.runs, out.Images, out.Rules = scratch.runs[:0], scratch.Images[:0], scratch.Rules[:0]
	out.Fills, out.shapes = scratch.Fills[:0], scratch.shapes[:0]
	defer func() {
		scratch.runs, scratch.Images, scratch.Rules = out.runs, out.Images, out.Rules
		scratch.Fills, scratch.shapes = out.Fills, out.shapes
		out.settle()
	}()
	w := &walk{Reader: r, page: out, visible: Rect{Right: frame.Width, Top: frame.Height}, links: r.linksOf(page, frame)}
	w.stream(data, page.Resources, newState(frame.matrix), nil, 0)
	if w.over != nil {
		return out, w.over
	}
	return out, r.file.Limit()
}

// settle gives a page lists of its own, no longer than needed, with the text of its runs in one piece of memory: a document
// may have millions of runs.
func (p *Page) settle() {
	p.runs, p.Images, p.Rules = exact(p.runs), exact(p.Images), exact(p.Rules)
	p.Fills, p.shapes = exact(p.Fills), exact(p.shapes)
	n := 0
	for i := range p.runs {
		n += len(p.runs[i].Text)
	}
	var text strings.Builder
	text.Grow(n)
	for i := range p.runs {
		text.WriteString(p.runs[i].Text)
	}
	all, at := text.String(), 0
	for i := range p.runs {
		end := at + len(p.runs[i].Text)
		p.runs[i].Text, at = all[at:end], end
	}
}

// exact copies a list into one of its length, nil if it is empty, and forgets what the list refers to.
func exact[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	out := make([]T, len(list))
	copy(out, list)
	clear(list)
	return out
}

// Frame tells how a page is turned and cut: it maps the file's coordinates to those of [Page].
type Frame struct {
	Width, Height float64
	matrix        matrix
}

// NewFrame reads the boxes, Rotate and UserUnit of a page.
func NewFrame(file *pdf.File, page pdf.Page) Frame {
	box := Rect{page.CropBox[0], page.CropBox[1], page.CropBox[2], page.CropBox[3]}
	media := Rect{page.MediaBox[0], page.MediaBox[1], page.MediaBox[2], page.MediaBox[3]}
	if cut := box.Intersect(media); !cut.Empty() { // ISO 32000-1, 14.11.2.1
		box = cut
	}
	unit, ok := file.Number(page.Dict["UserUnit"])
	if !ok || unit <= 0 || unit > 1000 {
		unit = 1
	}
	m := matrix{a: 1, d: 1, e: -box.Left, f: -box.Bottom}
	width, height := box.Width(), box.Height()
	switch file.Rotation(page) {
	case 90:
		m = m.mul(matrix{b: -1, c: 1, f: width})
		width, height = height, width
	case 180:
		m = m.mul(matrix{a: -1, d: -1, e: width, f: height})
	case 270:
		m = m.mul(matrix{b: 1, c: -1, e: height})
		width, height = height, width
	}
	return Frame{Width: width * unit, Height: height * unit, matrix: m.mul(matrix{a: unit, d: unit})}
}

// Rect maps a rectangle of the file, such as that of an annotation, to the page as people see it.
func (f Frame) Rect(r [4]float64) Rect { return f.matrix.box(Rect{r[0], r[1], r[2], r[3]}) }

// Point maps a point of the file.
func (f Frame) Point(x, y float64) (float64, float64) { return f.matrix.apply(x, y) }
