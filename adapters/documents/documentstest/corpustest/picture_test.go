package corpustest

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
)

const helvetica = "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"

func save(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pdf")
	if err := os.WriteFile(path, pdftest.OnePage(content, helvetica).Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRenderers proves that both renderers see a change, and see none where there is none.
func TestRenderers(t *testing.T) {
	t.Parallel()
	programtest.Find(t, "poppler-utils", "pdftoppm")
	pdfium, err := NewPDFium(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pdfium.Close() })
	black := save(t, "0 0 100 100 re f")
	marked := save(t, "/Artifact BMC 0 0 100 100 re f EMC")
	moved := save(t, "1 0 100 100 re f")
	for _, r := range []Renderer{Poppler{}, pdfium} {
		name, err := r.Name(t.Context())
		if err != nil || name == "" {
			t.Errorf("name %q, %v", name, err)
		}
		pages := func(path string) []Picture {
			pictures, err := r.Pages(t.Context(), path)
			if err != nil || len(pictures) != 1 {
				t.Fatalf("%s: %d pictures, %v", name, len(pictures), err)
			}
			return pictures
		}
		first := pages(black)
		if !slices.Equal(first, pages(marked)) {
			t.Errorf("%s: a mark changes the page", name)
		}
		if slices.Equal(first, pages(moved)) {
			t.Errorf("%s: a moved square changes nothing", name)
		}
		if _, err := r.Pages(t.Context(), filepath.Join(t.TempDir(), "none.pdf")); err == nil {
			t.Errorf("%s: no error without a file", name)
		}
	}
}

func TestReadPictures(t *testing.T) {
	t.Parallel()
	one := "P6\n2 1\n255\nabcdef"
	for name, test := range map[string]struct {
		in    string
		want  int
		fails bool
	}{
		"none": {"", 0, false}, "one": {one, 1, false}, "two": {one + one, 2, false}, "cut": {one[:14], 0, true},
		"another kind": {"P5\n1 1\n255\na", 0, true},
	} {
		got, err := readPictures(bufio.NewReader(bytes.NewBufferString(test.in)))
		if len(got) != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %d pictures, %v", name, len(got), err)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	programtest.Find(t, "poppler-utils", "pdftotext")
	before, err := Words(t.Context(), save(t, "BT /F 12 Tf 50 500 Td (one two,two -) Tj ET"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"one": 1, "two": 2}, before); diff != "" {
		t.Error(diff)
	}
	for lost, after := range map[int]map[string]int{
		0: {"one": 1, "two": 2, "more": 1}, 1: {"one": 1, "two": 1}, 3: {}, 2: {"ones": 1},
	} {
		if got := Lost(before, after); got != lost {
			t.Errorf("%d words are lost in %v, want %d", got, after, lost)
		}
	}
}

func TestUnembedded(t *testing.T) {
	t.Parallel()
	programtest.Find(t, "poppler-utils", "pdffonts")
	for content, want := range map[string]bool{"BT /F 12 Tf (a) Tj ET": true} {
		got, err := Unembedded(t.Context(), save(t, content), 1)
		if err != nil || got != want {
			t.Errorf("%s: %t, %v", content, got, err)
		}
	}
	none := filepath.Join(t.TempDir(), "none.pdf")
	if err := os.WriteFile(none, pdftest.OnePage("", "").Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Unembedded(t.Context(), none, 1); got || err != nil {
		t.Errorf("without fonts: %t, %v", got, err)
	}
}
