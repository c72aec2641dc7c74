package pdf

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
)

// header is the first line of what this package writes: the version that PDF/UA-1 builds upon.
const header = "%PDF-1.7"

// packedObjects is how many objects share one object stream.
const packedObjects = 100

// Write writes the file anew, with the objects that can be reached from its catalog and its information dictionary,
// numbered as they are met. Earlier versions of objects, encryption and signatures' byte ranges are not kept. The same
// objects give the same bytes. Its error is of w, or a [*LimitError] when not all objects could be read.
func (f *File) Write(w io.Writer) error {
	sum := sha256.New()
	out := &writer{
		file: f, out: bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16), sum: sum, numbers: map[int]int{},
		streams: map[*Stream]int{}, entries: make([]written, 1),
	}
	trailer := Dict{}
	for _, key := range []Name{"Root", "Info"} {
		if o := f.Trailer[key]; f.Resolve(o) != nil {
			trailer[key] = out.reference(o)
		}
	}
	out.put([]byte(header + "\n%\xe2\xe3\xcf\xd3\n"))
	for next := 0; next < len(out.queue); next++ {
		if out.entries[next+1] == (written{}) { // not an object stream, which is written at once
			out.object(next+1, f.Resolve(out.queue[next]))
			out.queue[next] = nil
		}
	}
	out.flushPacked()
	if f.limit != nil {
		return f.limit
	}
	out.crossReference(trailer)
	if out.err == nil {
		out.err = out.out.Flush()
	}
	if out.err != nil {
		return fmt.Errorf("write the PDF: %w", out.err)
	}
	return nil
}

// written is where an object went: an offset, or an object stream and a place in it.
type written struct {
	offset    int64
	container int
	index     int
}

type writer struct {
	file *File
	out  *bufio.Writer
	sum  hash.Hash
	at   int64
	err  error

	// numbers and streams give the new number of an object by its old one, or by itself if it had none; queue holds the
	// objects by their new number, less one, until they are written.
	numbers map[int]int
	streams map[*Stream]int
	queue   []Object
	entries []written

	pack     bytes.Buffer
	packHead []int
}

func (w *writer) put(p []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(p)
	}
	w.at += int64(len(p))
}

// reference gives the new reference of an object, which is written later if it was not met before.
func (w *writer) reference(o Object) Ref {
	var number int
	var known bool
	switch v := o.(type) {
	case Ref:
		if number, known = w.numbers[v.Number]; !known {
			number = w.enqueue(v)
			w.numbers[v.Number] = number
		}
	case *Stream:
		if number, known = w.streams[v]; !known {
			number = w.enqueue(v)
			w.streams[v] = number
		}
	default:
		number = w.enqueue(v)
	}
	return Ref{Number: number}
}

func (w *writer) enqueue(o Object) int {
	w.queue = append(w.queue, o)
	w.entries = append(w.entries, written{})
	return len(w.queue)
}

// object writes a stream at once and packs anything else with its neighbours.
func (w *writer) object(number int, o Object) {
	s, isStream := o.(*Stream)
	if !isStream {
		w.packHead = append(w.packHead, number, w.pack.Len())
		w.pack.Write(appendObject(nil, o, w.reference))
		w.pack.WriteByte('\n')
		if len(w.packHead) == 2*packedObjects {
			w.flushPacked()
		}
		return
	}
	w.stream(number, s)
}

func (w *writer) stream(number int, s *Stream) {
	s = w.file.standard(s)
	d := make(Dict, len(s.Dict)+1)
	for key, value := range s.Dict {
		d[key] = value
	}
	d["Length"] = Integer(len(s.Raw))
	w.entries[number] = written{offset: w.at}
	b := fmt.Appendf(nil, "%d 0 obj\n", number)
	b = append(appendObject(b, d, w.reference), "\nstream\n"...)
	w.put(b)
	w.put(s.Raw)
	w.put([]byte("\nendstream\nendobj\n"))
}

func (w *writer) flushPacked() {
	if len(w.packHead) == 0 {
		return
	}
	container := w.enqueue(nil)
	var data bytes.Buffer
	for i := 0; i < len(w.packHead); i += 2 {
		fmt.Fprintf(&data, "%d %d ", w.packHead[i], w.packHead[i+1])
		w.entries[w.packHead[i]] = written{container: container, index: i / 2}
	}
	first := data.Len()
	data.Write(w.pack.Bytes())
	w.stream(container, NewStream(Dict{
		"Type": Name("ObjStm"), "N": Integer(len(w.packHead) / 2), "First": Integer(first),
	}, data.Bytes()))
	w.pack.Reset()
	w.packHead = w.packHead[:0]
}

// crossReference writes the cross-reference stream (ISO 32000-1, 7.5.8), which is the trailer as well.
func (w *writer) crossReference(trailer Dict) {
	number := len(w.queue) + 1
	start := w.at
	w.entries = append(w.entries, written{offset: start})
	var rows bytes.Buffer
	for i, e := range w.entries {
		kind, second, third := byte(1), uint64(e.offset), uint16(0) //nolint:gosec // offsets are not negative
		switch {
		case i == 0:
			kind, third = 0, 0xffff
		case e.container != 0:
			kind, second, third = 2, uint64(e.container), uint16(e.index) //nolint:gosec // below packedObjects
		}
		rows.WriteByte(kind)
		var field [8]byte
		binary.BigEndian.PutUint64(field[:], second)
		rows.Write(field[3:])
		rows.Write(binary.BigEndian.AppendUint16(nil, third))
	}
	if w.err == nil {
		w.err = w.out.Flush()
	}
	id := String(w.sum.Sum(nil)[:16])
	first := id
	if old, ok := w.file.Array(w.file.Trailer["ID"]); ok && len(old) > 0 {
		if s, ok := w.file.String(old[0]); ok && s != "" {
			first = s
		}
	}
	trailer["ID"] = Array{first, id}
	trailer["Type"] = Name("XRef")
	trailer["Size"] = Integer(number + 1)
	trailer["W"] = Array{Integer(1), Integer(5), Integer(2)}
	s := NewStream(trailer, rows.Bytes())
	s.Dict["Length"] = Integer(len(s.Raw))
	b := fmt.Appendf(nil, "%d 0 obj\n", number)
	// The references in it are new ones already.
	b = append(appendObject(b, s.Dict, func(o Object) Ref { return o.(Ref) }), "\nstream\n"...) //nolint:forcetypeassert // only called with references
	w.put(b)
	w.put(s.Raw)
	w.put(fmt.Appendf(nil, "\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", start))
}
