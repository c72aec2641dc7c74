package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// Wanted is what others could add to a document: the text of its scanned pages, and alternative texts of its figures.
type Wanted struct {
	// Language is the document's language tag, "" if it is not known.
	Language string `json:"language,omitempty"`
	Scans    []Scan `json:"scans,omitempty"`
	// Figures are those without an alternative text or a caption; those without an image cannot be shown to anybody.
	Figures []Figure `json:"figures,omitempty"`
}

// Scan is a page that shows images and no text.
type Scan struct {
	// Page counts from 1.
	Page int `json:"page"`
	// MIME and Image are what it shows, as a PNG or JPEG.
	MIME  string `json:"mime"`
	Image []byte `json:"image"`
	// Left, Bottom, Right and Top are where it shows that, in points from the left and bottom edge of the page as people
	// see it.
	Left, Bottom, Right, Top float64
}

// maxWantedBytes bounds the images that are handed out for one document; what is beyond it is left out.
const maxWantedBytes = 128 << 20

// Needs finds what others could add to a file before it is processed. It is not to be used after that. Errors are those
// of [Process].
func Needs(f *pdf.File, limits pdfua.Limits) (*Wanted, error) {
	wanted := &Wanted{}
	bytes := 0
	fits := func(image []byte) bool {
		bytes += len(image)
		return len(image) > 0 && bytes <= maxWantedBytes
	}
	options := Options{Limits: limits, DropSignatures: true}
	w, err := open(f, options)
	if err != nil {
		return nil, err
	}
	if err := w.readPages(); err != nil {
		return nil, err
	}
	for _, page := range w.shown {
		if scan, ok := w.scan(page); ok && fits(scan.Image) {
			wanted.Scans = append(wanted.Scans, scan)
		}
	}
	// The state of the file afterwards is not needed.
	options.Check = func(f *pdf.File) (*pdf.File, *pdfua.Result, error) { return f, &pdfua.Result{}, nil }
	options.Describe = func(figure Figure) string {
		if fits(figure.Image) {
			wanted.Figures = append(wanted.Figures, figure)
		}
		return ""
	}
	if _, err := Process(f, options, nil); err != nil {
		return nil, err
	}
	lang, _ := f.String(f.Catalog()["Lang"])
	wanted.Language = lang.Text()
	return wanted, nil
}
