package pdf

// storePart is how many bytes of complete objects are kept in one piece of memory.
const storePart = 1 << 16

// inStore is the container of an entry whose object is in the store. Its offset is the number of the part, times storePart,
// and the place in it.
const inStore = -1

// store has complete objects as they are written. There are hundreds of thousands of structure elements in a long document,
// and a dictionary in memory takes several times as much.
type store struct{ parts [][]byte }

// Store is [File.Set] for an object that is complete. It takes less memory, and reading it gives another copy each time.
func (f *File) Store(ref Ref, o Object) {
	streams := false
	f.scratch = appendObject(f.scratch[:0], o, func(o Object) Ref {
		ref, isRef := o.(Ref)
		streams = streams || !isRef
		return ref
	})
	f.scratch = append(f.scratch, ' ')
	if streams || len(f.scratch) > storePart {
		f.Set(ref, o)
		return
	}
	f.findLast()
	delete(f.loaded, ref.Number)
	f.entries[ref.Number] = entry{container: inStore, offset: f.stored.add(f.scratch)}
	f.last = max(f.last, ref.Number)
}

// AddStored is [File.Add] for an object that is complete; see [File.Store].
func (f *File) AddStored(o Object) Ref {
	f.findLast()
	ref := Ref{Number: f.last + 1}
	f.Store(ref, o)
	return ref
}

// add keeps text, and tells where it is.
func (s *store) add(text []byte) int {
	n := len(s.parts)
	if n == 0 || len(s.parts[n-1])+len(text) > storePart {
		s.parts = append(s.parts, make([]byte, 0, storePart))
		n++
	}
	part := &s.parts[n-1]
	at := len(*part)
	*part = append(*part, text...)
	return (n-1)*storePart + at
}

// object reads what was kept at a place.
func (s *store) object(at, depth int) Object {
	l := &Lexer{data: s.parts[at/storePart], pos: at % storePart, depth: depth, refs: true}
	o, _ := l.Next()
	return o
}
