package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// File is an open PDF. It is not safe for concurrent use.
type File struct {
	// Header is the text of the first line from "%PDF-" on, without its end of line.
	Header string
	// HeaderOffset is where the header starts; other offsets count from there.
	HeaderOffset int
	// Trailer is the newest trailer dictionary.
	Trailer Dict
	// Encrypted tells whether the file is encrypted; Owner that it was opened with its owner's password, which permits all.
	Encrypted, Owner bool
	// Brotli tells that a stream compressed by Brotli was met, which PDF 1.7 does not know.
	Brotli bool
	// Repaired tells whether the cross-reference was unusable and was rebuilt by reading the whole file.
	Repaired bool

	data    []byte
	limits  Limits
	entries map[int]entry
	loaded  map[int]Object
	loading map[int]bool
	packed  map[int]*objectStream
	decoded map[*Stream]decoded
	spent   int64
	kept    int
	limit   *LimitError
	crypt   *crypt
	// password is what the caller gave to open the file.
	password string
	// stored are objects that are complete, scratch is where they are written.
	stored  store
	scratch []byte
	// last is the highest object number in use, once objects were added.
	last int
}

// entry tells where an object is.
type entry struct {
	offset int
	// container is the number of the object stream that holds the object, if not 0; offset is then its place in it.
	container int32
	free      bool
}

type decoded struct {
	data []byte
	err  error
	kept bool
}

// Open reads the cross-reference of a file, and rebuilds it if it is unusable. Data may not change while the file is
// in use. Errors are [ErrNotPDF], [ErrDamaged], [ErrPassword], [ErrCertificate], [ErrEncryption] or a [*LimitError].
func Open(data []byte, limits Limits) (*File, error) { return OpenWith(data, limits, "") }

// OpenWith is Open for a file that may be encrypted with the password of its user or its owner. Without a password the
// empty one is tried. A password that is neither is [ErrWrongPassword]; it does not matter if the file is not encrypted.
func OpenWith(data []byte, limits Limits, password string) (*File, error) {
	head := data[:min(len(data), 1024)]
	start := bytes.Index(head, []byte("%PDF-"))
	if start < 0 {
		return nil, ErrNotPDF
	}
	line := data[start:min(len(data), start+64)]
	if end := bytes.IndexAny(line, "\r\n"); end >= 0 {
		line = line[:end]
	}
	f := &File{
		Header: string(line), HeaderOffset: start, data: data[start:], limits: limits.withDefaults(), password: password,
		packed: map[int]*objectStream{}, decoded: map[*Stream]decoded{},
	}
	f.reset()
	err := f.readCrossReference()
	if err == nil && f.usable() {
		err = f.startDecryption()
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, ErrDamaged) {
			return nil, err
		}
	}
	if f.limit != nil {
		return nil, f.limit
	}
	f.reset()
	f.Repaired = true
	if err := f.rebuild(); err != nil {
		return nil, err
	}
	usable := f.usable()
	if f.limit != nil {
		return nil, f.limit
	}
	if !usable {
		return nil, ErrDamaged
	}
	return f, nil
}

func (f *File) reset() {
	f.entries, f.loaded, f.loading = map[int]entry{}, map[int]Object{}, map[int]bool{}
	f.packed = map[int]*objectStream{}
	f.Trailer = nil
}

// usable tells whether the catalog and the root of the page tree can be reached. Strings, the only things that
// encryption hides here outside of object streams, play no part in it.
func (f *File) usable() bool {
	if f.Trailer == nil {
		return false
	}
	if f.Trailer["Encrypt"] != nil && f.crypt == nil {
		return f.Trailer["Root"] != nil // object streams cannot be read yet
	}
	pages, ok := f.Dict(f.Catalog()["Pages"])
	return ok && len(pages) > 0
}

// Catalog is the document catalog, empty if there is none.
func (f *File) Catalog() Dict {
	d, _ := f.Dict(f.Trailer["Root"])
	return d
}

// Limit gives the limit that reading went beyond, or nil. What was read after that is incomplete.
func (f *File) Limit() error {
	if f.limit == nil {
		return nil
	}
	return f.limit
}

func (f *File) exceed(what string, limit int64) error {
	err := &LimitError{What: what, Limit: limit}
	if f.limit == nil {
		f.limit = err
	}
	return err
}

// Resolve follows references to the object they name. Missing objects and loops are null.
func (f *File) Resolve(o Object) Object {
	for range 32 {
		ref, ok := o.(Ref)
		if !ok {
			return o
		}
		o = f.load(ref.Number)
	}
	return nil
}

// Dict resolves o to a dictionary; a stream gives its dictionary.
func (f *File) Dict(o Object) (Dict, bool) {
	switch v := f.Resolve(o).(type) {
	case Dict:
		return v, true
	case *Stream:
		return v.Dict, true
	}
	return nil, false
}

// Array resolves o to an array.
func (f *File) Array(o Object) (Array, bool) {
	a, ok := f.Resolve(o).(Array)
	return a, ok
}

// Name resolves o to a name, or "".
func (f *File) Name(o Object) Name {
	n, _ := f.Resolve(o).(Name)
	return n
}

// String resolves o to a string.
func (f *File) String(o Object) (String, bool) {
	s, ok := f.Resolve(o).(String)
	return s, ok
}

// Integer resolves o to an integer.
func (f *File) Integer(o Object) (int64, bool) {
	n, ok := f.Resolve(o).(Integer)
	return int64(n), ok
}

// Number resolves o to a number.
func (f *File) Number(o Object) (float64, bool) { return Number(f.Resolve(o)) }

// Stream resolves o to a stream.
func (f *File) Stream(o Object) (*Stream, bool) {
	s, ok := f.Resolve(o).(*Stream)
	return s, ok
}

// Objects is the number of objects that the cross-reference lists.
func (f *File) Objects() int { return len(f.entries) }

func (f *File) load(number int) Object {
	if o, ok := f.loaded[number]; ok {
		return o
	}
	e, ok := f.entries[number]
	if !ok || e.free || f.loading[number] {
		return nil
	}
	if e.container == inStore {
		return f.stored.object(e.offset, f.limits.Depth)
	}
	f.loading[number] = true
	defer delete(f.loading, number)
	var o Object
	if e.container != 0 {
		o = f.fromObjectStream(number, e)
	} else {
		var at Ref
		var err error
		o, at, err = f.indirectAt(e.offset)
		if err != nil || at.Number != number {
			o = nil
		} else if f.crypt != nil {
			o = f.crypt.object(o, at)
		}
	}
	f.loaded[number] = o
	return o
}

// Forget drops an object from memory, which is read again when it is asked for. A file that was changed keeps its objects:
// they may be what was changed.
func (f *File) Forget(ref Ref) {
	if _, loaded := f.loaded[ref.Number]; !loaded || f.last != 0 {
		return
	}
	delete(f.loaded, ref.Number)
	container := int(f.entries[ref.Number].container)
	if s := f.packed[container]; s != nil {
		if s.left++; s.data == nil { // it was forgotten with its last object
			delete(f.packed, container)
		}
	}
}

// indirectAt reads "N G obj … endobj" at an offset.
func (f *File) indirectAt(offset int) (Object, Ref, error) {
	if offset < 0 || offset >= len(f.data) {
		return nil, Ref{}, ErrDamaged
	}
	l := &Lexer{data: f.data, pos: offset, depth: f.limits.Depth, refs: true}
	n, _ := l.Next()
	g, _ := l.Next()
	kw, _ := l.Next()
	num, ok1 := n.(Integer)
	gen, ok2 := g.(Integer)
	if !ok1 || !ok2 || kw != Operator("obj") {
		return nil, Ref{}, fmt.Errorf("no object at offset %d: %w", offset, ErrDamaged)
	}
	at := Ref{int(num), int(gen)}
	o, ok := l.Next()
	if !ok {
		return nil, at, ErrDamaged
	}
	if _, isOp := o.(Operator); isOp { // "endobj" at once
		return nil, at, nil
	}
	if _, isInt := o.(Integer); isInt { // an object may be a mere reference
		before := l.pos
		if g, _ := l.Next(); g != nil {
			if r, _ := l.Next(); r == Operator("R") {
				if folded := foldRef(Array{o, g}); len(folded) == 1 {
					return folded[0], at, nil
				}
			}
		}
		l.pos = before
	}
	d, isDict := o.(Dict)
	if !isDict {
		return o, at, nil
	}
	before := l.pos
	if kw, _ := l.Next(); kw != Operator("stream") {
		l.pos = before
		return d, at, nil
	}
	return &Stream{Dict: d, Raw: f.streamData(d, l.pos)}, at, nil
}

// streamData gives the bytes after the keyword stream: as many as Length says if endstream follows them, else up to
// the next endstream.
func (f *File) streamData(d Dict, pos int) []byte {
	if pos < len(f.data) && f.data[pos] == '\r' {
		pos++
	}
	if pos < len(f.data) && f.data[pos] == '\n' {
		pos++
	}
	if length, ok := f.Integer(d["Length"]); ok && length >= 0 && length <= int64(len(f.data)-pos) {
		end := pos + int(length)
		rest := bytes.TrimLeft(f.data[end:min(len(f.data), end+32)], "\r\n \t")
		if bytes.HasPrefix(rest, []byte("endstream")) || bytes.HasPrefix(rest, []byte("endobj")) {
			return f.data[pos:end]
		}
	}
	end := bytes.Index(f.data[pos:], []byte("endstream"))
	if end < 0 {
		return f.data[pos:]
	}
	data := f.data[pos : pos+end]
	data = bytes.TrimSuffix(data, []byte("\n"))
	return bytes.TrimSuffix(data, []byte("\r"))
}

// Each calls visit with every dictionary and stream dictionary of the file, also those inside of others, in order of
// their object numbers.
func (f *File) Each(visit func(Dict)) {
	var walk func(o Object, depth int)
	walk = func(o Object, depth int) {
		if depth > f.limits.Depth {
			return
		}
		switch v := o.(type) {
		case *Stream:
			walk(v.Dict, depth)
		case Dict:
			visit(v)
			for _, inner := range v {
				walk(inner, depth+1)
			}
		case Array:
			for _, inner := range v {
				walk(inner, depth+1)
			}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(f.entries)) {
		walk(f.load(number), 0)
	}
}
