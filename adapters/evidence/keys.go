package evidence

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/perfectworks/backend/adapters/durable"
)

// Keys are the key that signs checkpoints, and all keys that checkpoints can be
// verified with. They are safe for concurrent use.
type Keys struct {
	signer note.Signer // nil for public keys alone
	// public begins with that of signer; the others were rotated out.
	public    []string
	verifiers note.Verifiers
}

// maxKeyFile bounds a file of keys, in bytes.
const maxKeyFile = 1 << 20

const privatePrefix = "PRIVATE+KEY+"

// The errors of this file never quote a line: it may be a private key.
var (
	errNoSigner = errors.New("the first key must be the private one that signs")
	errBadKey   = errors.New("a line is not an Ed25519 key of the form NAME+HASH+KEY or PRIVATE+KEY+NAME+HASH+KEY")
)

// ReadKeys reads keys as golang.org/x/mod/sumdb/note writes them, one on each line:
// first the private one that signs, then those that signed before, private or public.
// Empty lines and lines that begin with # are passed over.
func ReadKeys(text []byte) (*Keys, error) {
	keys, err := readKeys(text)
	if err == nil && keys.signer == nil {
		err = errNoSigner
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys of checkpoints: %w", err)
	}
	return keys, nil
}

// ReadPublicKeys reads keys to verify with. Private ones among them are only used for
// their public half.
func ReadPublicKeys(text []byte) (*Keys, error) {
	keys, err := readKeys(text)
	if err == nil && len(keys.public) == 0 {
		err = errors.New("there is no key")
	}
	if err != nil {
		return nil, fmt.Errorf("read the public keys of checkpoints: %w", err)
	}
	keys.signer = nil
	return keys, nil
}

func readKeys(text []byte) (*Keys, error) {
	keys := &Keys{}
	var all []note.Verifier
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		public := line
		if strings.HasPrefix(line, privatePrefix) {
			signer, half, err := readPrivate(line)
			if err != nil {
				return nil, err
			}
			if public = half; len(all) == 0 {
				keys.signer = signer
			}
		}
		verifier, err := note.NewVerifier(public)
		if err != nil {
			return nil, errBadKey
		}
		if !slices.Contains(keys.public, public) {
			all, keys.public = append(all, verifier), append(keys.public, public)
		}
	}
	keys.verifiers = note.VerifierList(all...)
	return keys, nil
}

// readPrivate returns a signer and its public key.
func readPrivate(line string) (note.Signer, string, error) {
	signer, err := note.NewSigner(line)
	if err != nil {
		return nil, "", errBadKey
	}
	parts := strings.SplitN(line, "+", 5) // The last part is Base64, which has plus signs, too.
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, "", errBadKey
	}
	key, _ := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	public, err := note.NewEd25519VerifierKey(signer.Name(), key)
	if err != nil {
		return nil, "", errBadKey
	}
	return signer, public, nil
}

// Public returns the public keys: that of the signing key first, then those that were
// rotated out.
func (k *Keys) Public() []string { return append([]string(nil), k.public...) }

// LoadKeys reads the keys from a file, which others must not be able to replace. Who
// may read it is a matter of the one who put it there: secrets are often mounted for a
// group.
func LoadKeys(path string) (*Keys, error) { return loadKeys(path, 0o022) }

// loadKeys refuses a file whose mode has one of some bits.
func loadKeys(path string, refused os.FileMode) (*Keys, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the keys of checkpoints: %w", err)
	case info.Size() > maxKeyFile:
		return nil, fmt.Errorf("read the keys of checkpoints: %s is too large for a file of keys", path)
	case info.Mode().Perm()&refused != 0:
		return nil, fmt.Errorf("read the keys of checkpoints: %s is open to others (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys of checkpoints: %w", err)
	}
	return ReadKeys(text)
}

// DefaultKeyName is the name of keys that are created without one.
const DefaultKeyName = "perfectworks"

// KeysIn reads the keys of a file, which is created with a new key if there is none, and
// which others must not read. Processes that do so at once agree on one.
func KeysIn(path string) (*Keys, error) {
	const ownersAlone = 0o077
	keys, err := loadKeys(path, ownersAlone)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	key, err := NewKey(DefaultKeyName)
	if err == nil {
		err = durable.CreateOnce(path, []byte(key+"\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("keep the key of checkpoints: %w", err)
	}
	return loadKeys(path, ownersAlone)
}

// NewKey returns a new private key. The name is shown in the signatures; it is not
// empty, and has neither spaces nor plus signs.
func NewKey(name string) (string, error) {
	key, _, err := note.GenerateKey(rand.Reader, name)
	if err == nil {
		_, err = note.NewSigner(key)
	}
	if err != nil {
		return "", fmt.Errorf("create a key of checkpoints: the name must have neither spaces nor plus signs")
	}
	return key, nil
}
