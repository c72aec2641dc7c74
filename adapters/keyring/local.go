package keyring

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"

	"github.com/perfectworks/backend/adapters/durable"
)

// LocalKeeper is the default in the place of a key management service: its key
// is in a file that only its owner may read, and that is made when it is
// missing. Without that file everything encrypted is lost. The caller closes
// the keeper.
func LocalKeeper(file string) (*secrets.Keeper, error) {
	raw, err := readKeyFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKeyFile(file); err == nil {
			raw, err = readKeyFile(file)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("local key file: %w", err)
	}
	return localsecrets.NewKeeper(raw), nil
}

func readKeyFile(file string) (raw [keySize]byte, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return raw, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return raw, fmt.Errorf("%s may be read by others (mode %04o): chmod 600 it", file, info.Mode().Perm())
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return raw, fmt.Errorf("%s belongs to another user, who could read and replace it: chown it", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return raw, err
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(decoded) != keySize {
		// Nothing of the content may show.
		return raw, fmt.Errorf("%s does not hold the Base64 of %d bytes", file, keySize)
	}
	return [keySize]byte(decoded), nil
}

// makeKeyFile writes a new key, unless there is one.
func makeKeyFile(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // It never fails.
	return durable.CreateOnce(file, []byte(base64.StdEncoding.EncodeToString(raw)+"\n"))
}
