package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/maypok86/otter/v2"
	"gocloud.dev/secrets"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// Options tune a Keyring. The zero value is ready for use.
type Options struct {
	// CacheSize is how many subjects' keys are kept in memory; 50,000 when zero,
	// which takes some 50 MB.
	CacheSize int
	// CacheTime bounds how long a key is used without asking Postgres whether
	// it still exists; a minute when zero. It matters only while the
	// notification of a destroyed key cannot come through.
	CacheTime time.Duration
	Logger    *slog.Logger
}

const (
	defaultCacheSize = 50_000
	defaultCacheTime = time.Minute
)

// Keyring holds the keys of one system. It is safe for concurrent use.
//
// A key destroyed in one process is forgotten by the others as soon as they are
// notified, which takes milliseconds, and after Options.CacheTime at the latest.
type Keyring struct {
	pool    *pgxpool.Pool
	keeper  *secrets.Keeper
	log     *slog.Logger
	masters masters
	derived derived

	cache *otter.Cache[string, entry]
	loads singleflight.Group
	// lone limits lookups of single keys: a reader that needs more than that is
	// going through the log, and gets neighbours with each.
	lone *rate.Limiter
	// epoch counts destroyed keys that this process heard of: what was read
	// before one is not cached.
	epoch atomic.Uint64

	hooks struct {
		sync.Mutex
		destroyed []func()
	}
	stop      context.CancelFunc
	listening sync.WaitGroup
}

// entry is what is known of a subject: its key, or that it was destroyed.
type entry struct {
	key       Key
	destroyed bool
}

// Lookups per second, and at once, that load one key only.
const (
	lonePerSecond = 20
	loneAtOnce    = 40
)

// Open loads the keyring of the database, or makes its first master key and
// root secret; several processes may do so at once. Its tables are those of
// migrations.App. The keeper stays the caller's. The caller closes the keyring.
func Open(ctx context.Context, pool *pgxpool.Pool, keeper *secrets.Keeper, opts Options) (*Keyring, error) {
	if opts.CacheSize <= 0 {
		opts.CacheSize = defaultCacheSize
	}
	if opts.CacheTime <= 0 {
		opts.CacheTime = defaultCacheTime
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	cache, err := otter.New(&otter.Options[string, entry]{
		MaximumSize:      opts.CacheSize,
		ExpiryCalculator: otter.ExpiryWriting[string, entry](opts.CacheTime),
	})
	if err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	k := &Keyring{
		pool: pool, keeper: keeper, log: opts.Logger, cache: cache,
		lone: rate.NewLimiter(lonePerSecond, loneAtOnce),
	}
	if err := k.load(ctx); err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	line := k.line()
	conn, err := line.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	listenCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	k.stop = stop
	k.listening.Go(func() { line.Listen(listenCtx, conn) })
	return k, nil
}

// Close ends the keyring's own connection to Postgres, by which it learns of
// destroyed keys.
func (k *Keyring) Close() error {
	k.stop()
	k.listening.Wait()
	return nil
}

// OnDestroy has a function called whenever keys may have been destroyed, in
// this process or another: what was decrypted with them must be forgotten. It
// must return quickly.
func (k *Keyring) OnDestroy(forget func()) {
	k.hooks.Lock()
	defer k.hooks.Unlock()
	k.hooks.destroyed = append(k.hooks.destroyed, forget)
}

// forget drops what is cached of a subject, or of all when it is empty.
func (k *Keyring) forget(subject string) {
	k.epoch.Add(1)
	if subject == "" {
		k.cache.InvalidateAll()
	} else {
		k.cache.Invalidate(subject)
	}
	k.hooks.Lock()
	defer k.hooks.Unlock()
	for _, forget := range k.hooks.destroyed {
		forget()
	}
}

// Ping asks the key management service, by unwrapping the current master key.
func (k *Keyring) Ping(ctx context.Context) error {
	id, _ := k.masters.newest()
	_, err := k.unwrapMaster(ctx, id)
	return err
}

// Format hides the keys from all of package fmt.
func (*Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[keyring]") }

// LogValue hides the keys from structured logs.
func (*Keyring) LogValue() slog.Value { return slog.StringValue("[keyring]") }

// ErrNoKey says that a subject never had a key. Nothing can have been encrypted
// for it: such data belongs to a log whose keyring is not here.
var ErrNoKey = errors.New("the subject has no key")
