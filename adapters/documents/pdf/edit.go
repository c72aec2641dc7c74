package pdf

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// New gives an empty file to be filled: a catalog and nothing in it.
func New() *File {
	f := &File{
		Header: header, limits: Limits{}.withDefaults(), packed: map[int]*objectStream{}, decoded: map[*Stream]decoded{},
	}
	f.reset()
	f.Trailer = Dict{"Root": f.Add(Dict{"Type": Name("Catalog")})}
	return f
}

// Add adds an object to the file and gives its reference. Objects that were there already may be changed in place,
// once they were read, or be replaced by [File.Set]; all this lasts until the file is written.
func (f *File) Add(o Object) Ref {
	f.findLast()
	ref := Ref{Number: f.last + 1}
	f.Set(ref, o)
	return ref
}

// Set replaces the object that a reference names.
func (f *File) Set(ref Ref, o Object) {
	f.findLast()
	f.entries[ref.Number] = entry{free: o == nil}
	if o == nil {
		delete(f.loaded, ref.Number)
	} else {
		f.loaded[ref.Number] = o
	}
	f.last = max(f.last, ref.Number)
}

// findLast finds the highest number in use before the first change.
func (f *File) findLast() {
	if f.last != 0 {
		return
	}
	for number := range f.entries {
		f.last = max(f.last, number)
	}
}

// deflaters are used again, since a new one takes more than a megabyte, and a document has thousands of streams.
var deflaters = sync.Pool{New: func() any { return zlib.NewWriter(io.Discard) }}

// NewStream makes a compressed stream of data. The dictionary becomes the stream's.
func NewStream(d Dict, data []byte) *Stream {
	var out bytes.Buffer
	z, _ := deflaters.Get().(*zlib.Writer)
	z.Reset(&out)
	// Writing to memory does not fail.
	_, _ = z.Write(data)
	_ = z.Close()
	deflaters.Put(z)
	if d == nil {
		d = Dict{}
	}
	delete(d, "DecodeParms")
	d["Filter"] = Name("FlateDecode")
	return &Stream{Dict: d, Raw: out.Bytes()}
}
