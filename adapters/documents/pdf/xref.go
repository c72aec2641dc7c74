package pdf

import (
	"bytes"
	"fmt"
	"maps"
	"math"
)

// readCrossReference follows the chain of tables and streams from startxref back; the first entry found for an object
// counts.
func (f *File) readCrossReference() error {
	tail := f.data[max(0, len(f.data)-2048):]
	at := bytes.LastIndex(tail, []byte("startxref"))
	if at < 0 {
		return fmt.Errorf("no startxref: %w", ErrDamaged)
	}
	l := &Lexer{data: tail, pos: at + len("startxref"), depth: 4}
	o, _ := l.Next()
	start, ok := o.(Integer)
	if !ok {
		return fmt.Errorf("startxref without offset: %w", ErrDamaged)
	}
	seen := map[int]bool{}
	queue := []int{int(start)}
	for len(queue) > 0 {
		offset := queue[0]
		queue = queue[1:]
		if seen[offset] {
			continue
		}
		seen[offset] = true
		trailer, err := f.section(offset)
		if err != nil {
			return err
		}
		if f.Trailer == nil {
			f.Trailer = trailer
		}
		if hybrid, ok := trailer["XRefStm"].(Integer); ok {
			queue = append(queue, int(hybrid))
		}
		if prev, ok := Number(trailer["Prev"]); ok {
			queue = append(queue, int(prev))
		}
	}
	return nil
}

func (f *File) section(offset int) (Dict, error) {
	if offset < 0 || offset >= len(f.data) {
		return nil, fmt.Errorf("cross-reference outside of the file: %w", ErrDamaged)
	}
	l := &Lexer{data: f.data, pos: offset, depth: f.limits.Depth, refs: true}
	first, _ := l.Next()
	if first == Operator("xref") {
		return f.table(l)
	}
	o, _, err := f.indirectAt(offset)
	if err != nil {
		return nil, err
	}
	s, ok := o.(*Stream)
	if !ok {
		return nil, fmt.Errorf("no cross-reference at %d: %w", offset, ErrDamaged)
	}
	return s.Dict, f.crossReferenceStream(s)
}

func (f *File) table(l *Lexer) (Dict, error) {
	for {
		o, ok := l.Next()
		if !ok {
			return nil, fmt.Errorf("cross-reference without trailer: %w", ErrDamaged)
		}
		if o == Operator("trailer") {
			d, _ := l.Next()
			trailer, ok := d.(Dict)
			if !ok {
				return nil, fmt.Errorf("trailer is no dictionary: %w", ErrDamaged)
			}
			return trailer, nil
		}
		n, _ := l.Next()
		start, ok1 := o.(Integer)
		count, ok2 := n.(Integer)
		if !ok1 || !ok2 || start < 0 || count < 0 || int64(count) > int64(len(f.data)) {
			return nil, fmt.Errorf("malformed cross-reference table: %w", ErrDamaged)
		}
		for i := range int(count) {
			a, _ := l.Next()
			b, _ := l.Next()
			kind, ok := l.Next()
			offset, ok1 := a.(Integer)
			_, ok2 := b.(Integer)
			if !ok || !ok1 || !ok2 {
				return nil, fmt.Errorf("malformed cross-reference entry: %w", ErrDamaged)
			}
			err := f.add(int(start)+i, entry{offset: int(offset), free: kind != Operator("n")})
			if err != nil {
				return nil, err
			}
		}
	}
}

func (f *File) add(number int, e entry) error {
	if _, known := f.entries[number]; known {
		return nil
	}
	if len(f.entries) >= f.limits.Objects {
		return f.exceed("objects", int64(f.limits.Objects))
	}
	f.entries[number] = e
	return nil
}

func (f *File) crossReferenceStream(s *Stream) error {
	data, err := f.Decode(s)
	if err != nil && len(data) == 0 {
		return err
	}
	widths, _ := s.Dict["W"].(Array)
	if len(widths) < 3 {
		return fmt.Errorf("cross-reference stream without widths: %w", ErrDamaged)
	}
	var w [3]int
	for i := range w {
		n, _ := widths[i].(Integer)
		if n < 0 || n > 8 {
			return fmt.Errorf("cross-reference stream with a width of %d: %w", n, ErrDamaged)
		}
		w[i] = int(n)
	}
	width := w[0] + w[1] + w[2]
	if width == 0 {
		return fmt.Errorf("cross-reference stream with empty entries: %w", ErrDamaged)
	}
	index, _ := s.Dict["Index"].(Array)
	if len(index) == 0 {
		index = Array{Integer(0), s.Dict["Size"]}
	}
	for i := 0; i+1 < len(index); i += 2 {
		start, _ := index[i].(Integer)
		count, _ := index[i+1].(Integer)
		for n := range int(max(count, 0)) {
			if len(data) < width {
				return nil
			}
			if err := f.add(int(start)+n, packedEntry(data, w)); err != nil {
				return err
			}
			data = data[width:]
		}
	}
	return nil
}

func packedEntry(data []byte, w [3]int) entry {
	var v [3]int
	for i, width := range w {
		for _, b := range data[:width] {
			v[i] = v[i]<<8 | int(b)
		}
		data = data[width:]
	}
	if w[0] == 0 {
		v[0] = 1
	}
	switch v[0] {
	case 1:
		return entry{offset: v[1]}
	case 2:
		if v[1] >= 0 && v[1] <= math.MaxInt32 {
			return entry{container: int32(v[1]), offset: v[2]} //nolint:gosec // checked
		}
	}
	return entry{free: true}
}

// rebuild reads the whole file for objects and trailers; the last of each counts.
func (f *File) rebuild() error {
	trailer := Dict{}
	containers := []int{}
	for pos := 0; pos < len(f.data); {
		at := bytes.Index(f.data[pos:], []byte("obj"))
		if at < 0 {
			break
		}
		at += pos
		pos = at + 3
		if at >= 3 && string(f.data[at-3:at]) == "end" {
			continue
		}
		start := objectStart(f.data, at)
		if start < 0 {
			continue
		}
		l := &Lexer{data: f.data, pos: start, depth: 2}
		n, _ := l.Next()
		number, ok := n.(Integer)
		if !ok || number < 0 || number > math.MaxInt32 {
			continue
		}
		if len(f.entries) >= f.limits.Objects {
			return f.exceed("objects", int64(f.limits.Objects))
		}
		f.entries[int(number)] = entry{offset: start}
		window := f.data[pos:min(len(f.data), pos+512)]
		switch {
		case bytes.Contains(window, []byte("/ObjStm")):
			containers = append(containers, int(number))
		case bytes.Contains(window, []byte("/XRef")):
			if o, _, err := f.indirectAt(start); err == nil {
				if s, ok := o.(*Stream); ok {
					maps.Copy(trailer, s.Dict)
				}
			}
		}
	}
	for pos := 0; ; {
		at := bytes.Index(f.data[pos:], []byte("trailer"))
		if at < 0 {
			break
		}
		pos += at + len("trailer")
		l := &Lexer{data: f.data, pos: pos, depth: f.limits.Depth, refs: true}
		o, _ := l.Next()
		if d, ok := o.(Dict); ok {
			maps.Copy(trailer, d)
		}
	}
	f.Trailer = trailer
	if err := f.startDecryption(); err != nil {
		return err
	}
	for _, container := range containers {
		for i, number := range f.objectStream(container).numbers {
			if err := f.add(number, entry{container: int32(container), offset: i}); err != nil { //nolint:gosec // checked above
				return err
			}
		}
	}
	if _, ok := f.Dict(trailer["Root"]); !ok {
		f.findCatalog()
	}
	return nil
}

// findCatalog looks for a catalog when no trailer names one.
func (f *File) findCatalog() {
	for number := range f.entries {
		ref := Ref{Number: number}
		if d, ok := f.Dict(ref); ok && f.Name(d["Type"]) == "Catalog" {
			f.Trailer["Root"] = ref
			return
		}
	}
}

// objectStart gives the offset of the object number before "obj" at the given offset, or -1.
func objectStart(data []byte, at int) int {
	i := at
	for range 2 {
		space := i
		for i > 0 && isSpace(data[i-1]) {
			i--
		}
		digits := i
		for i > 0 && data[i-1] >= '0' && data[i-1] <= '9' {
			i--
		}
		if digits == i || (space == digits && space != at) {
			return -1
		}
	}
	return i
}

type objectStream struct {
	numbers []int
	offsets []int
	data    []byte
	// left is how many objects were not read yet; the stream is forgotten with the last one.
	left int
}

func (f *File) objectStream(container int) *objectStream {
	if s, ok := f.packed[container]; ok {
		return s
	}
	out := &objectStream{}
	f.packed[container] = out
	s, ok := f.load(container).(*Stream)
	if !ok {
		return out
	}
	data, err := f.Decode(s)
	if err != nil && len(data) == 0 {
		return out
	}
	count, _ := f.Integer(s.Dict["N"])
	first, _ := f.Integer(s.Dict["First"])
	if first < 0 || first > int64(len(data)) {
		return out
	}
	l := &Lexer{data: data[:first], depth: 2}
	for range min(count, int64(f.limits.Objects)) {
		n, _ := l.Next()
		o, ok := l.Next()
		number, ok1 := n.(Integer)
		offset, ok2 := o.(Integer)
		if !ok || !ok1 || !ok2 || offset < 0 {
			break
		}
		out.numbers = append(out.numbers, int(number))
		out.offsets = append(out.offsets, int(first)+int(offset))
	}
	out.data, out.left = exact(data), len(out.numbers)
	return out
}

func (f *File) fromObjectStream(number int, e entry) Object {
	if inner, ok := f.entries[int(e.container)]; !ok || inner.container != 0 {
		return nil // an object stream inside of another is not allowed
	}
	s := f.objectStream(int(e.container))
	i := e.offset
	if i < 0 || i >= len(s.numbers) || s.numbers[i] != number {
		i = -1
		for j, n := range s.numbers {
			if n == number {
				i = j
			}
		}
		if i < 0 {
			return nil
		}
	}
	if s.offsets[i] > len(s.data) {
		return nil
	}
	l := &Lexer{data: s.data, pos: s.offsets[i], depth: f.limits.Depth, refs: true}
	o, _ := l.Next()
	if s.left--; s.left == 0 {
		*s = objectStream{}
	}
	if _, isOp := o.(Operator); isOp {
		return nil
	}
	return o
}
