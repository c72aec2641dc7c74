package pdf_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func open(t *testing.T, data []byte) *pdf.File {
	t.Helper()
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOpenReadsPages(t *testing.T) {
	t.Parallel()
	f := open(t, pdftest.OnePage("1 0 0 RG", "/CropBox[10 20 30 40]").Bytes())
	pages, err := f.Pages(10)
	if err != nil || len(pages) != 1 || f.Repaired {
		t.Fatalf("%d pages, repaired %t: %v", len(pages), f.Repaired, err)
	}
	if diff := cmp.Diff([4]float64{10, 20, 30, 40}, pages[0].CropBox); diff != "" {
		t.Error(diff)
	}
	content, err := f.Content(pages[0])
	if err != nil || string(content) != "1 0 0 RG\n" {
		t.Errorf("content %q: %v", content, err)
	}
}

func TestOpenRebuildsTheCrossReference(t *testing.T) {
	t.Parallel()
	sound := pdftest.OnePage("q Q", "").Bytes()
	for name, data := range map[string][]byte{
		"offsets shifted": bytes.Replace(sound, []byte("%PDF-1.7\n"), []byte("%PDF-1.7\n%%%%%%%%\n"), 1),
		"truncated":       sound[:bytes.Index(sound, []byte("xref\n0"))],
		"no startxref":    bytes.Replace(sound, []byte("startxref"), []byte("startxxxx"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, data)
			pages, err := f.Pages(10)
			if err != nil || len(pages) != 1 || !f.Repaired {
				t.Errorf("%d pages, repaired %t: %v", len(pages), f.Repaired, err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	encrypted := pdftest.Pages(1)
	encrypted.Trailer = "/ID[<00><00>]/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -4" +
		"/O<" + strings.Repeat("00", 32) + ">/U<" + strings.Repeat("00", 32) + ">>>"
	unknown := pdftest.Pages(1)
	unknown.Trailer = "/Encrypt<</Filter/Secret/V 9>>"
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"wrong magic":          {[]byte("PK\x03\x04 not a PDF"), pdf.ErrNotPDF},
		"empty":                {nil, pdf.ErrNotPDF},
		"only a header":        {[]byte("%PDF-1.7\n"), pdf.ErrDamaged},
		"without catalog":      {[]byte("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"), pdf.ErrDamaged},
		"needs a password":     {encrypted.Bytes(), pdf.ErrPassword},
		"unknown encryption":   {unknown.Bytes(), pdf.ErrEncryption},
		"catalog is a loop":    {[]byte("%PDF-1.7\n1 0 obj\n2 0 R\nendobj\n2 0 obj\n1 0 R\nendobj\ntrailer<</Root 1 0 R>>"), pdf.ErrDamaged},
		"cross-reference loop": {[]byte("%PDF-1.7\nxref\n0 0\ntrailer\n<</Prev 9/Root 1 0 R>>\nstartxref\n9\n%%EOF"), pdf.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := pdf.Open(tt.data, pdf.Limits{}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	small := pdf.Limits{StreamBytes: 1 << 20, TotalBytes: 2 << 20, Objects: 1000, Depth: 50}
	t.Run("Flate bomb", func(t *testing.T) {
		t.Parallel()
		f, err := pdf.Open(pdftest.FlateBomb(8<<20).Bytes(), small)
		if err != nil {
			t.Fatal(err)
		}
		pages, _ := f.Pages(1)
		var over *pdf.LimitError
		if _, err := f.Content(pages[0]); !errors.As(err, &over) || f.Limit() == nil {
			t.Errorf("content: %v, limit: %v", err, f.Limit())
		}
	})
	t.Run("objects", func(t *testing.T) {
		t.Parallel()
		var over *pdf.LimitError
		if _, err := pdf.Open(pdftest.Pages(1000).Bytes(), small); !errors.As(err, &over) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("pages", func(t *testing.T) {
		t.Parallel()
		f := open(t, pdftest.Pages(20).Bytes())
		var over *pdf.LimitError
		if pages, err := f.Pages(10); len(pages) != 10 || !errors.As(err, &over) {
			t.Errorf("%d pages: %v", len(pages), err)
		}
	})
	t.Run("nesting", func(t *testing.T) {
		t.Parallel()
		deep := pdftest.OnePage("", "/Deep "+strings.Repeat("[", 1_000_000)+strings.Repeat("]", 1_000_000))
		f, err := pdf.Open(deep.Bytes(), small)
		if err != nil {
			t.Fatal(err)
		}
		if pages, err := f.Pages(1); err != nil || len(pages) != 1 {
			t.Errorf("%d pages: %v", len(pages), err)
		}
	})
	t.Run("page tree with a loop", func(t *testing.T) {
		t.Parallel()
		f := &pdftest.File{}
		f.Add("<</Type/Catalog/Pages 2 0 R>>")
		f.Add("<</Type/Pages/Kids[2 0 R 3 0 R 3 0 R]>>")
		f.Add("<</Type/Page/Parent 2 0 R>>")
		if pages, err := open(t, f.Bytes()).Pages(10); err != nil || len(pages) != 1 {
			t.Errorf("%d pages: %v", len(pages), err)
		}
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	flate := string(pdftest.Bomb(3, 1))
	for name, tt := range map[string]struct{ entries, data, want string }{
		"none":            {"", "abc", "abc"},
		"hex":             {"/Filter/ASCIIHexDecode", "61 62 6>", "ab`"},
		"85":              {"/Filter/ASCII85Decode", "87cUR~>", "Hell"},
		"run length":      {"/Filter/RunLengthDecode", "\x01ab\xfec\x80", "abccc"},
		"LZW":             {"/Filter/LZWDecode", "\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01", "-----A---B"},
		"flate":           {"/Filter/FlateDecode", flate, "\x00\x00\x00"},
		"two filters":     {"/Filter[/AHx/RL]", "0161 6280>", "ab"},
		"PNG predictor":   {"/Filter/AHx/DecodeParms<</Predictor 12/Columns 2>>", "0000", "\x00\x00"},
		"broken indirect": {"/Filter 99 0 R", "abc", "abc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := pdftest.Pages(1)
			number := file.Stream(tt.entries, []byte(tt.data))
			f := open(t, file.Bytes())
			s, ok := f.Stream(pdf.Ref{Number: number})
			if !ok {
				t.Fatal("no stream")
			}
			if got, err := f.Decode(s); err != nil || string(got) != tt.want {
				t.Errorf("got %q, want %q: %v", got, tt.want, err)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(pdftest.OnePage("BT /F 1 Tf (x) Tj ET", "").Bytes())
	f.Add(pdftest.ObjectStreamBomb(100))
	f.Add([]byte("%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 1 0 R>>\nendobj"))
	limits := pdf.Limits{Objects: 1000, StreamBytes: 1 << 16, TotalBytes: 1 << 20, Depth: 20}
	f.Fuzz(func(_ *testing.T, data []byte) {
		file, err := pdf.Open(data, limits)
		if err != nil {
			return
		}
		pages, _ := file.Pages(10)
		for _, p := range pages {
			_, _ = file.Content(p)
		}
		file.Each(func(pdf.Dict) {})
	})
}

func ExampleFile_Resolve() {
	file, err := pdf.Open(pdftest.Pages(2).Bytes(), pdf.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	pages, _ := file.Dict(file.Catalog()["Pages"])
	fmt.Println(file.Resolve(pages["Count"]))
	// Output: 2
}

// TestForget reads objects again that were forgotten, and keeps those of a file that was changed.
func TestForget(t *testing.T) {
	t.Parallel()
	made := pdf.New()
	list := pdf.Array{}
	for i := range 250 { // in three object streams
		list = append(list, made.Add(pdf.Dict{"Number": pdf.Integer(i)}))
	}
	made.Catalog()["List"] = list
	made.Catalog()["Pages"] = made.Add(pdf.Dict{"Type": pdf.Name("Pages"), "Kids": pdf.Array{}})
	var out bytes.Buffer
	if err := made.Write(&out); err != nil {
		t.Fatal(err)
	}
	f, err := pdf.Open(out.Bytes(), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	list, _ = f.Array(f.Catalog()["List"])
	for round := range 3 {
		for i, o := range list {
			d, ok := f.Dict(o)
			if !ok || d["Number"] != pdf.Integer(i) {
				t.Fatalf("object %d is %v in round %d", i, d, round)
			}
			d["Number"] = pdf.Integer(-1)
		}
		for _, o := range list {
			f.Forget(o.(pdf.Ref))
		}
	}
	d, _ := f.Dict(list[0])
	d["Number"] = pdf.Integer(7)
	f.Add(pdf.Dict{})
	f.Forget(list[0].(pdf.Ref))
	if d, _ := f.Dict(list[0]); d["Number"] != pdf.Integer(7) {
		t.Errorf("the change of a changed file is lost: %v", d)
	}
}
