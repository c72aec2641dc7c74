package embedfont

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func TestCFF(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "CFFTest.otf"))
	if err != nil {
		t.Fatal(err)
	}
	face, err := Load(data, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := pdf.New()
	e := Composite(f, face)
	content := show(t, e, "01Q")
	e.Finish()
	file := paragraph(t, f, content, e.Ref)
	hold(t, file)
	path := filepath.Join(t.TempDir(), "cff.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if verdict, err := verapdftest.Start(t).Check(path); err != nil || !verdict.Conforms {
		t.Errorf("veraPDF: %v %v", verdict.FailedRules, err)
	}
	if entries, missing := Simple(f, face, map[byte]Code{65: {Name: "A"}}); entries != nil || len(missing) != 1 {
		t.Errorf("CFF outlines are taken for a TrueType font: %v %v", entries, missing)
	}
}

// TestBlanked sees that glyphs keep their places when others are blanked.
func TestBlanked(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "CFFTest.otf"))
	if err != nil {
		t.Fatal(err)
	}
	face, err := Load(data, 0)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := face.Glyph('Q')
	before := face.cff
	after, err := font.ParseCFF(before.Blanked(map[int]bool{kept: true}))
	if err != nil || after.Glyphs() != before.Glyphs() || after.Width(kept) != before.Width(kept) {
		t.Errorf("after blanking there are %d glyphs: %v", after.Glyphs(), err)
	}
}

func FuzzComposite(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "CFFTest.otf"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if face, err := Load(data, 0); err == nil {
			e := Composite(pdf.New(), face)
			e.Use(1, "x")
			e.Finish()
		}
	})
}
