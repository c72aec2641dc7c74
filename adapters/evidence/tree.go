package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/compact"

	"github.com/perfectworks/backend/commands"
)

// TileError says that a stored tile, or bundle of leaves, is not what the checkpoint
// says: it was changed, or is missing.
type TileError struct {
	// Object is its key below that of the tree.
	Object string
	// First is the first leaf that it is about, and Leaves how many they are.
	First, Leaves uint64
	// Missing says that there is no such object.
	Missing bool
}

// Error implements error.
func (e *TileError) Error() string {
	if e.Missing {
		return fmt.Sprintf("the stored object %s is missing", e.Object)
	}
	return fmt.Sprintf("the stored object %s was changed: it does not fit the checkpoint", e.Object)
}

// tree reads the stored tree of a checkpoint. What it returns has been checked
// against the signed root, so it does not matter who can write to the store. It is
// for one goroutine.
type tree struct {
	objects    objects
	checkpoint Checkpoint
	// stored is the size of the tree that is stored, which is that of the checkpoint or
	// a later one.
	stored uint64
	// known are tiles above the leaves that have been checked: there are few.
	known map[tileID][]byte
}

// openTree checks the right edge of the tree: by the tiles there, which are not full,
// the root can be computed. Its error is a *TileError when they do not fit.
func openTree(ctx context.Context, o objects, c Checkpoint, stored uint64) (*tree, error) {
	t := &tree{objects: o, checkpoint: c, stored: max(stored, c.Size), known: map[tileID][]byte{}}
	edge := map[uint][]byte{}
	for level := uint(0); entriesAt(level, c.Size) > 0; level++ {
		id := tileID{level, entriesAt(level, c.Size) / tileWidth}
		width := id.widthAt(c.Size)
		if width == 0 {
			continue
		}
		content, err := t.fetch(ctx, id)
		if err != nil {
			return nil, err
		}
		edge[level] = content
	}
	nodes := compact.RangeNodes(0, c.Size, nil)
	roots := make([][]byte, len(nodes))
	for i, node := range nodes {
		var err error
		if roots[i], err = nodeIn(edge[node.Level/tileHeight], node); err != nil {
			return nil, err
		}
	}
	whole, err := hashes.NewRange(0, c.Size, roots)
	if err != nil {
		return nil, err
	}
	root, err := rootOf(whole)
	if err != nil {
		return nil, err
	}
	if root != c.Root {
		return nil, t.edgeError()
	}
	for level, content := range edge {
		t.known[tileID{level, entriesAt(level, c.Size) / tileWidth}] = content
	}
	return t, nil
}

// edgeError says that the tiles of the right edge do not fit: one of them, or more.
func (t *tree) edgeError() error {
	id := tileID{0, t.checkpoint.Size / tileWidth}
	return &TileError{Object: id.path(id.widthAt(t.stored)), Leaves: t.checkpoint.Size}
}

// rootOf is the root of a range from the first leaf on.
func rootOf(r *compact.Range) (Hash, error) {
	root, err := r.GetRootHash(nil)
	if err != nil {
		return Hash{}, err
	}
	if root == nil {
		return emptyRoot, nil
	}
	return Hash(root), nil
}

// fetch reads a tile as far as it is in the tree, unchecked.
func (t *tree) fetch(ctx context.Context, id tileID) ([]byte, error) {
	return t.fetchObject(ctx, id, id.path(id.widthAt(t.stored)), hashSize)
}

func (t *tree) fetchObject(ctx context.Context, id tileID, key string, size int) ([]byte, error) {
	wrong := &TileError{Object: key, First: id.firstLeaf(), Leaves: min(id.leavesBelow(), t.checkpoint.Size-id.firstLeaf())}
	content, err := t.objects.read(ctx, key)
	switch {
	case errors.Is(err, commands.ErrNoObject):
		wrong.Missing = true
		return nil, wrong
	case errors.Is(err, errTooLarge):
		return nil, wrong
	case err != nil:
		return nil, err
	}
	if len(content) != size*id.widthAt(t.stored) {
		return nil, wrong
	}
	return content[:size*id.widthAt(t.checkpoint.Size)], nil
}

// tile returns the hashes of a tile, checked. Its error is a *TileError when they do
// not fit.
func (t *tree) tile(ctx context.Context, id tileID) ([]byte, error) {
	if content, ok := t.known[id]; ok {
		return content, nil
	}
	parent, at := id.parent()
	if id.widthAt(t.checkpoint.Size) < tileWidth {
		return nil, fmt.Errorf("the tree has no tile %s", id.path(tileWidth)) // Those of the edge are known.
	}
	above, err := t.tile(ctx, parent)
	if err != nil {
		return nil, err
	}
	content, err := t.fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	root, err := subtree(content)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(root, above[at*hashSize:(at+1)*hashSize]) {
		return nil, &TileError{Object: id.path(id.widthAt(t.stored)), First: id.firstLeaf(), Leaves: id.leavesBelow()}
	}
	if id.level > 0 {
		t.known[id] = content
	}
	return content, nil
}

// block returns the root of the 256 leaves of a full tile, checked.
func (t *tree) block(ctx context.Context, index uint64) (Hash, error) {
	parent, at := tileID{0, index}.parent()
	above, err := t.tile(ctx, parent)
	if err != nil {
		return Hash{}, err
	}
	return Hash(above[at*hashSize : (at+1)*hashSize]), nil
}

// node returns the hash of a node whose subtree is full.
func (t *tree) node(ctx context.Context, node compact.NodeID) ([]byte, error) {
	id := tileID{node.Level / tileHeight, node.Index >> (tileHeight - node.Level%tileHeight)}
	content, err := t.tile(ctx, id)
	if err != nil {
		return nil, err
	}
	return nodeIn(content, node)
}

var errNoNode = errors.New("the tree has no such node")

// nodeIn computes a node from the tile below it.
func nodeIn(tile []byte, node compact.NodeID) ([]byte, error) {
	within := node.Level % tileHeight
	count := uint64(1) << within
	first := node.Index << within % tileWidth
	if uint64(len(tile)) < (first+count)*hashSize {
		return nil, errNoNode
	}
	return subtree(tile[first*hashSize : (first+count)*hashSize])
}

// entries returns the leaves of a tile of level 0, checked.
func (t *tree) entries(ctx context.Context, index uint64) ([]Entry, error) {
	id := tileID{0, index}
	leaves, err := t.tile(ctx, id)
	if err != nil {
		return nil, err
	}
	key := bundlePath(index, id.widthAt(t.stored))
	content, err := t.fetchObject(ctx, id, key, bundled)
	if err != nil {
		return nil, err
	}
	entries, err := parseBundle(content)
	if err == nil {
		for i, e := range entries {
			if h := e.hash(); !bytes.Equal(h[:], leaves[i*hashSize:(i+1)*hashSize]) {
				err = errBundle
			}
		}
	}
	if err != nil {
		return nil, &TileError{Object: key, First: id.firstLeaf(), Leaves: uint64(len(leaves) / hashSize)}
	}
	return entries, nil
}

// grown returns the tree as a range to append to.
func (t *tree) grown(ctx context.Context) (*compact.Range, error) {
	nodes := compact.RangeNodes(0, t.checkpoint.Size, nil)
	roots := make([][]byte, len(nodes))
	for i, node := range nodes {
		var err error
		if roots[i], err = t.node(ctx, node); err != nil {
			return nil, err
		}
	}
	return hashes.NewRange(0, t.checkpoint.Size, roots)
}

// find returns the index of the leaf at a position; false when there is none. Leaves
// are in the order of their positions.
func (t *tree) find(ctx context.Context, at Entry) (uint64, bool, error) {
	first, end := uint64(0), (t.checkpoint.Size+tileWidth-1)/tileWidth
	for first < end {
		middle := (first + end) / 2
		entries, err := t.entries(ctx, middle)
		if err != nil {
			return 0, false, err
		}
		switch {
		case at.Position.Compare(entries[0].Position) < 0:
			end = middle
		case at.Position.Compare(entries[len(entries)-1].Position) > 0:
			first = middle + 1
		default:
			for i, e := range entries {
				if e == at {
					return middle*tileWidth + uint64(i), true, nil
				}
			}
			return 0, false, nil
		}
	}
	return 0, false, nil
}
