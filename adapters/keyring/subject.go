package keyring

import (
	"context"
	"crypto/cipher"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"
)

const (
	// window is how many keys are loaded together by someone who reads the log.
	window = 1000
	// lookupTimeout bounds a lookup that several callers wait for, which
	// therefore belongs to none of their contexts.
	lookupTimeout = 10 * time.Second
	// maxSubject bounds the length of a subject's id, in bytes.
	maxSubject = 255
)

// Key gives the data key of a subject; ok is false when it was destroyed. The
// error wraps ErrNoKey for a subject that never had one.
func (k *Keyring) Key(ctx context.Context, subject string) (key cipher.AEAD, ok bool, err error) {
	e, found, err := k.find(ctx, subject)
	if err == nil && !found {
		err = ErrNoKey
	}
	if err != nil {
		return nil, false, fmt.Errorf("key of %s: %w", subject, err)
	}
	return e.answer()
}

// KeyFor is Key, but creates the key of a subject that has none yet. The first caller
// creates it, also among several processes; one that was destroyed is never
// replaced.
func (k *Keyring) KeyFor(ctx context.Context, subject string) (key cipher.AEAD, ok bool, err error) {
	e, found, err := k.find(ctx, subject)
	if err == nil && !found {
		e, err = k.create(ctx, subject)
	}
	if err != nil {
		return nil, false, fmt.Errorf("key for %s: %w", subject, err)
	}
	return e.answer()
}

func (e entry) answer() (cipher.AEAD, bool, error) {
	if e.destroyed {
		return nil, false, nil
	}
	return e.key, true, nil
}

// Destroy destroys a subject's key for good, also of one that never had any.
// Doing it again changes nothing.
func (k *Keyring) Destroy(ctx context.Context, subject string) error {
	if err := checkSubject(subject); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
			INSERT INTO subject_keys (subject, destroyed_at) VALUES ($1, now())
			ON CONFLICT (subject) DO UPDATE
			SET wrapped = NULL, master_key = NULL, destroyed_at = coalesce(subject_keys.destroyed_at, now())`,
			subject); err != nil {
			return err
		}
		return notify(ctx, tx, destroyedPrefix+subject)
	})
	if err != nil {
		return fmt.Errorf("destroy the key of %s: %w", subject, err)
	}
	k.forget(subject)
	return nil
}

func checkSubject(subject string) error {
	if subject == "" || len(subject) > maxSubject {
		return fmt.Errorf("the id of a subject has 1 to %d bytes, not %d", maxSubject, len(subject))
	}
	return nil
}

// find looks for a subject's row, in memory first.
func (k *Keyring) find(ctx context.Context, subject string) (e entry, found bool, err error) {
	if e, ok := k.cache.GetIfPresent(subject); ok {
		return e, true, nil
	}
	if err := checkSubject(subject); err != nil {
		return entry{}, false, err
	}
	type row struct {
		entry
		found bool
	}
	loaded := k.loads.DoChan(subject, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
		defer cancel()
		if k.lone.Allow() {
			e, found, err := k.lookUp(ctx, subject)
			return row{e, found}, err
		}
		e, found, err := k.lookUpWindow(ctx, subject)
		return row{e, found}, err
	})
	select {
	case r := <-loaded:
		if r.Err != nil {
			return entry{}, false, r.Err
		}
		got := r.Val.(row) //nolint:forcetypeassert // Made above.
		return got.entry, got.found, nil
	case <-ctx.Done():
		return entry{}, false, context.Cause(ctx)
	}
}

// keyRow is a row of subject_keys. Without a master key it is a tombstone.
type keyRow struct {
	Subject   string
	MasterKey *int64
	Wrapped   []byte
}

func (k *Keyring) lookUp(ctx context.Context, subject string) (entry, bool, error) {
	return k.lookUpRows(ctx, subject,
		"SELECT subject, master_key, wrapped FROM subject_keys WHERE subject = $1", subject)
}

// lookUpWindow also loads the keys that were made next after the subject's.
func (k *Keyring) lookUpWindow(ctx context.Context, subject string) (entry, bool, error) {
	return k.lookUpRows(ctx, subject, `
		SELECT k.subject, k.master_key, k.wrapped
		FROM subject_keys k, (SELECT serial FROM subject_keys WHERE subject = $1) asked
		WHERE k.serial >= asked.serial AND k.serial < asked.serial + $2`, subject, window)
}

// lookUpRows caches all keys that a query gives, and returns the subject's.
func (k *Keyring) lookUpRows(ctx context.Context, subject, query string, args ...any) (asked entry, found bool, err error) {
	epoch := k.epoch.Load()
	rows, _ := k.pool.Query(ctx, query, args...) // CollectRows returns the error.
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[keyRow])
	if err != nil {
		return entry{}, false, err
	}
	for _, row := range keys {
		e, err := k.unwrap(ctx, row)
		if err != nil {
			return entry{}, false, fmt.Errorf("key of %s: %w", row.Subject, err)
		}
		k.remember(row.Subject, e, epoch)
		if row.Subject == subject {
			asked, found = e, true
		}
	}
	return asked, found, nil
}

// create makes a subject's first key, or finds that someone else did.
func (k *Keyring) create(ctx context.Context, subject string) (entry, error) {
	epoch := k.epoch.Load()
	raw := randomBytes(keySize)
	id, master := k.masters.newest()
	tag, err := k.pool.Exec(ctx,
		"INSERT INTO subject_keys (subject, master_key, wrapped) VALUES ($1, $2, $3) ON CONFLICT (subject) DO NOTHING",
		subject, id, master.wrap(raw, subjectName(subject)))
	if err != nil {
		return entry{}, err
	}
	if tag.RowsAffected() == 0 {
		e, found, err := k.lookUp(ctx, subject)
		if err == nil && !found {
			err = ErrNoKey
		}
		return e, err
	}
	key, err := newKey(raw)
	if err != nil {
		return entry{}, err
	}
	e := entry{key: key}
	k.remember(subject, e, epoch)
	return e, nil
}

func (k *Keyring) unwrap(ctx context.Context, row keyRow) (entry, error) {
	if row.MasterKey == nil {
		return entry{destroyed: true}, nil
	}
	master, err := k.master(ctx, *row.MasterKey)
	if err != nil {
		return entry{}, err
	}
	raw, err := master.unwrap(row.Wrapped, subjectName(row.Subject))
	if err != nil {
		return entry{}, err
	}
	key, err := newKey(raw)
	return entry{key: key}, err
}

// remember caches an entry, unless keys were destroyed since it was read.
func (k *Keyring) remember(subject string, e entry, epoch uint64) {
	k.cache.Compute(subject, func(old entry, _ bool) (entry, otter.ComputeOp) {
		if k.epoch.Load() != epoch {
			return old, otter.CancelOp
		}
		return e, otter.WriteOp
	})
}
