package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/go-jose/go-jose/v4"

	"github.com/perfectworks/backend/adapters/durable"
)

// developmentKeyFile holds the development issuer's signing key, in the data
// folder.
const developmentKeyFile = "identity/signing-key.pem"

const pemType = "PRIVATE KEY"

// developmentKey is the signing key of the development issuer of one data
// folder. The issuer's address follows from it, so both are known without a
// server that runs, and differ between data folders.
type developmentKey struct {
	private    *ecdsa.PrivateKey
	thumbprint string
}

// loadDevelopmentKey reads the key of a data folder; the first to ask makes it.
func loadDevelopmentKey(dataDir string) (developmentKey, error) {
	path := filepath.Join(dataDir, developmentKeyFile)
	private, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		private, err = createKey(path)
	}
	if err != nil {
		return developmentKey{}, fmt.Errorf("get the development issuer's key: %w", err)
	}
	thumbprint, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return developmentKey{}, fmt.Errorf("name the development issuer's key: %w", err)
	}
	return developmentKey{private, base64.RawURLEncoding.EncodeToString(thumbprint)}, nil
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others can read %s: give it the mode 0600, or delete it to get a new key", path)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to another user: delete it to get a new key", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("%s holds no key: delete it to get a new one", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s holds no key that can be read: delete it to get a new one", path)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s holds no key for ES256: delete it to get a new one", path)
	}
	return private, nil
}

// createKey makes a key, and returns the one that was written first: a file that
// has its name is whole and never replaced.
func createKey(path string) (*ecdsa.PrivateKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := durable.CreateOnce(path, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})); err != nil {
		return nil, err
	}
	return readKey(path)
}
