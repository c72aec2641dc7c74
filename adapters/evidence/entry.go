package evidence

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/perfectworks/backend/domain/event"
)

// Event is an event as the log stores it.
type Event struct {
	Position event.Position
	Stream   string
	Revision event.Revision
	ID       event.ID
	Type     string
	// JSON says that the content type is JSON.
	JSON bool
	// Time is when the store recorded it; stores count in 100 ns.
	Time           time.Time
	Data, Metadata []byte
}

const (
	hashSize  = sha256.Size
	entrySize = 8 + 8 + hashSize
)

// Hash is a SHA-256.
type Hash [hashSize]byte

// Entry is a leaf of the tree.
type Entry struct {
	Position event.Position
	// Digest is of all but the position.
	Digest Hash
}

// bytes is what the leaf's hash is over: both parts of the position as big-endian
// numbers, and the digest.
func (e Entry) bytes() (b [entrySize]byte) {
	binary.BigEndian.PutUint64(b[:], e.Position.Commit)
	binary.BigEndian.PutUint64(b[8:], e.Position.Prepare)
	copy(b[16:], e.Digest[:])
	return b
}

func entryOf(b []byte) (e Entry) {
	e.Position.Commit, e.Position.Prepare = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	copy(e.Digest[:], b[16:entrySize])
	return e
}

// hash is the hash of the leaf.
func (e Entry) hash() Hash {
	var b [1 + entrySize]byte
	b[0] = rfc6962.RFC6962LeafHashPrefix
	entry := e.bytes()
	copy(b[1:], entry[:])
	return sha256.Sum256(b[:])
}

// digester computes digests. It is for one goroutine.
type digester struct {
	hash hash.Hash
	head []byte
	sum  []byte
}

func newDigester() *digester { return &digester{hash: sha256.New()} }

// scheme names the form of what is hashed.
const scheme = "perfectworks event 1\n"

// entry returns the leaf of an event. Numbers are big-endian, and a length precedes
// each text.
func (d *digester) entry(e Event) Entry {
	b := append(d.head[:0], scheme...)
	b = appendText(b, e.Stream)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Revision)) //nolint:gosec // The bits count.
	b = append(b, e.ID[:]...)
	b = appendText(b, e.Type)
	if e.JSON {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time.UnixNano()/100))
	b = binary.BigEndian.AppendUint64(b, uint64(len(e.Data)))
	d.head = b
	d.hash.Reset()
	d.hash.Write(b)
	d.hash.Write(e.Data)
	d.hash.Write(e.Metadata) // It ends what is hashed, so it needs no length.
	d.sum = d.hash.Sum(d.sum[:0])
	return Entry{e.Position, Hash(d.sum)}
}

func appendText(b []byte, text string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text))) //nolint:gosec // Names are short.
	return append(b, text...)
}

// A bundle holds up to 256 leaves, each after its length in 2 bytes.
const bundled = 2 + entrySize

func appendBundled(b []byte, e Entry) []byte {
	b = binary.BigEndian.AppendUint16(b, entrySize)
	entry := e.bytes()
	return append(b, entry[:]...)
}

var errBundle = errors.New("it does not have the form of a bundle of leaves")

func parseBundle(b []byte) ([]Entry, error) {
	if len(b)%bundled != 0 || len(b) > bundled*tileWidth {
		return nil, errBundle
	}
	entries := make([]Entry, 0, len(b)/bundled)
	for ; len(b) > 0; b = b[bundled:] {
		if binary.BigEndian.Uint16(b) != entrySize {
			return nil, errBundle
		}
		entries = append(entries, entryOf(b[2:]))
	}
	return entries, nil
}
