package pdf_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// packed compresses by Brotli.
func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := brotli.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func streamOf(entries string, data []byte) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", entries, len(data), data)
}

// TestBrotli reads streams that are compressed by Brotli, and writes them as PDF 1.7 can have them.
func TestBrotli(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("BT (A line of text) Tj ET\n"), 50)
	file := pdftest.OnePage("", "/Images[5 0 R 6 0 R]")
	file.Set(4, streamOf("/Filter/BrotliDecode", packed(t, content)))
	file.Stream("/Filter[/BrotliDecode/DCTDecode]/DecodeParms[null<</ColorTransform 0>>]", packed(t, []byte("an image")))
	file.Stream("/Filter/BrotliDecode/DecodeParms<</D 4 0 R>>", packed(t, content))
	f, err := pdf.Open(file.Bytes(), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := pdf.Open(write(t, f), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]*pdf.File{"as it was": f, "written again": again} {
		pages, err := file.Pages(1)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := file.Content(pages[0]); err != nil || !bytes.Equal(bytes.TrimSpace(got), bytes.TrimSpace(content)) {
			t.Errorf("%s: %d bytes of content, %v", name, len(got), err)
		}
		images, _ := file.Array(pages[0].Dict["Images"])
		image, _ := file.Stream(images[0])
		filters, _ := file.Array(image.Dict["Filter"])
		if last := file.Name(filters[len(filters)-1]); last != "DCTDecode" {
			t.Errorf("%s: the image ends with %s", name, last)
		}
	}
	if !f.Brotli || again.Brotli {
		t.Errorf("Brotli is met: %v, and after writing %v", f.Brotli, again.Brotli)
	}
	bomb := pdftest.OnePage("", "")
	bomb.Set(4, streamOf("/Filter/BrotliDecode", packed(t, make([]byte, 1<<20))))
	small, err := pdf.Open(bomb.Bytes(), pdf.Limits{StreamBytes: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := small.Pages(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := small.Content(pages[0]); err == nil || small.Limit() == nil {
		t.Errorf("a stream beyond the limit was read: %v", err)
	}
}
