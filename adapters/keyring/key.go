package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// keySize is that of all keys, in bytes: AES-256.
const keySize = 32

const redacted = "[key]"

// Key is a subject's data key, ready to seal and open with AES-256-GCM. It
// cannot be read or printed.
type Key struct{ aead cipher.AEAD }

var _ cipher.AEAD = Key{}

// NonceSize is that of cipher.AEAD.
func (k Key) NonceSize() int { return k.aead.NonceSize() }

// Overhead is that of cipher.AEAD.
func (k Key) Overhead() int { return k.aead.Overhead() }

// Seal is that of cipher.AEAD.
func (k Key) Seal(dst, nonce, plaintext, additionalData []byte) []byte {
	return k.aead.Seal(dst, nonce, plaintext, additionalData)
}

// Open is that of cipher.AEAD.
func (k Key) Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error) {
	return k.aead.Open(dst, nonce, ciphertext, additionalData)
}

// Format hides the key from all of package fmt.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the key from structured logs.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

func newKey(raw []byte) (Key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Key{}, err
	}
	aead, err := cipher.NewGCM(block)
	return Key{aead}, err
}

// randomBytes never fails: see crypto/rand.Read.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// wrap encrypts a key so that it unwraps only under the same name.
func (k Key) wrap(raw []byte, name string) []byte {
	nonce := randomBytes(k.NonceSize())
	return k.Seal(nonce, nonce, raw, []byte(name))
}

var errUnwrap = errors.New("the wrapped key was changed, or belongs to another name or master key")

func (k Key) unwrap(wrapped []byte, name string) ([]byte, error) {
	if len(wrapped) < k.NonceSize() {
		return nil, errUnwrap
	}
	raw, err := k.Open(nil, wrapped[:k.NonceSize()], wrapped[k.NonceSize():], []byte(name))
	if err != nil || len(raw) != keySize {
		return nil, errUnwrap
	}
	return raw, nil
}
