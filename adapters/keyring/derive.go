package keyring

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// derived are the keys made of the root secret by HKDF-SHA-256 (RFC 5869), one
// for each use and purpose.
type derived struct {
	root  []byte
	keys  sync.Map // of info to []byte
	boxes sync.Map // of info to cipher.AEAD
}

func (d *derived) key(info string) []byte {
	if key, ok := d.keys.Load(info); ok {
		return key.([]byte) //nolint:forcetypeassert // Stored below.
	}
	key, err := hkdf.Key(sha256.New, d.root, nil, info, keySize)
	if err != nil {
		panic(err) // Only for a length that SHA-256 cannot give.
	}
	d.keys.Store(info, key)
	return key
}

func (d *derived) box(info string) cipher.AEAD {
	if box, ok := d.boxes.Load(info); ok {
		return box.(cipher.AEAD) //nolint:forcetypeassert // Stored below.
	}
	box, err := chacha20poly1305.NewX(d.key(info))
	if err != nil {
		panic(err) // Only for a key of another length.
	}
	d.boxes.Store(info, box)
	return box
}

// Hash is the keyed hash (HMAC-SHA-256, lower-case hexadecimal) of a value that
// is looked up but must not be known: an email address, an identity's subject.
// The same value has different hashes for different purposes, of which there
// are few: each is a constant of the program. Callers fold the value first.
func (k *Keyring) Hash(purpose, value string) string {
	mac := hmac.New(sha256.New, k.derived.key("hash/"+purpose))
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}

// ErrSealed says that a text does not open: it was changed, or sealed for
// another purpose, with other additional data or in another keyring.
var ErrSealed = errors.New("the sealed text does not open")

// Seal encrypts a small secret at rest that belongs to no subject, such as a
// stored answer. It opens only for the same purpose, which is a constant of the
// program, and the same additional data. It is XChaCha20-Poly1305, whose long
// nonces may be drawn at random without end.
func (k *Keyring) Seal(purpose string, plaintext, additionalData []byte) []byte {
	box := k.derived.box("seal/" + purpose)
	nonce := make([]byte, box.NonceSize(), box.NonceSize()+len(plaintext)+box.Overhead())
	copy(nonce, randomBytes(box.NonceSize()))
	return box.Seal(nonce, nonce, plaintext, additionalData)
}

// Open decrypts what Seal encrypted. Its error wraps ErrSealed.
func (k *Keyring) Open(purpose string, sealed, additionalData []byte) ([]byte, error) {
	box := k.derived.box("seal/" + purpose)
	if len(sealed) < box.NonceSize() {
		return nil, fmt.Errorf("%w: it is too short", ErrSealed)
	}
	plaintext, err := box.Open(nil, sealed[:box.NonceSize()], sealed[box.NonceSize():], additionalData)
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}
