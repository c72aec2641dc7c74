package directory

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// fieldWriter writes the fields of records. It stops at the first error.
type fieldWriter struct {
	w       *bufio.Writer
	scratch [binary.MaxVarintLen64]byte
	err     error
}

func (w *fieldWriter) bytes(p []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(p)
	}
}

func (w *fieldWriter) uint(v uint64) { w.bytes(binary.AppendUvarint(w.scratch[:0], v)) }

func (w *fieldWriter) int(v int64) { w.bytes(binary.AppendVarint(w.scratch[:0], v)) }

func (w *fieldWriter) count(n int) { w.uint(uint64(n)) } //nolint:gosec // A count is not negative.

func (w *fieldWriter) bool(v bool) {
	if v {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

func (w *fieldWriter) text(s string) {
	w.count(len(s))
	if w.err == nil {
		_, w.err = w.w.WriteString(s)
	}
}

// fieldReader reads what a fieldWriter wrote. After an error it reads zeros.
type fieldReader struct {
	r       *bufio.Reader
	scratch []byte
	err     error
}

func (r *fieldReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errDamaged, what)
	}
}

func (r *fieldReader) check(err error) bool {
	if err != nil && r.err == nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // As package io returns them.
			err = errCutShort
		}
		r.err = err
	}
	return r.err == nil
}

func (r *fieldReader) bytes(p []byte) bool {
	if r.err != nil {
		return false
	}
	_, err := io.ReadFull(r.r, p)
	return r.check(err)
}

func (r *fieldReader) uint() uint64 {
	if r.err != nil {
		return 0
	}
	v, err := binary.ReadUvarint(r.r)
	if !r.check(err) {
		return 0
	}
	return v
}

func (r *fieldReader) int() int64 {
	if r.err != nil {
		return 0
	}
	v, err := binary.ReadVarint(r.r)
	if !r.check(err) {
		return 0
	}
	return v
}

// below reads a number that must be less than a limit.
func (r *fieldReader) below(limit int, what string) int {
	v := r.uint()
	if limit <= 0 || v >= uint64(limit) {
		r.fail("there is no " + what + " with such a number")
		return 0
	}
	return int(v) //nolint:gosec // It is less than an int.
}

// count reads how many records follow.
func (r *fieldReader) count() int { return r.below(math.MaxInt32, "count") }

func (r *fieldReader) bool() bool { return r.below(2, "truth value") == 1 }

// maxText bounds a text, in bytes.
const maxText = 1 << 20

func (r *fieldReader) text() string {
	n := r.below(maxText, "text")
	if n > len(r.scratch) {
		r.scratch = make([]byte, n)
	}
	if !r.bytes(r.scratch[:n]) {
		return ""
	}
	return string(r.scratch[:n])
}
