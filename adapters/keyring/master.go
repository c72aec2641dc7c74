package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// masters are the master keys that this process has unwrapped so far.
type masters struct {
	mu      sync.RWMutex
	byID    map[int64]Key
	current int64
}

func (m *masters) newest() (int64, Key) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.current, m.byID[m.current]
}

func (m *masters) get(id int64) (Key, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	key, ok := m.byID[id]
	return key, ok
}

func (m *masters) add(id int64, key Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID == nil {
		m.byID = map[int64]Key{}
	}
	m.byID[id] = key
	m.current = max(m.current, id)
}

// Names under which keys are wrapped.
const rootSecret = "root"

func secretName(name string) string     { return "secret:" + name }
func subjectName(subject string) string { return "subject:" + subject }

// load gets the newest master key and the root secret, and makes them first
// when there are none.
func (k *Keyring) load(ctx context.Context) error {
	found, err := k.loadExisting(ctx)
	if err != nil || found {
		return err
	}
	return pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		// Another process may be doing the same.
		if _, err := tx.Exec(ctx, "LOCK TABLE keyring_master_keys, keyring_secrets IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		if found, err := k.loadExisting(ctx); err != nil || found {
			return err
		}
		id, master, err := k.newMaster(ctx, tx)
		if err != nil {
			return err
		}
		root := randomBytes(keySize)
		if _, err := tx.Exec(ctx, "INSERT INTO keyring_secrets (name, master_key, wrapped) VALUES ($1, $2, $3)",
			rootSecret, id, master.wrap(root, secretName(rootSecret))); err != nil {
			return fmt.Errorf("store the root secret: %w", err)
		}
		k.masters.add(id, master)
		k.derived.root = root
		return nil
	})
}

// loadExisting tells whether the keyring has been made.
func (k *Keyring) loadExisting(ctx context.Context) (bool, error) {
	var root []byte
	var wrappedBy int64
	err := k.pool.QueryRow(ctx, "SELECT master_key, wrapped FROM keyring_secrets WHERE name = $1", rootSecret).
		Scan(&wrappedBy, &root)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load the root secret: %w", err)
	}
	if err := k.loadNewestMaster(ctx); err != nil {
		return false, err
	}
	master, err := k.master(ctx, wrappedBy)
	if err != nil {
		return false, err
	}
	if k.derived.root, err = master.unwrap(root, secretName(rootSecret)); err != nil {
		return false, fmt.Errorf("root secret: %w", err)
	}
	return true, nil
}

func (k *Keyring) loadNewestMaster(ctx context.Context) error {
	var newest int64
	if err := k.pool.QueryRow(ctx, "SELECT max(id) FROM keyring_master_keys").Scan(&newest); err != nil {
		return fmt.Errorf("find the newest master key: %w", err)
	}
	_, err := k.master(ctx, newest)
	return err
}

// master gives a master key, from memory once it was unwrapped.
func (k *Keyring) master(ctx context.Context, id int64) (Key, error) {
	if key, ok := k.masters.get(id); ok {
		return key, nil
	}
	key, err := k.unwrapMaster(ctx, id)
	if err != nil {
		return Key{}, err
	}
	k.masters.add(id, key)
	return key, nil
}

func (k *Keyring) unwrapMaster(ctx context.Context, id int64) (Key, error) {
	var wrapped []byte
	if err := k.pool.QueryRow(ctx, "SELECT wrapped FROM keyring_master_keys WHERE id = $1", id).Scan(&wrapped); err != nil {
		return Key{}, fmt.Errorf("load master key %d: %w", id, err)
	}
	raw, err := k.keeper.Decrypt(ctx, wrapped)
	if err != nil {
		return Key{}, fmt.Errorf("master key %d of this database cannot be unwrapped: is KMS_URL (or the key file in the data folder) the one it was made with? %w", id, err)
	}
	return newKey(raw)
}

// newMaster stores a new master key.
func (k *Keyring) newMaster(ctx context.Context, tx pgx.Tx) (int64, Key, error) {
	raw := randomBytes(keySize)
	key, err := newKey(raw)
	if err != nil {
		return 0, Key{}, err
	}
	wrapped, err := k.keeper.Encrypt(ctx, raw)
	if err != nil {
		return 0, Key{}, fmt.Errorf("wrap a master key by the key management service: %w", err)
	}
	var id int64
	if err := tx.QueryRow(ctx, "INSERT INTO keyring_master_keys (wrapped) VALUES ($1) RETURNING id", wrapped).Scan(&id); err != nil {
		return 0, Key{}, fmt.Errorf("store a master key: %w", err)
	}
	return id, key, nil
}
