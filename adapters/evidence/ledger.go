package evidence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
)

// Config is what a Ledger works with.
type Config struct {
	// Log is the identity of the log.
	Log string
	// Read calls a function for the events between two positions, both included, whose
	// streams begin with one of the prefixes, in their order.
	Read func(ctx context.Context, from, upTo event.Position, prefixes []string, each func(Event) error) error
	// Head is the position of the last event of the log, whose ever it is.
	Head func(context.Context) (event.Position, error)
	// Streams are the beginnings of the names of this system's streams.
	Streams []string
	Store   *blob.Store
	Keys    *Keys
	// Pool is the database in which the checkpoints are kept a second time, and
	// processes take turns; nil for a ledger that only reads the store.
	Pool   *pgxpool.Pool
	Logger *slog.Logger
}

// Ledger takes checkpoints of a log, and verifies the log by them. It is safe for
// concurrent use; processes take turns.
type Ledger struct{ Config }

// New returns a ledger.
func New(c Config) *Ledger {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Ledger{c}
}

// ErrNoCheckpoint says that no checkpoint was taken yet.
var ErrNoCheckpoint = errors.New("no checkpoint was taken yet")

// maxTrees bounds how often a log begins again.
const maxTrees = 1000

func (l *Ledger) objects(tree int) objects { return objects{l.Store, treeOf(l.Log, tree)} }

// Trees returns the number of the newest tree; 0 when there is none.
func (l *Ledger) Trees(ctx context.Context) (int, error) {
	for n := 1; n <= maxTrees; n++ {
		switch _, err := l.objects(n).read(ctx, checkpointKey); {
		case errors.Is(err, commands.ErrNoObject):
			return n - 1, nil
		case err != nil:
			return 0, fmt.Errorf("look for the trees of the log: %w", err)
		}
	}
	return maxTrees, nil
}

// Latest returns the newest checkpoint of a tree. Its error wraps ErrNoCheckpoint,
// ErrSignature or ErrCheckpoint.
func (l *Ledger) Latest(ctx context.Context, tree int) (Checkpoint, error) {
	return l.open(ctx, tree, checkpointKey)
}

// open reads a checkpoint of a tree.
func (l *Ledger) open(ctx context.Context, tree int, key string) (Checkpoint, error) {
	signed, err := l.objects(tree).read(ctx, key)
	switch {
	case errors.Is(err, commands.ErrNoObject):
		return Checkpoint{}, ErrNoCheckpoint
	case err != nil:
		return Checkpoint{}, fmt.Errorf("read a checkpoint: %w", err)
	}
	c, err := OpenCheckpoint(signed, l.Keys)
	if err != nil {
		return Checkpoint{}, err
	}
	if want := OriginOf(l.Log, tree); c.Origin != want {
		return Checkpoint{}, fmt.Errorf("%w: it is of %q, and this is %q", ErrCheckpoint, c.Origin, want)
	}
	return c, nil
}

// Kept returns the tree and the text of the newest checkpoint that the database
// knows; 0 when it knows none.
func (l *Ledger) Kept(ctx context.Context) (tree int, size uint64, signed string, err error) {
	if l.Pool == nil {
		return 0, 0, "", nil
	}
	var stored int64
	err = l.Pool.QueryRow(ctx, `SELECT tree, size, note FROM audit_checkpoints WHERE log = $1 ORDER BY tree DESC, size DESC LIMIT 1`, l.Log).
		Scan(&tree, &stored, &signed)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, "", nil
	}
	if err != nil {
		return 0, 0, "", fmt.Errorf("read the checkpoints of the database: %w", err)
	}
	return tree, uint64(stored), signed, nil //nolint:gosec // It is not negative.
}

// keep keeps a checkpoint in the database, too.
func (l *Ledger) keep(ctx context.Context, tree int, c Checkpoint) error {
	_, err := l.Pool.Exec(ctx, `INSERT INTO audit_checkpoints (log, tree, size, note, taken_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (log, tree, size) DO NOTHING`, l.Log, tree, int64(c.Size), c.Note, c.Time) //nolint:gosec // No log is so long.
	if err != nil {
		return fmt.Errorf("keep a checkpoint in the database: %w", err)
	}
	return nil
}

// turn is the number of the lock that processes take in turns.
const turn = 0x7065726665766964 // "perfevid"

// inTurn calls a function while no other process takes a checkpoint.
func (l *Ledger) inTurn(ctx context.Context, do func() error) (err error) {
	conn, err := l.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("wait for the turn to take a checkpoint: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(turn)); err != nil {
		return fmt.Errorf("wait for the turn to take a checkpoint: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		if _, unlockErr := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(turn)); unlockErr != nil {
			err = errors.Join(err, conn.Conn().Close(ctx)) // The lock ends with the session.
		}
	}()
	return do()
}

const unlockTimeout = 5 * time.Second
