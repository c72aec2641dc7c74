package pdf_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// TestStore writes files with objects that are stored, and with the same objects as they are: the bytes are the same.
func TestStore(t *testing.T) {
	t.Parallel()
	objects := func(kids pdf.Array) []pdf.Object {
		return []pdf.Object{
			pdf.Dict{"S": pdf.Name("P #1/é"), "K": kids, "None": nil, "A": pdf.Dict{"O": pdf.Name("Layout"), "BBox": pdf.Array{pdf.Real(0.5), pdf.Integer(-3), nil, true}}},
			pdf.Dict{"Alt": pdf.TextString("a (bracket \\ and ü"), "Long": pdf.String(strings.Repeat("x", 70_000))},
			pdf.Dict{"T": pdf.String("\x00\xff\r\n(")},
			pdf.Array{kids, pdf.Integer(7)},
			pdf.Integer(12), nil,
			pdf.Array{},
			pdf.Dict{},
			pdf.Dict{"Stream": pdf.NewStream(nil, []byte("content"))},
		}
	}
	write := func(set func(*pdf.File, pdf.Ref, pdf.Object), add func(*pdf.File, pdf.Object) pdf.Ref) []byte {
		f := pdf.New()
		target := f.Add(pdf.Dict{"Target": true})
		list := pdf.Array{}
		for range 500 {
			for _, o := range objects(pdf.Array{target, pdf.Integer(1)}) {
				ref := f.Add(nil)
				set(f, ref, o)
				list = append(list, ref, add(f, o))
			}
		}
		f.Catalog()["List"] = list
		var out bytes.Buffer
		if err := f.Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	want := write((*pdf.File).Set, (*pdf.File).Add)
	if got := write((*pdf.File).Store, (*pdf.File).AddStored); !bytes.Equal(got, want) {
		t.Errorf("stored objects make %d bytes, others %d", len(got), len(want))
	}
}

// TestStored reads stored objects, and replaces one.
func TestStored(t *testing.T) {
	t.Parallel()
	f := pdf.New()
	ref := f.AddStored(pdf.Dict{"A": pdf.Integer(1)})
	d, _ := f.Dict(ref)
	d["A"] = pdf.Integer(2)
	if again, _ := f.Dict(ref); again["A"] != pdf.Integer(1) {
		t.Errorf("a change of a copy shows: %v", again)
	}
	f.Set(ref, pdf.Dict{"A": pdf.Integer(3)})
	if again, _ := f.Dict(ref); again["A"] != pdf.Integer(3) {
		t.Errorf("the object in its place is %v", again)
	}
	f.Store(ref, pdf.Dict{"A": pdf.Integer(4)})
	f.Store(f.Add(nil), nil)
	if got := fmt.Sprint(f.Resolve(ref)); got != "map[A:4]" {
		t.Errorf("the object stored in its place is %s", got)
	}
}
