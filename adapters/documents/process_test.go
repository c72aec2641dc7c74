package documents_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
)

// TestProcessTwice processes what was processed: it conforms the first time, and nothing is left to repair the second.
func TestProcessTwice(t *testing.T) {
	t.Parallel()
	e := engine(t, documents.Limits{})
	data := pdftest.OnePage("BT /F 18 Tf 50 700 Td (A heading of the page) Tj 0 -40 Td /F 11 Tf (And a sentence that is written below it.) Tj ET",
		"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>").Bytes()
	var sizes []int
	for pass := range 2 {
		out, read := output(t)
		outcome, err := e.Process(t.Context(), source(t, data), out)
		if err != nil {
			t.Fatal(err)
		}
		if !outcome.PDFUA1.Conforms || (len(outcome.Fixed) > 0) != (pass == 0) || outcome.Before.PDFUA1.Conforms != (pass == 1) {
			t.Errorf("pass %d: verdict %+v, before %+v, fixed %+v", pass, outcome.PDFUA1, outcome.Before.PDFUA1, outcome.Fixed)
		}
		data = read()
		sizes = append(sizes, len(data))
	}
	if sizes[1] > sizes[0] {
		t.Errorf("the file grows from %d to %d bytes", sizes[0], sizes[1])
	}
}

// TestConvertThereAndBack converts HTML to a PDF and that to HTML: the structure stays.
func TestConvertThereAndBack(t *testing.T) {
	t.Parallel()
	e := engine(t, documents.Limits{})
	page := `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>On fruit</title></head><body><main><h1>On fruit</h1>` +
		`<p>There are <a href="https://example.com/">many kinds</a> of it.</p><ul><li>Apples</li><li>Pears</li></ul>` +
		`<table><tr><th scope="col">Kind</th><th scope="col">Price</th></tr><tr><td>Apple</td><td>2</td></tr></table></main></body></html>`
	out, read := output(t)
	outcome, err := e.Convert(t.Context(), source(t, []byte(page)), documents.PDF, out)
	if err != nil {
		t.Fatal(err)
	}
	if !outcome.PDFUA1.Conforms || outcome.Before.Format != documents.HTML || len(outcome.Fixed) > 0 {
		t.Errorf("verdict %+v, fixed %+v", outcome.PDFUA1, outcome.Fixed)
	}
	back, readBack := output(t)
	if _, err := e.Convert(t.Context(), source(t, read()), documents.HTML, back); err != nil {
		t.Fatal(err)
	}
	got := string(readBack())
	for _, part := range []string{
		`<html lang="en"`, "<title>On fruit</title>", ">On fruit</h1>", `href="https://example.com/"`, "<ul", ">Apples</li>", "Kind</th>", ">Apple</td>",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is not in\n%s", part, got)
		}
	}
}

// TestProcessSigned refuses a signed PDF unless its signatures may be dropped.
func TestProcessSigned(t *testing.T) {
	t.Parallel()
	file := pdftest.OnePage("BT /F 12 Tf 50 700 Td (Signed) Tj ET", "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>/Annots[5 0 R]")
	file.Add("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/Rect[0 0 0 0]/V<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>>>>>")
	file.Set(1, "<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[5 0 R]>>>>")
	e := engine(t, documents.Limits{})
	s := source(t, file.Bytes())
	out, _ := output(t)
	_, err := e.Process(t.Context(), s, out)
	var problem *documents.FileError
	if !errors.As(err, &problem) || problem.Problem != documents.Protected {
		t.Fatalf("got %v", err)
	}
	if _, err := s.File.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	s.DropSignatures = true
	outcome, err := e.Process(t.Context(), s, out)
	if err != nil || len(outcome.Warnings) == 0 {
		t.Errorf("outcome %+v: %v", outcome, err)
	}
}

// TestResultTooLarge bounds what may be written.
func TestResultTooLarge(t *testing.T) {
	t.Parallel()
	out, read := output(t)
	_, err := engine(t, documents.Limits{OutputBytes: 100}).Process(t.Context(), source(t, pdftest.Pages(3).Bytes()), out)
	var problem *documents.FileError
	if !errors.As(err, &problem) || problem.Problem != documents.TooLarge {
		t.Errorf("got %v", err)
	}
	if n := len(read()); n > 0 {
		t.Errorf("%d bytes were written", n)
	}
}
