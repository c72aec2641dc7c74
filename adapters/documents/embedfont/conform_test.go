package embedfont_test

import (
	"fmt"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

func init() { //nolint:gochecknoinits // the tests inside of the package cannot import what uses it
	embedfont.Failures = func(data []byte) (string, error) {
		f, err := pdf.Open(data, pdf.Limits{})
		if err != nil {
			return "", err
		}
		result, err := pdfua.Check(f, pdfua.Limits{}, nil)
		if err != nil || result.Conforms() {
			return "", err
		}
		return fmt.Sprintf("%+v", result.Failures), nil
	}
}
