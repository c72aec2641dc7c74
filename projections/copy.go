package projections

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"

	"github.com/jackc/pgx/v5/pgconn"
)

// leastCopied is from how many rows on copying them pays: it costs round trips
// of its own.
const leastCopied = 50

// copied is rows of one table in the text form of COPY.
type copied struct {
	sql  string
	rows []byte
}

// copy adds rows that are not in the table.
func (s *script) copy(t *table, rows []row) {
	c := &copied{sql: fmt.Sprintf("COPY %s (%s) FROM STDIN", t.ident,
		t.list(t.all(), ", ", func(c column) string { return c.ident }))}
	for _, r := range rows {
		for i, cell := range r.cells {
			if i > 0 {
				c.rows = append(c.rows, '\t')
			}
			c.rows = appendCopied(c.rows, cell)
		}
		c.rows = append(c.rows, '\n')
	}
	last := len(s.steps) - 1
	if last < 0 || s.steps[last].copied != nil {
		s.steps = append(s.steps, step{})
		last++
	}
	s.steps[last].copied = c
}

// appendCopied escapes a value as COPY wants it.
func appendCopied(dst, cell []byte) []byte {
	if cell == nil {
		return append(dst, `\N`...)
	}
	begin := 0
	for i, b := range cell {
		var escape byte
		switch b {
		case '\\':
			escape = '\\'
		case '\t':
			escape = 't'
		case '\n':
			escape = 'n'
		case '\r':
			escape = 'r'
		default:
			continue
		}
		dst = append(dst, cell[begin:i]...)
		dst = append(dst, '\\', escape)
		begin = i + 1
	}
	return append(dst, cell[begin:]...)
}

func (c *copied) send(ctx context.Context, conn *pgconn.PgConn) error {
	_, err := conn.CopyFrom(ctx, bytes.NewReader(c.rows), c.sql)
	return err
}

// keys knows of keys whether they may have been in a table, ever since it was
// empty. It may be wrong in saying that one was, and then an upsert is made in
// vain; it is never wrong in saying that one was not. It is a chain of Bloom
// filters (B. H. Bloom, "Space/time trade-offs in hash coding with allowable
// errors", 1970), each larger than the one before.
type keys struct {
	seed    maphash.Seed
	filters []filter
	// full says that it has grown too large, and knows nothing any more.
	full bool
}

type filter struct {
	bits     []uint64
	room     int // how many more keys it takes
	capacity int
}

const (
	bitsPerKey = 12 // With 6 probes, some 5 in 1,000 keys are taken for others.
	probes     = 6
	// The first filter of a table takes 0.2 MB, all of them at most 130 MB.
	leastKeys = 1 << 17
	mostKeys  = 1 << 26
)

func newKeys() *keys { return &keys{seed: maphash.MakeSeed()} }

// add notes a key, if it is to be in the table, and tells whether it is certain
// that it never was. Nil keys know nothing.
func (k *keys) add(id string, stays bool) (isNew bool) {
	if k == nil || k.full {
		return false
	}
	hash := maphash.String(k.seed, id)
	for i := range k.filters {
		if k.filters[i].has(hash) {
			return false
		}
	}
	if stays {
		k.note(hash)
	}
	return !k.full
}

func (k *keys) note(hash uint64) {
	last := len(k.filters) - 1
	if last < 0 || k.filters[last].room == 0 {
		capacity := leastKeys
		if last >= 0 {
			capacity = 4 * k.filters[last].capacity
		}
		if capacity > mostKeys {
			k.full, k.filters = true, nil
			return
		}
		k.filters = append(k.filters, filter{make([]uint64, capacity*bitsPerKey/64), capacity, capacity})
		last++
	}
	f := &k.filters[last]
	f.room--
	for i := range probes {
		word, bit := f.probe(hash, i)
		f.bits[word] |= bit
	}
}

func (f *filter) has(hash uint64) bool {
	for i := range probes {
		if word, bit := f.probe(hash, i); f.bits[word]&bit == 0 {
			return false
		}
	}
	return true
}

// probe derives many hashes from two (A. Kirsch and M. Mitzenmacher, "Less
// hashing, same performance", 2006).
func (f *filter) probe(hash uint64, i int) (word int, bit uint64) {
	at := (hash&(1<<32-1) + uint64(i)*(hash>>32|1)) % uint64(64*len(f.bits)) //nolint:gosec // Both are small.
	return int(at / 64), 1 << (at % 64)                                      //nolint:gosec // It is below the length.
}
