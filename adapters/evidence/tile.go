package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/perfectworks/backend/adapters/blob"
)

const (
	// tileHeight is how many levels of the tree a tile covers, and tileWidth how many
	// hashes it holds at most.
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tileID names a tile: the hashes of every eighth level of the tree, in parts of 256.
type tileID struct {
	level uint
	index uint64
}

// entriesAt is how many hashes a tree of a size has at a level of tiles.
func entriesAt(level uint, size uint64) uint64 { return size >> (tileHeight * level) }

// widthAt is how many hashes the tile has in a tree of a size.
func (t tileID) widthAt(size uint64) int {
	all, before := entriesAt(t.level, size), t.index*tileWidth
	if all <= before {
		return 0
	}
	return int(min(all-before, tileWidth))
}

// firstLeaf is the index of the first leaf below the tile.
func (t tileID) firstLeaf() uint64 { return t.index << (tileHeight * (t.level + 1)) }

// leavesBelow is how many leaves are below a full tile.
func (t tileID) leavesBelow() uint64 { return 1 << (tileHeight * (t.level + 1)) }

// parent is the tile that holds the root of this one, if it is full, and where.
func (t tileID) parent() (tileID, int) {
	return tileID{t.level + 1, t.index / tileWidth}, int(t.index % tileWidth)
}

// path is the path of the tile below that of its tree.
func (t tileID) path(width int) string {
	return fmt.Sprintf("tile/%d/%s", t.level, numberPath(t.index, width))
}

// bundlePath is the path of the leaves of a tile of level 0.
func bundlePath(index uint64, width int) string { return "tile/entries/" + numberPath(index, width) }

// numberPath writes an index as C2SP tlog-tiles has it: groups of three digits, all
// but the last with an x before them.
func numberPath(index uint64, width int) string {
	path := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		path = fmt.Sprintf("x%03d/%s", index%1000, path)
	}
	if width < tileWidth {
		path += fmt.Sprintf(".p/%d", width)
	}
	return path
}

// hashes computes trees by RFC 6962.
var hashes = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

// subtree is the root of 2^n hashes, n being any number.
func subtree(leaves []byte) ([]byte, error) {
	r := hashes.NewEmptyRange(0)
	for ; len(leaves) > 0; leaves = leaves[hashSize:] {
		if err := r.Append(leaves[:hashSize], nil); err != nil {
			return nil, err
		}
	}
	return r.GetRootHash(nil)
}

// objects are those of one tree.
type objects struct {
	store *blob.Store
	// tree is what their keys begin with, with a slash at its end.
	tree string
}

// maxObject bounds an object, in bytes: a checkpoint, a tile or a bundle.
const maxObject = 1 << 20

var errTooLarge = errors.New("the object is larger than any of its kind")

// read reads an object. It fails with commands.ErrNoObject.
func (o objects) read(ctx context.Context, key string) (content []byte, err error) {
	r, size, err := o.store.Open(ctx, o.tree+key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if size > maxObject {
		return nil, fmt.Errorf("%w: %s", errTooLarge, key)
	}
	return io.ReadAll(io.LimitReader(r, maxObject))
}

// write writes an object, whole or not at all.
func (o objects) write(ctx context.Context, key string, content []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := o.store.Create(ctx, o.tree+key, contentTypeOf(key))
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		cancel()
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

func contentTypeOf(key string) string {
	if strings.HasPrefix(key, checkpointKey) {
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// emptyRoot is the root of the tree of an empty log.
var emptyRoot = Hash(rfc6962.DefaultHasher.EmptyRoot())
