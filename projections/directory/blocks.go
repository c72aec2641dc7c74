package directory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A snapshot is stored in blocks, each after its length and the checksum of its
// contents, so that nothing is read of one that is damaged; an empty block ends
// it.
const (
	maxBlock    = 64 << 10
	blockHeader = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errDamaged  = errors.New("a snapshot is damaged")
	errCutShort = fmt.Errorf("%w: it is cut short", errDamaged)
)

// blockWriter writes blocks. The caller closes it, which writes the last one.
type blockWriter struct {
	w     io.Writer
	block []byte // with room for its header
}

func newBlockWriter(w io.Writer) *blockWriter {
	return &blockWriter{w: w, block: make([]byte, blockHeader, blockHeader+maxBlock)}
}

// Write never returns less than it was given without an error.
func (b *blockWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := min(len(p), cap(b.block)-len(b.block))
		b.block = append(b.block, p[:n]...)
		p, written = p[n:], written+n
		if len(b.block) == cap(b.block) {
			if err := b.flush(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

func (b *blockWriter) flush() error {
	contents := b.block[blockHeader:]
	binary.LittleEndian.PutUint32(b.block, uint32(len(contents))) //nolint:gosec // At most maxBlock.
	binary.LittleEndian.PutUint32(b.block[4:], crc32.Checksum(contents, castagnoli))
	_, err := b.w.Write(b.block)
	b.block = b.block[:blockHeader]
	return err
}

func (b *blockWriter) close() error {
	if len(b.block) > blockHeader {
		if err := b.flush(); err != nil {
			return err
		}
	}
	return b.flush()
}

// blockReader reads what a blockWriter wrote, and io.EOF at its end.
type blockReader struct {
	r     io.Reader
	block [maxBlock]byte
	rest  []byte
	ended bool
}

// Read returns errDamaged for what no blockWriter wrote.
func (b *blockReader) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *blockReader) next() error {
	if b.ended {
		return io.EOF
	}
	var header [blockHeader]byte
	if err := b.fill(header[:]); err != nil {
		return err
	}
	length := binary.LittleEndian.Uint32(header[:])
	if length > maxBlock {
		return fmt.Errorf("%w: a block of %d bytes", errDamaged, length)
	}
	contents := b.block[:length]
	if err := b.fill(contents); err != nil {
		return err
	}
	if crc32.Checksum(contents, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
		return fmt.Errorf("%w: a checksum is wrong", errDamaged)
	}
	b.rest, b.ended = contents, length == 0
	if b.ended {
		return io.EOF
	}
	return nil
}

func (b *blockReader) fill(p []byte) error {
	_, err := io.ReadFull(b.r, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutShort
	}
	return err
}
