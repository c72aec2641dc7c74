package documents_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
)

func TestCountHTML(t *testing.T) {
	t.Parallel()
	e := engine(t, documents.Limits{})
	for text, want := range map[string]int64{
		"<!doctype html><title>Ab</title><p>c d":                                           5,
		"<html><body><p>  a \n\t b  </p><script>var x = 1</script><style>p{}</style>é</p>": 5,
		"<html><body>":                       0,
		"<html>" + strings.Repeat("x", 3001): 3001,
	} {
		got, err := e.Count(t.Context(), source(t, []byte(text)))
		if err != nil || got.Characters != want || got.Pages != 0 {
			t.Errorf("%.40q has %+v characters, want %d: %v", text, got, want, err)
		}
	}
}

func TestCountPDF(t *testing.T) {
	t.Parallel()
	e := engine(t, documents.Limits{})
	if got, err := e.Count(t.Context(), source(t, pdftest.OnePage("0 0 m 9 9 l S", "").Bytes())); err != nil || got.Pages != 1 {
		t.Errorf("one page is %+v: %v", got, err)
	}
	_, err := e.Count(t.Context(), source(t, []byte("%PDF-1.7 nothing of use")))
	if file := new(documents.FileError); !errors.As(err, &file) || file.Problem != documents.Damaged {
		t.Errorf("a damaged file: %v", err)
	}
}
