package pdfhtml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// convert converts a file by its tags, or by what its pages look like if it has none.
func convert(data []byte, options pdfhtml.Options) (*pdfhtml.Result, error) {
	f, err := pdf.Open(data, pdf.Limits{StreamBytes: 16 << 20, TotalBytes: 64 << 20})
	if err != nil {
		return nil, err
	}
	list, err := f.Pages(1000)
	if err != nil {
		return nil, err
	}
	pages, err := pagetext.Read(f, list, pagetext.Limits{Operations: 1_000_000})
	if err != nil {
		return nil, err
	}
	tree, err := structure.Read(f, pages, structure.ReadLimits{Elements: 100_000})
	if errors.Is(err, structure.ErrUntagged) {
		tree, err = structure.Infer(pages, structure.Hints{}), nil
	}
	if err != nil {
		return nil, err
	}
	return pdfhtml.Convert(f, tree, pages, options)
}

var (
	_ = strings.Cut
	_ testing.TB
)
