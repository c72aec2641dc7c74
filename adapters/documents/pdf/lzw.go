package pdf

import "io"

// earlyLZW decodes LZW as TIFF and PDF write it: codes of 9 to 12 bits, most significant first, grown one code early.
type earlyLZW struct {
	data     []byte
	bit      int
	width    int
	next     int
	previous int
	prefix   [4096]int
	suffix   [4096]byte
	rest     []byte
	stack    [4097]byte
}

func (z *earlyLZW) clear() { z.width, z.next, z.previous = 9, 258, -1 }

func (z *earlyLZW) code() int {
	code := 0
	for range z.width {
		at := z.bit >> 3
		if at >= len(z.data) {
			return 257
		}
		code = code<<1 | int(z.data[at]>>(7-z.bit&7))&1
		z.bit++
	}
	return code
}

func (z *earlyLZW) Read(p []byte) (int, error) {
	if z.width == 0 {
		z.clear()
	}
	for len(z.rest) == 0 {
		code := z.code()
		if code == 257 {
			return 0, io.EOF
		}
		if code == 256 {
			z.clear()
			continue
		}
		if err := z.expand(code); err != nil {
			return 0, err
		}
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
}

func (z *earlyLZW) expand(code int) error {
	at := len(z.stack)
	c := code
	if code >= z.next {
		if code > z.next || z.previous < 0 {
			return io.ErrUnexpectedEOF
		}
		at-- // the code being defined: its last byte is its first one, known below
		c = z.previous
	}
	for c >= 258 {
		at--
		z.stack[at] = z.suffix[c]
		c = z.prefix[c]
	}
	at--
	z.stack[at] = byte(c) //nolint:gosec // below 258, and 256 and 257 never get here
	first := z.stack[at]
	if code >= z.next {
		z.stack[len(z.stack)-1] = first
	}
	z.rest = z.stack[at:]
	if z.previous >= 0 && z.next < 4096 {
		z.prefix[z.next], z.suffix[z.next] = z.previous, first
		z.next++
	}
	for z.width < 12 && z.next+1 >= 1<<z.width {
		z.width++
	}
	z.previous = code
	return nil
}
