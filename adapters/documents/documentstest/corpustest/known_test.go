package corpustest

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func TestGenerateIsRepeatable(t *testing.T) {
	t.Parallel()
	seen := map[string]uint64{}
	for seed := range uint64(20) {
		first := Generate(seed)
		if first != Generate(seed) {
			t.Errorf("seed %d gives two documents", seed)
		}
		if other, ok := seen[first]; ok {
			t.Errorf("seeds %d and %d give the same document", seed, other)
		}
		seen[first] = seed
	}
}

// TestTruth prints documents and compares the tags of the PDF with the elements of the HTML: the two ways to the truth
// must agree on everything but what Chromium groups in its own way.
func TestTruth(t *testing.T) {
	t.Parallel()
	programtest.Find(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	programtest.Find(t, "poppler-utils", "pdfinfo")
	all, err := HTMLDocuments()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"manual", "report", "generated-02"}
	if os.Getenv("CORPUS") != "" {
		names = slices.Sorted(maps.Keys(all))
	}
	m := knownMaker{folder: t.TempDir()}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := m.document(t.Context(), name, all[name])
			if err != nil {
				t.Fatal(err)
			}
			want, err := HTMLBlocks([]byte(all[name]))
			if err != nil {
				t.Fatal(err)
			}
			for role, s := range Compare(want, k.Truth) {
				if s.F1() < 0.98 {
					t.Errorf("%s: %+v\n%s", role, s, cmp.Diff(want, k.Truth))
				}
			}
			if stripped, err := Blocks(t.Context(), k.Untagged); err == nil {
				t.Errorf("the stripped PDF has %d blocks", len(stripped))
			}
			before, err := Poppler{}.Pages(t.Context(), k.Tagged)
			if err != nil {
				t.Fatal(err)
			}
			after, err := Poppler{}.Pages(t.Context(), k.Untagged)
			if err != nil {
				t.Fatal(err)
			}
			if len(before) != k.Pages || !slices.Equal(before, after) {
				t.Errorf("stripping changes how the %d pages look", k.Pages)
			}
		})
	}
}

func TestStrip(t *testing.T) {
	t.Parallel()
	content := "/P <</MCID 0>> BDC BT /F 9 Tf (a) Tj /Span <</ActualText (b)>> BDC (c) Tj EMC ET EMC\n" +
		"/OC /Layer BDC /Artifact BMC 0 0 m 9 9 l S EMC EMC /X MP"
	f := pdftest.OnePage(content, "/StructParents 0/Tabs/S")
	var out bytes.Buffer
	pages, err := Strip(f.Bytes(), &out)
	if err != nil || pages != 1 {
		t.Fatalf("%d pages, %v", pages, err)
	}
	g, err := pdf.Open(out.Bytes(), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := g.Pages(2)
	if err != nil {
		t.Fatal(err)
	}
	stripped, err := g.Content(all[0])
	if err != nil {
		t.Fatal(err)
	}
	got := bytes.Join(bytes.Fields(stripped), []byte(" "))
	want := "BT /F 9 Tf (a) Tj (c) Tj ET /OC /Layer BDC 0 0 m 9 9 l S EMC"
	if string(got) != want {
		t.Errorf("content %s, want %s", got, want)
	}
	for _, key := range []pdf.Name{"StructParents", "Tabs"} {
		if all[0].Dict[key] != nil {
			t.Errorf("the page still has %s", key)
		}
	}
}

func FuzzMarks(f *testing.F) {
	f.Add([]byte("/P <</MCID 0>> BDC EMC EMC BI /W 1 ID x EI /OC /A BDC"))
	f.Fuzz(func(t *testing.T, content []byte) {
		scanner := pdf.NewScanner(withoutMarks(content), pdf.Limits{})
		for {
			op, ok := scanner.Next()
			if !ok {
				return
			}
			if op.Operator == "BMC" && (len(op.Operands) == 0 || op.Operands[0] != pdf.Object(pdf.Name("OC"))) {
				t.Errorf("a mark is left in %q", content)
			}
		}
	})
}
