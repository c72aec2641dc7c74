package eventstore

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"
)

// fixedKeys makes each subject's key of its id, so that golden files can be
// opened at any time. It stands in for a keyring only where bytes must repeat.
type fixedKeys struct {
	mu        sync.Mutex
	destroyed map[string]bool
	fail      error
}

var _ Keys = (*fixedKeys)(nil)

func (k *fixedKeys) Key(_ context.Context, subject string) (cipher.AEAD, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return nil, false, k.fail
	}
	if k.destroyed[subject] {
		return nil, false, nil
	}
	raw := sha256.Sum256([]byte("golden " + subject))
	block, err := aes.NewCipher(raw[:])
	if err != nil {
		return nil, false, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, err == nil, err
}

func (k *fixedKeys) KeyFor(ctx context.Context, subject string) (cipher.AEAD, bool, error) {
	return k.Key(ctx, subject)
}

func (k *fixedKeys) destroy(subject string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.destroyed == nil {
		k.destroyed = map[string]bool{}
	}
	k.destroyed[subject] = true
}

var errKeysDown = errors.New("the keys cannot be reached")

func newTestCodec(tb testing.TB, keys Keys) *Codec {
	tb.Helper()
	codec, err := NewCodec(Schemas(), keys)
	if err != nil {
		tb.Fatal(err)
	}
	codec.now = func() time.Time { return sampleDay }
	return codec
}

// sameKey is everybody's.
type sameKey struct{ key cipher.AEAD }

func (k sameKey) Key(context.Context, string) (cipher.AEAD, bool, error) { return k.key, true, nil }

func (k sameKey) KeyFor(context.Context, string) (cipher.AEAD, bool, error) { return k.key, true, nil }
