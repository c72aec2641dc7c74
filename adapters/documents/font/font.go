// Package font reads the font programs and character maps that PDF files embed, as far as checks on text need them:
// which glyphs a program has, how wide they are, and which glyph, character identifier or text a code stands for.
//
// Nothing here draws. Parsers take files from anybody: they refuse what they cannot read and never read outside of
// the data.
package font

import "errors"

// ErrMalformed says that a font program cannot be read.
var ErrMalformed = errors.New("the font program is malformed")

// reader reads big-endian numbers; reading outside of the data gives zero and sets bad.
type reader struct {
	data []byte
	pos  int
	bad  bool
}

func (r *reader) at(pos int) *reader {
	if pos < 0 || pos > len(r.data) {
		return &reader{data: r.data, bad: true}
	}
	return &reader{data: r.data, pos: pos}
}

func (r *reader) uint(bytes int) int {
	if r.bad || r.pos+bytes > len(r.data) {
		r.bad = true
		return 0
	}
	v := 0
	for _, b := range r.data[r.pos : r.pos+bytes] {
		v = v<<8 | int(b)
	}
	r.pos += bytes
	return v
}

func (r *reader) u8() int  { return r.uint(1) }
func (r *reader) u16() int { return r.uint(2) }
func (r *reader) u32() int { return r.uint(4) }

func (r *reader) i16() int {
	v := r.uint(2)
	if v >= 0x8000 {
		v -= 0x10000
	}
	return v
}

func (r *reader) bytes(n int) []byte {
	if r.bad || n < 0 || r.pos+n > len(r.data) {
		r.bad = true
		return nil
	}
	r.pos += n
	return r.data[r.pos-n : r.pos]
}
