package pdfhtml

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

const (
	// frameOperations is after how many operations at the latest the content of a page is framed.
	frameOperations = 64
	// frameShare is how much of a page's height the frame takes at the least.
	frameShare = 0.25
)

// printed tells whether the file was printed by Chromium, whose named destinations count from the corner of the
// printed area instead of that of the page (seen up to version 156; those of its bookmarks are right).
func (b *builder) printed() bool {
	info, _ := b.file.Dict(b.file.Trailer["Info"])
	producer, _ := b.file.String(info["Producer"])
	return strings.HasPrefix(producer.Text(), "Skia/PDF")
}

// corner gives the distance of the printed area from the left and the top edge of a page: Chromium clips to it before
// it paints anything of the document.
func (b *builder) corner(page pdf.Page) (left, top float64) {
	data, _ := b.file.Content(page)
	scanner := pdf.NewScanner(data, pdf.Limits{})
	height := page.MediaBox[3] - page.MediaBox[1]
	scale, rise := 1.0, 0.0
	for range frameOperations {
		op, ok := scanner.Next()
		if !ok {
			break
		}
		v := make([]float64, len(op.Operands))
		for i, o := range op.Operands {
			v[i], _ = pdf.Number(o)
		}
		switch {
		case op.Operator == "cm" && len(v) == 6 && v[3] < 0 && rise == 0: // turns the page to count from its top
			scale, rise = v[0], v[5]
		case op.Operator == "re" && len(v) == 4 && rise > 0 && v[3]*scale > frameShare*height:
			return v[0] * scale, v[1]*scale + height - rise
		}
	}
	return 0, 0
}
