package pdf_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

func write(t interface {
	Helper()
	Fatal(args ...any)
}, f *pdf.File,
) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// anyObject draws objects that may stand in a dictionary.
func anyObject(depth int) *rapid.Generator[pdf.Object] {
	return rapid.Custom(func(t *rapid.T) pdf.Object {
		kinds := 8
		if depth == 0 {
			kinds = 6
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return rapid.Bool().Draw(t, "bool")
		case 1:
			return pdf.Integer(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "integer"))
		case 2:
			return pdf.Real(float64(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "real")) + 0.125)
		case 3:
			return pdf.String(rapid.SliceOf(rapid.Byte()).Draw(t, "string"))
		case 4:
			return pdf.Name(rapid.SliceOf(rapid.Byte()).Draw(t, "name"))
		case 5:
			return pdf.NewStream(pdf.Dict{"X": pdf.Integer(1)}, rapid.SliceOf(rapid.Byte()).Draw(t, "data"))
		case 6:
			out := pdf.Array{}
			for range rapid.IntRange(0, 4).Draw(t, "length") {
				out = append(out, anyObject(depth-1).Draw(t, "element"))
			}
			return out
		default:
			out := pdf.Dict{}
			for range rapid.IntRange(0, 4).Draw(t, "size") {
				out[pdf.Name(rapid.StringN(1, 8, -1).Draw(t, "key"))] = anyObject(depth-1).Draw(t, "value")
			}
			return out
		}
	})
}

// plain replaces references by what they name, and streams by their data.
func plain(f *pdf.File, o pdf.Object) any {
	switch v := f.Resolve(o).(type) {
	case pdf.Array:
		out := []any{}
		for _, element := range v {
			out = append(out, plain(f, element))
		}
		return out
	case pdf.Dict:
		out := map[string]any{}
		for key, value := range v {
			out[string(key)] = plain(f, value)
		}
		return out
	case *pdf.Stream:
		data, err := f.Decode(v)
		return []any{data, err, plain(f, v.Dict["X"])}
	default:
		return v
	}
}

// TestWrittenObjectsAreReadAgain writes objects of every kind and reads them back.
func TestWrittenObjectsAreReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := pdf.New()
		f.Catalog()["Pages"] = f.Add(pdf.Dict{"Type": pdf.Name("Pages"), "Kids": pdf.Array{}, "Count": pdf.Integer(0)})
		list := pdf.Array{}
		for range rapid.IntRange(0, 250).Draw(t, "objects") {
			list = append(list, f.Add(anyObject(2).Draw(t, "object")))
		}
		f.Catalog()["List"] = f.Add(list)
		data := write(t, f)
		again, err := pdf.Open(data, pdf.Limits{})
		if err != nil || again.Repaired {
			t.Fatalf("cannot be read again (repaired: %t): %v", again != nil && again.Repaired, err)
		}
		if diff := cmp.Diff(plain(f, list), plain(again, again.Catalog()["List"])); diff != "" {
			t.Fatalf("objects (-written +read):\n%s", diff)
		}
		if !bytes.Equal(data, write(t, f)) {
			t.Fatal("writing twice gives other bytes")
		}
	})
}

// TestRewritingKeepsTheCorpus rewrites the corpus: the checks say of each file what they said before.
func TestRewritingKeepsTheCorpus(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../../../shared/corpus/pdfua1/*.pdf")
	if err != nil || len(paths) == 0 {
		t.Skip("the corpus is needed")
	}
	check := func(t *testing.T, f *pdf.File) []string {
		t.Helper()
		result, err := pdfua.Check(f, pdfua.Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var rules []string
		for _, failure := range result.Failures {
			// Header and encryption are the file's, not the document's.
			if failure.Rule != "6.1-1" && failure.Rule != "7.16-1" {
				rules = append(rules, failure.Rule)
			}
		}
		return rules
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f := open(t, data)
			before := check(t, f)
			again := open(t, write(t, f))
			if after := check(t, again); !slices.Equal(before, after) || again.Repaired {
				t.Errorf("rules %v, after writing %v; repaired: %t", before, after, again.Repaired)
			}
		})
	}
}

func TestWriteDropsWhatCannotBeReached(t *testing.T) {
	t.Parallel()
	f := open(t, pdftest.OnePage("q Q", "").Bytes())
	small := len(write(t, f))
	f.Add(pdf.NewStream(nil, bytes.Repeat([]byte("0123456789abcdef"), 1000)))
	f.Set(f.Catalog()["Pages"].(pdf.Ref), f.Resolve(f.Catalog()["Pages"]))
	if again := len(write(t, f)); again != small {
		t.Errorf("%d bytes, %d with an object that nothing refers to", small, again)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteTellsErrors(t *testing.T) {
	t.Parallel()
	if err := pdf.New().Write(broken{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

func TestTextString(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "text")
		if got := pdf.TextString(want).Text(); got != want && !bytes.ContainsRune([]byte(want), '\ufffd') {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

// TestAddAfterSet proves that a new object never takes the number of one that the file has.
func TestAddAfterSet(t *testing.T) {
	t.Parallel()
	f, err := pdf.Open(pdftest.Pages(3).Bytes(), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f.Set(pdf.Ref{Number: 1}, f.Catalog())
	if ref := f.Add(pdf.Integer(1)); ref.Number != 6 {
		t.Errorf("the new object has the number %d instead of 6", ref.Number)
	}
}
