package pdfua_test

import (
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	for alt, want := range map[string]int{
		"Figure without description on page 3": 1, "photo": 1, "scan 4.PNG": 1, "A photo of the harbour": 0, "": 0,
	} {
		data := pdftest.Tagged("", "", pdftest.Element{Type: "Figure", Entries: "/Alt(" + alt + ")"}).Bytes()
		f, err := pdf.Open(data, pdf.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		result, err := pdfua.Check(f, pdfua.Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(result.Facts.Placeholders); got != want {
			t.Errorf("%q counts as %d placeholders, want %d", alt, got, want)
		}
	}
}
