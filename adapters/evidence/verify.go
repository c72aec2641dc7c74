package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/compact"

	"github.com/perfectworks/backend/domain/event"
)

// VerifyOptions say what a log is verified by.
type VerifyOptions struct {
	// Tree is the number of the tree; the newest when 0.
	Tree int
	// Checkpoints are further ones that were kept elsewhere.
	Checkpoints []Checkpoint
	// All verifies by every checkpoint that is stored, not only by the newest one.
	All bool
	// Progress is told how many events of how many were read; it may be nil.
	Progress func(events, of uint64)
}

// Report is what a verification found.
type Report struct {
	// Checkpoint is the newest one that the log was verified by.
	Checkpoint Checkpoint
	// Events is how many events were read.
	Events uint64
	// Proven says that the log up to the checkpoint is what it was.
	Proven bool
	// Difference is the first one, if the log is not what it was.
	Difference *Difference
	// Checkpoints are all that the log was verified by, in the order of their sizes.
	Checkpoints []Verdict
	// Store says what is wrong with the stored tiles and checkpoints. It does not
	// touch what was proven by the signed root.
	Store []string
}

// Verdict says whether the log fits a checkpoint.
type Verdict struct {
	Size   uint64
	Source string
	Fits   bool
}

// Kind says what was done to the log.
type Kind string

// The kinds of differences.
const (
	Changed   Kind = "changed"
	Missing   Kind = "missing"
	Added     Kind = "added"
	Reordered Kind = "reordered"
	// Different is one of them: the stored leaves that would tell are not there.
	Different Kind = "different"
)

// Difference is the first place at which a log is not what it was.
type Difference struct {
	Kind Kind
	// Position is the first position that is not as it was. When only a range is
	// known, UpTo is its end.
	Position event.Position
	UpTo     *event.Position
	// Leaf is the index of the event in the tree.
	Leaf uint64
	// Found is the event that stands there now, as stream@revision and type; empty if
	// there is none.
	Found string
}

// String says it in a sentence.
func (d Difference) String() string {
	where := "at " + d.Position.String()
	if d.UpTo != nil {
		where = fmt.Sprintf("between %s and %s", d.Position, d.UpTo)
	}
	switch d.Kind {
	case Changed:
		return fmt.Sprintf("the event %s was changed: %s", where, d.Found)
	case Missing:
		return "the event " + where + " is missing"
	case Added:
		return fmt.Sprintf("an event was added %s: %s", where, d.Found)
	case Reordered:
		return fmt.Sprintf("events were put into another order from %s on: %s", d.Position, d.Found)
	default:
		return "the log is not what it was " + where
	}
}

// Sources of checkpoints.
const (
	fromStore     = "store"
	fromDatabase  = "database"
	fromElsewhere = "given"
)

// judged is a checkpoint by which a log is verified.
type judged struct {
	Checkpoint

	source string
}

// Verify reads the log from its beginning to the newest checkpoint and compares it
// with what the checkpoints say. It trusts the keys, and nothing else: neither the
// database nor the store. Its error is of what could not be verified at all, such as
// a checkpoint that no known key has signed; what differs is in the report.
func (l *Ledger) Verify(ctx context.Context, o VerifyOptions) (Report, error) {
	report, err := l.verify(ctx, o)
	if err != nil {
		return Report{}, fmt.Errorf("verify the log: %w", err)
	}
	return report, nil
}

func (l *Ledger) verify(ctx context.Context, o VerifyOptions) (Report, error) {
	r := Report{Store: []string{}}
	all, err := l.checkpointsFor(ctx, &o, &r)
	if err != nil {
		return r, err
	}
	main := all[len(all)-1].Checkpoint
	r.Checkpoint = main
	w := &walk{main: main, tree: hashes.NewEmptyRange(0), roots: map[uint64]rootAt{}, digests: newDigester(), store: &r.Store}
	for _, c := range all {
		w.roots[c.Size] = rootAt{}
	}
	if w.stored, err = l.storedTree(ctx, o.Tree, all, &r); err != nil {
		return r, err
	}
	sizes, err := l.Sizes(ctx, o.Tree)
	if err != nil {
		return r, err
	}
	for _, size := range sizes { // They narrow a difference down if the tiles cannot.
		if size <= main.Size {
			w.roots[size] = rootAt{}
		}
	}
	err = l.readBatches(ctx, event.Position{}, main.Position, main.prefixesAt(main.Size), func(batch []Event) error {
		for _, e := range batch {
			if err := w.take(ctx, e); err != nil {
				return err
			}
		}
		if o.Progress != nil {
			o.Progress(w.size(), main.Size)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return r, err
	}
	if err := w.end(ctx); err != nil {
		return r, err
	}
	r.Events, r.Difference = w.size(), w.difference
	r.Proven = r.Difference == nil
	for _, c := range all {
		at, passed := w.roots[c.Size]
		fits := passed && at.known && at.root == c.Root && at.position == c.Position
		r.Checkpoints = append(r.Checkpoints, Verdict{c.Size, c.source, fits})
		r.Proven = r.Proven && fits
	}
	if r.Proven || r.Difference != nil {
		return r, nil
	}
	r.Difference = l.narrow(ctx, o.Tree, w, all)
	return r, nil
}

// checkpointsFor returns the checkpoints to verify by, in the order of their sizes.
func (l *Ledger) checkpointsFor(ctx context.Context, o *VerifyOptions, r *Report) ([]judged, error) {
	keptTree, keptSize, kept, err := l.Kept(ctx)
	if err != nil {
		return nil, err
	}
	if o.Tree == 0 {
		if o.Tree, err = l.Trees(ctx); err != nil {
			return nil, err
		}
		if o.Tree = max(o.Tree, keptTree); o.Tree == 0 {
			o.Tree = 1
		}
	}
	var all []judged
	latest, err := l.Latest(ctx, o.Tree)
	switch {
	case err == nil:
		all = append(all, judged{latest, fromStore})
	case errors.Is(err, ErrNoCheckpoint):
		if keptSize == 0 && len(o.Checkpoints) == 0 {
			return nil, err
		}
		r.Store = append(r.Store, "the newest checkpoint is missing")
	case len(o.Checkpoints) > 0 && (errors.Is(err, ErrSignature) || errors.Is(err, ErrCheckpoint)):
		r.Store = append(r.Store, "the newest checkpoint: "+err.Error())
	default:
		return nil, err
	}
	if keptTree == o.Tree {
		c, err := OpenCheckpoint([]byte(kept), l.Keys)
		switch {
		case err != nil:
			r.Store = append(r.Store, "the newest checkpoint in the database: "+err.Error())
		default:
			if c.Size > latest.Size {
				r.Store = append(r.Store, ErrStoreWentBack.Error())
			}
			all = append(all, judged{c, fromDatabase})
		}
	}
	for _, c := range o.Checkpoints {
		if want := OriginOf(l.Log, o.Tree); c.Origin != want {
			return nil, fmt.Errorf("%w: it is of %q, and this is %q", ErrCheckpoint, c.Origin, want)
		}
		all = append(all, judged{c, fromElsewhere})
	}
	if o.All {
		sizes, err := l.Sizes(ctx, o.Tree)
		if err != nil {
			return nil, err
		}
		for _, size := range sizes {
			if size == latest.Size {
				continue // It is there already.
			}
			c, err := l.open(ctx, o.Tree, historyKey(size))
			if err != nil {
				r.Store = append(r.Store, fmt.Sprintf("the checkpoint of %d events: %v", size, err))
				continue
			}
			all = append(all, judged{c, fromStore})
		}
	}
	slices.SortStableFunc(all, func(a, b judged) int { return int(a.Size) - int(b.Size) }) //nolint:gosec // No log is so long.
	return all, nil
}

// storedTree opens the stored tree of the newest checkpoint that it fits.
func (l *Ledger) storedTree(ctx context.Context, number int, all []judged, r *Report) (*tree, error) {
	for _, c := range slices.Backward(all) {
		if c.source != fromStore {
			continue
		}
		t, err := l.openTree(ctx, number, c.Checkpoint)
		var wrong *TileError
		if errors.As(err, &wrong) {
			r.Store = append(r.Store, wrong.Error())
			return nil, nil
		}
		return t, err
	}
	return nil, nil
}

// opens is how often a tree is opened that grows meanwhile.
const opens = 5

// openTree opens the stored tree of a checkpoint. When a newer one was taken meanwhile,
// the tiles that were not full have been replaced by fuller ones, which hold what it
// needs, too.
func (l *Ledger) openTree(ctx context.Context, number int, c Checkpoint) (*tree, error) {
	stored := c.Size
	for n := 1; ; n++ {
		t, err := openTree(ctx, l.objects(number), c, stored)
		var wrong *TileError
		if !errors.As(err, &wrong) || n == opens {
			return t, err
		}
		latest, latestErr := l.Latest(ctx, number)
		if latestErr != nil || latest.Size <= stored {
			return nil, err
		}
		stored = latest.Size
	}
}

// rootAt is the root of the log's first events, and the position of the last of them.
type rootAt struct {
	known    bool
	root     Hash
	position event.Position
}

// lookAhead is how many events are read beyond a difference to say of what kind it
// is.
const lookAhead = 256

// errEnough ends the reading early.
var errEnough = errors.New("enough was read")

// walk goes over the events of the log.
type walk struct {
	main    Checkpoint
	tree    *compact.Range
	digests *digester
	roots   map[uint64]rootAt // by sizes of interest
	last    event.Position

	// stored is the stored tree; nil if it does not fit its checkpoint.
	stored *tree
	// leaves are the stored hashes of the block under way; nil if they are not known.
	leaves []byte
	// block is the hashes of the block under way, as the log has them, and begins where
	// it begins.
	block  []byte
	begins event.Position
	store  *[]string

	difference *Difference
	// ahead are the events from the difference on.
	ahead  []Entry
	events []Event // of the first of them, without contents
	extra  bool    // there are more events than the checkpoint covers
}

func (w *walk) size() uint64 { return w.tree.End() }

func (w *walk) take(ctx context.Context, e Event) error {
	if w.difference != nil {
		return w.takeAhead(e)
	}
	at := w.size()
	if !isOurs(e, w.main.prefixesAt(at)) {
		return nil
	}
	if at == w.main.Size {
		w.extra = true
		w.differ(Added, e, at)
		return errEnough
	}
	entry := w.digests.entry(e)
	leaf := entry.hash()
	if err := w.enter(ctx, at, e.Position); err != nil {
		return err
	}
	if w.leaves != nil && w.stored.checkpoint.Size > at {
		within := at % tileWidth * hashSize
		if !bytes.Equal(leaf[:], w.leaves[within:within+hashSize]) {
			w.differ(Different, e, at)
			w.ahead, w.events = append(w.ahead, entry), append(w.events, bare(e))
			return nil
		}
	}
	if err := w.tree.Append(slices.Clone(leaf[:]), nil); err != nil {
		return err
	}
	w.block, w.last = append(w.block, leaf[:]...), e.Position
	if _, ok := w.roots[w.size()]; ok {
		root, err := rootOf(w.tree)
		if err != nil {
			return err
		}
		w.roots[w.size()] = rootAt{true, root, e.Position}
	}
	if len(w.block) == tileWidth*hashSize && w.leaves == nil {
		return w.checkBlock(ctx, at/tileWidth, e.Position)
	}
	return nil
}

// differ notes the first difference.
func (w *walk) differ(kind Kind, e Event, leaf uint64) {
	w.difference = &Difference{Kind: kind, Position: e.Position, Leaf: leaf, Found: nameOf(e)}
}

func nameOf(e Event) string { return fmt.Sprintf("%s %s@%d", e.Type, e.Stream, e.Revision) }

func bare(e Event) Event {
	e.Data, e.Metadata = nil, nil
	return e
}

// enter begins a block.
func (w *walk) enter(ctx context.Context, at uint64, position event.Position) error {
	if at%tileWidth != 0 {
		return nil
	}
	w.block, w.begins, w.leaves = w.block[:0], position, nil
	if w.stored == nil || at >= w.stored.checkpoint.Size {
		return nil
	}
	leaves, err := w.stored.tile(ctx, tileID{0, at / tileWidth})
	var wrong *TileError
	if errors.As(err, &wrong) {
		if said := wrong.Error(); !slices.Contains(*w.store, said) {
			*w.store = append(*w.store, said)
		}
		return nil
	}
	w.leaves = leaves
	return err
}

// checkBlock compares a block whose stored leaves do not fit with the root of them
// that does.
func (w *walk) checkBlock(ctx context.Context, index uint64, end event.Position) error {
	if w.stored == nil || (index+1)*tileWidth > w.stored.checkpoint.Size {
		return nil
	}
	want, err := w.stored.block(ctx, index)
	var wrong *TileError
	if errors.As(err, &wrong) {
		return nil // Only the root of all can tell.
	}
	if err != nil {
		return err
	}
	root, err := subtree(w.block)
	if err != nil {
		return err
	}
	if !bytes.Equal(root, want[:]) {
		w.difference = &Difference{Kind: Different, Position: w.begins, UpTo: &end, Leaf: index * tileWidth}
		return errEnough
	}
	return nil
}

func (w *walk) takeAhead(e Event) error {
	if !isOurs(e, w.main.prefixesAt(w.difference.Leaf)) {
		return nil
	}
	w.ahead, w.events = append(w.ahead, w.digests.entry(e)), append(w.events, bare(e))
	if len(w.ahead) >= lookAhead {
		return errEnough
	}
	return nil
}

// end says what kind of difference there is, and notices events that are missing at
// the end.
func (w *walk) end(ctx context.Context) error {
	if w.difference == nil && w.size() < w.main.Size {
		w.difference = &Difference{Kind: Missing, Position: w.main.Position, Leaf: w.size()}
		if w.stored == nil || w.stored.checkpoint.Size <= w.size() {
			w.difference.Position, w.difference.UpTo = w.last, &w.main.Position
			return nil
		}
	}
	if w.difference == nil || w.difference.UpTo != nil || w.stored == nil || w.extra {
		return nil
	}
	expected, err := w.expected(ctx, w.difference.Leaf)
	var wrong *TileError
	if errors.As(err, &wrong) {
		*w.store = append(*w.store, wrong.Error())
		return nil
	}
	if err != nil {
		return err
	}
	w.classify(expected)
	return nil
}

// expected returns the stored leaves from one on.
func (w *walk) expected(ctx context.Context, leaf uint64) ([]Entry, error) {
	var all []Entry
	for index := leaf / tileWidth; index*tileWidth < w.stored.checkpoint.Size && len(all) < lookAhead+tileWidth; index++ {
		entries, err := w.stored.entries(ctx, index)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all[leaf%tileWidth:], nil
}

// classify says what was done to the log, by what is expected from the difference on
// and what is there.
func (w *walk) classify(expected []Entry) {
	d, want := w.difference, expected[0]
	d.Position = want.Position
	if len(w.ahead) == 0 {
		d.Kind = Missing
		return
	}
	got := w.ahead[0]
	elsewhere := func(all []Entry, digest Hash) bool {
		return slices.ContainsFunc(all[1:], func(e Entry) bool { return e.Digest == digest })
	}
	moved := elsewhere(expected, got.Digest) || elsewhere(w.ahead, want.Digest)
	switch got.Position.Compare(want.Position) {
	case 0:
		d.Kind = Changed
		if moved {
			d.Kind = Reordered
		}
	case 1:
		d.Kind, d.Found = Missing, ""
		if elsewhere(w.ahead, want.Digest) || got.Digest == want.Digest {
			d.Kind, d.Found = Reordered, nameOf(w.events[0])
		}
	default:
		d.Kind, d.Position = Added, got.Position
		if got.Digest == want.Digest || elsewhere(expected, got.Digest) {
			d.Kind = Reordered
		}
	}
}

// narrow finds between which checkpoints the log begins to differ, when no stored
// tile tells more.
func (l *Ledger) narrow(ctx context.Context, number int, w *walk, all []judged) *Difference {
	signed := map[uint64]Checkpoint{}
	for _, c := range all {
		signed[c.Size] = c.Checkpoint
	}
	d := &Difference{Kind: Different, UpTo: &w.main.Position}
	sizes := make([]uint64, 0, len(w.roots))
	for size := range w.roots {
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	first, end := 0, len(sizes)
	for first < end { // Once a log differs, it differs from all later checkpoints.
		middle := (first + end) / 2
		c, ok := signed[sizes[middle]]
		if !ok {
			var err error
			if c, err = l.open(ctx, number, historyKey(sizes[middle])); err != nil {
				// It cannot be used.
				sizes = slices.Delete(sizes, middle, middle+1)
				end--
				continue
			}
		}
		if at := w.roots[c.Size]; at.known && at.root == c.Root {
			d.Position, d.Leaf, first = c.Position, c.Size, middle+1
		} else {
			d.UpTo, end = &c.Position, middle
		}
	}
	return d
}
