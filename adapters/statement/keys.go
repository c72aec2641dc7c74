package statement

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/perfectworks/backend/adapters/durable"
)

const (
	blockPrivate = "PRIVATE KEY"
	blockPublic  = "PUBLIC KEY"
	// maxKeyFile bounds a file of keys, in bytes.
	maxKeyFile = 1 << 20
)

// PublicKey verifies statements.
type PublicKey struct {
	// ID is the first 16 hexadecimal digits of the SHA-256 of the key in PKIX form.
	ID  string
	Key ed25519.PublicKey
	// PEM is the key in PKIX form.
	PEM string
}

func publicKey(key ed25519.PublicKey) (PublicKey, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("encode a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return PublicKey{
		ID: hex.EncodeToString(sum[:8]), Key: key, PEM: string(pem.EncodeToMemory(&pem.Block{Type: blockPublic, Bytes: der})),
	}, nil
}

// Keys are the key that signs, and all that statements can be verified with. They
// are safe for concurrent use.
type Keys struct {
	private ed25519.PrivateKey
	// public begins with that of private; the others were rotated out.
	public []PublicKey
}

// Public returns the public keys: that of the signing key first, then those that
// were rotated out.
func (k *Keys) Public() []PublicKey { return append([]PublicKey(nil), k.public...) }

// ReadKeys reads keys in PEM form: first the Ed25519 private key (PKCS #8) that
// signs, then the keys that signed before, public or private.
func ReadKeys(text []byte) (*Keys, error) {
	keys := &Keys{}
	err := eachKey(text, func(key any) error {
		private, isPrivate := key.(ed25519.PrivateKey)
		public, isPublic := key.(ed25519.PublicKey)
		switch {
		case isPrivate && keys.private == nil && len(keys.public) == 0:
			keys.private = private
			public, _ = private.Public().(ed25519.PublicKey)
		case isPrivate:
			public, _ = private.Public().(ed25519.PublicKey)
		case !isPublic:
			return fmt.Errorf("a key is a %T, and must be Ed25519", key)
		}
		named, err := publicKey(public)
		keys.public = append(keys.public, named)
		return err
	})
	if err == nil && keys.private == nil {
		err = errors.New("the first key must be the private one that signs")
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys of statements: %w", err)
	}
	return keys, nil
}

// ReadPublicKeys reads one or more keys in PEM form to verify with, by their ids.
func ReadPublicKeys(text []byte) (map[string]ed25519.PublicKey, error) {
	keys := map[string]ed25519.PublicKey{}
	err := eachKey(text, func(key any) error {
		public, ok := key.(ed25519.PublicKey)
		if !ok {
			return fmt.Errorf("a key is a %T, and must be a public Ed25519 key", key)
		}
		named, err := publicKey(public)
		keys[named.ID] = public
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the public keys of statements: %w", err)
	}
	return keys, nil
}

func eachKey(text []byte, use func(any) error) error {
	found := false
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			if !found {
				return errors.New("there is no key in PEM form")
			}
			return nil
		}
		found = true
		var key any
		var err error
		switch block.Type {
		case blockPrivate:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case blockPublic:
			key, err = x509.ParsePKIXPublicKey(block.Bytes)
		default:
			return fmt.Errorf("a block is a %q, and must be a %s or a %s", block.Type, blockPrivate, blockPublic)
		}
		if err != nil {
			return errors.New("a key cannot be parsed") // The library's error could quote it.
		}
		if err := use(key); err != nil {
			return err
		}
	}
}

// LoadKeys reads the keys from a file.
func LoadKeys(path string) (*Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys of statements: %w", err)
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("read the keys of statements: %s is too large for a file of keys", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys of statements: %w", err)
	}
	return ReadKeys(text)
}

// KeysIn reads the keys of a file, which is created with a new key if there is
// none. Processes that do so at once agree on one.
func KeysIn(path string) (*Keys, error) {
	keys, err := LoadKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	text, err := NewKey()
	if err != nil {
		return nil, err
	}
	if err := durable.CreateOnce(path, text); err != nil {
		return nil, fmt.Errorf("keep the key of statements: %w", err)
	}
	return LoadKeys(path)
}

// NewKey returns a new private key in PEM form.
func NewKey() ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create the key of statements: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("create the key of statements: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockPrivate, Bytes: der}), nil
}
