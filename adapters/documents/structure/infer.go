package structure

import (
	"math"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// Infer finds the structure of a document from what its pages look like. Tags that the pages may have are not looked
// at. Every run and every image is in exactly one leaf or one artifact of the tree.
func Infer(pages []*pagetext.Page, hints Hints) *Tree {
	d := &document{pages: pages, hints: hints}
	d.read()
	d.running()
	for _, s := range d.sheets {
		s.findBullets()
		d.findTables(s)
		d.findFigures(s)
		d.takeTurned(s)
	}
	d.layOut()
	d.findContents()
	d.findCode()
	d.findNotes()
	d.findCaptions()
	d.joinTables()
	d.joinParagraphs()
	d.findHeadings()
	d.findLists()
	d.findQuotes()
	return d.assemble()
}

// document is a document while its structure is found.
type document struct {
	pages    []*pagetext.Page
	hints    Hints
	sheets   []*sheet
	body     body
	leadings leadings
	// heads are the folded texts of the first rows of tables, which may begin parts of them on other pages.
	heads map[string]bool
	// blocks are those of all pages in the order of reading.
	blocks []*block
	// notes counts the notes that have an identifier.
	notes int
}

// body is how running text looks: what most letters of the document are set in.
type body struct {
	size float64
	bold bool
	mono bool
}

// read makes pieces and rows of all pages.
func (d *document) read() {
	fields := map[int][]Field{}
	for _, f := range d.hints.Fields {
		fields[f.Page] = append(fields[f.Page], f)
	}
	sizes := map[body]int{}
	for i, p := range d.pages {
		s := newSheet(p)
		s.makePieces(fields[i+1])
		s.makeRows()
		d.sheets = append(d.sheets, s)
		for _, piece := range s.pieces {
			sizes[body{math.Round(piece.size*10) / 10, piece.style.bold, piece.style.mono}] += len(piece.text)
		}
	}
	d.body = commonest(sizes)
}

// commonest is what most letters are set in. Code counts only where there is hardly anything else.
func commonest(sizes map[body]int) body {
	best, most := body{size: 10}, 0
	for b, n := range sizes {
		if b.mono {
			n /= 3
		}
		if n > most || n == most && (b.size < best.size || b.size == best.size && !b.bold) {
			best, most = b, n
		}
	}
	return best
}

// layOut puts the rows of all pages into the order of reading and parts them into blocks.
func (d *document) layOut() {
	flows := make([][]element, len(d.sheets))
	for i, s := range d.sheets {
		flows[i] = d.flow(s, s.rows, 0)
	}
	d.continueTables(flows)
	d.leadings = measureLeadings(flows)
	for i, s := range d.sheets {
		setLeadings(flows[i])
		s.blocks = d.paragraphs(s, flows[i])
		s.rows, flows[i] = nil, nil // the blocks take their place
		s.distances()
		for _, runs := range s.aside {
			l := newLine([]*piece{s.newPiece(runs)})
			l.column = &column{left: l.box.Left, right: l.box.Right}
			s.blocks = append(s.blocks, newBlock(s.page.Number, []*line{l}))
		}
		d.blocks = append(d.blocks, s.blocks...)
	}
}

// distances notes how far blocks are from their neighbours in the same column.
func (s *sheet) distances() {
	for i := 1; i < len(s.blocks); i++ {
		a, b := s.blocks[i-1], s.blocks[i]
		if gap := a.box.Bottom - b.box.Top; gap > -b.size && a.box.Left < b.box.Right && b.box.Left < a.box.Right {
			a.below, b.above = max(gap, 0), max(gap, 0)
		}
	}
}
