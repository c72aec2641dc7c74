package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"golang.org/x/sync/errgroup"
)

var (
	// ErrLogChanged says that the log no longer ends the newest checkpoint as it did:
	// it went back, or was changed. Verify says where.
	ErrLogChanged = errors.New("the log no longer holds the last event of the newest checkpoint")
	// ErrStoreWentBack says that the store no longer holds the newest checkpoint that
	// the database knows.
	ErrStoreWentBack = errors.New("the store of checkpoints is older than the database: what was taken since is missing from it")
)

// checkpointEvery is after how many events a checkpoint is taken within a run, so that
// the first run on a long log can be interrupted.
const checkpointEvery = 500_000

// Take takes a checkpoint of all events up to the present end of the log, and reports
// whether there were new ones. It refuses to go on from a checkpoint that the log or
// the store no longer fits: see ErrLogChanged, ErrStoreWentBack and TileError.
func (l *Ledger) Take(ctx context.Context) (taken Checkpoint, isNew bool, err error) {
	err = l.inTurn(ctx, func() error {
		tree, last, err := l.newest(ctx)
		if err != nil {
			return err
		}
		taken, isNew, err = l.takeAfter(ctx, max(tree, 1), last)
		return err
	})
	if err != nil {
		return Checkpoint{}, false, fmt.Errorf("take a checkpoint: %w", err)
	}
	return taken, isNew, nil
}

// BeginAgain begins a new tree over the log as it is now, and takes its first
// checkpoint. It is for a log that lost events for a reason that the operator knows.
// The trees before stay, with their checkpoints.
func (l *Ledger) BeginAgain(ctx context.Context) (taken Checkpoint, tree int, err error) {
	err = l.inTurn(ctx, func() error {
		stored, err := l.Trees(ctx)
		if err != nil {
			return err
		}
		kept, _, _, err := l.Kept(ctx)
		if err != nil {
			return err
		}
		tree = max(stored, kept) + 1
		taken, _, err = l.takeAfter(ctx, tree, Checkpoint{})
		return err
	})
	if err != nil {
		return Checkpoint{}, 0, fmt.Errorf("begin a new tree: %w", err)
	}
	return taken, tree, nil
}

// newest returns the checkpoint to go on from, which is empty when there is none.
func (l *Ledger) newest(ctx context.Context) (int, Checkpoint, error) {
	tree, err := l.Trees(ctx)
	if err != nil {
		return 0, Checkpoint{}, err
	}
	var last Checkpoint
	if tree > 0 {
		if last, err = l.Latest(ctx, tree); err != nil {
			return 0, Checkpoint{}, err
		}
	}
	kept, size, _, err := l.Kept(ctx)
	if err == nil && (kept > tree || kept == tree && size > last.Size) {
		err = ErrStoreWentBack
	}
	return tree, last, err
}

// takeAfter grows the tree of a checkpoint to the end of the log.
func (l *Ledger) takeAfter(ctx context.Context, number int, last Checkpoint) (Checkpoint, bool, error) {
	head, err := l.Head(ctx)
	if err != nil {
		return Checkpoint{}, false, err
	}
	g, err := l.growing(ctx, number, last)
	if err != nil {
		return Checkpoint{}, false, err
	}
	next := last.following(l.Streams)
	next.Origin = OriginOf(l.Log, number)
	digests, first := newDigester(), true
	prefixes := next.prefixesAt(last.Size)
	read := func(e Event) error {
		if !isOurs(e, prefixes) {
			return nil
		}
		entry := digests.entry(e)
		if first && last.Size > 0 {
			first = false
			if entry.hash() != g.last {
				return ErrLogChanged
			}
			return nil
		}
		if err := g.add(ctx, entry); err != nil {
			return err
		}
		next.Size, next.Position = next.Size+1, e.Position
		if next.Size-g.checkpoint.Size < checkpointEvery {
			return nil
		}
		return l.close(ctx, number, g, &next)
	}
	err = l.read(ctx, last.Position, head, prefixes, read)
	if err == nil && first && last.Size > 0 {
		err = ErrLogChanged // There is nothing at its position.
	}
	if err == nil && next.Size > g.checkpoint.Size {
		err = l.close(ctx, number, g, &next)
	}
	if err != nil {
		return Checkpoint{}, false, errors.Join(err, g.abandon())
	}
	return g.checkpoint, g.checkpoint.Size > last.Size, nil
}

// close ends a checkpoint: the tiles are stored before it is, and it is stored before
// the database knows it. Interrupted anywhere, the next run goes on from the one
// before.
func (l *Ledger) close(ctx context.Context, number int, g *growing, next *Checkpoint) error {
	partial, err := g.flush(ctx)
	if err != nil {
		return err
	}
	if next.Root, err = rootOf(g.tree); err != nil {
		return err
	}
	next.Time = time.Now().UTC().Truncate(time.Second)
	signed, err := next.sign(l.Keys)
	if err != nil {
		return err
	}
	for _, key := range []string{historyKey(signed.Size), checkpointKey} {
		if err := g.objects.write(ctx, key, []byte(signed.Note)); err != nil {
			return fmt.Errorf("store a checkpoint: %w", err)
		}
	}
	if err := l.keep(ctx, number, signed); err != nil {
		return err
	}
	g.checkpoint, *next = signed, signed
	// Tiles that were not full are of no use once there are fuller ones.
	for _, key := range g.partial {
		if !slices.Contains(partial, key) {
			if err := g.objects.store.Delete(ctx, g.objects.tree+key); err != nil {
				return fmt.Errorf("delete a tile that was replaced: %w", err)
			}
		}
	}
	g.partial = partial
	return nil
}

// growing is a tree that grows.
type growing struct {
	objects    objects
	tree       *compact.Range
	checkpoint Checkpoint // the last one
	// last is the hash of the last leaf of the checkpoint that it began with.
	last Hash
	// tiles are those under way, by level, and bundle the leaves of the lowest one.
	tiles  map[uint][]byte
	bundle []byte
	// partial are the objects of the last checkpoint that are not full.
	partial []string
	writes  *errgroup.Group
}

// writesAtOnce is how many tiles are written at the same time.
const writesAtOnce = 16

func (l *Ledger) growing(ctx context.Context, number int, last Checkpoint) (*growing, error) {
	g := &growing{objects: l.objects(number), checkpoint: last, tiles: map[uint][]byte{}}
	g.await()
	if last.Size == 0 {
		g.tree = hashes.NewEmptyRange(0)
		return g, nil
	}
	t, err := openTree(ctx, g.objects, last, last.Size)
	if err != nil {
		return nil, err
	}
	if g.tree, err = t.grown(ctx); err != nil {
		return nil, err
	}
	for level := uint(0); entriesAt(level, last.Size) > 0; level++ {
		id := tileID{level, entriesAt(level, last.Size) / tileWidth}
		width := id.widthAt(last.Size)
		if width == 0 {
			continue
		}
		content, err := t.tile(ctx, id)
		if err != nil {
			return nil, err
		}
		g.tiles[level], g.partial = slices.Clone(content), append(g.partial, id.path(width))
		if level > 0 {
			continue
		}
		entries, err := t.entries(ctx, id.index)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			g.bundle = appendBundled(g.bundle, e)
		}
		g.partial = append(g.partial, bundlePath(id.index, width))
	}
	leaf, err := t.node(ctx, compact.NewNodeID(0, last.Size-1))
	if err != nil {
		return nil, err
	}
	g.last = Hash(leaf)
	return g, nil
}

// await makes ready for further writes.
func (g *growing) await() {
	g.writes = &errgroup.Group{}
	g.writes.SetLimit(writesAtOnce)
}

// add appends a leaf. Tiles that become full are written meanwhile.
func (g *growing) add(ctx context.Context, e Entry) error {
	g.bundle = appendBundled(g.bundle, e)
	leaf, full := e.hash(), []tileID(nil)
	err := g.tree.Append(leaf[:], func(node compact.NodeID, hash []byte) {
		if node.Level%tileHeight != 0 {
			return
		}
		level := node.Level / tileHeight
		if g.tiles[level] = append(g.tiles[level], hash...); len(g.tiles[level]) == tileWidth*hashSize {
			full = append(full, tileID{level, node.Index / tileWidth})
		}
	})
	if err != nil {
		return err
	}
	for _, id := range full {
		g.write(ctx, id.path(tileWidth), g.tiles[id.level])
		delete(g.tiles, id.level)
	}
	if len(g.bundle) == tileWidth*bundled {
		g.write(ctx, bundlePath((g.tree.End()-1)/tileWidth, tileWidth), g.bundle)
		g.bundle = nil
	}
	return context.Cause(ctx)
}

func (g *growing) write(ctx context.Context, key string, content []byte) {
	g.writes.Go(func() error { return g.objects.write(ctx, key, content) })
}

// flush writes the tiles that are not full, waits for all writes, and returns the
// keys of the former.
func (g *growing) flush(ctx context.Context) (partial []string, err error) {
	size := g.tree.End()
	for level, content := range g.tiles {
		id := tileID{level, entriesAt(level, size) / tileWidth}
		key := id.path(len(content) / hashSize)
		g.write(ctx, key, slices.Clone(content))
		partial = append(partial, key)
	}
	if len(g.bundle) > 0 {
		key := bundlePath(size/tileWidth, len(g.bundle)/bundled)
		g.write(ctx, key, slices.Clone(g.bundle))
		partial = append(partial, key)
	}
	if err := g.writes.Wait(); err != nil {
		return nil, fmt.Errorf("store tiles: %w", err)
	}
	g.await()
	return partial, nil
}

// abandon waits for the writes under way. What they wrote is written again by the
// next run.
func (g *growing) abandon() error {
	if err := g.writes.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Sizes returns the sizes of the checkpoints of a tree that are stored, in order.
func (l *Ledger) Sizes(ctx context.Context, tree int) ([]uint64, error) {
	var sizes []uint64
	o := l.objects(tree)
	for object, err := range l.Store.List(ctx, o.tree+checkpointsFolder) {
		if err != nil {
			return nil, fmt.Errorf("list the checkpoints: %w", err)
		}
		var size uint64
		if _, err := fmt.Sscanf(object.Key[len(o.tree):], checkpointsFolder+"%d", &size); err == nil && o.tree+historyKey(size) == object.Key {
			sizes = append(sizes, size)
		}
	}
	return sizes, nil
}
