package keyring_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gocloud.dev/secrets"

	"github.com/perfectworks/backend/adapters/keyring"
)

func TestLocalKeeperIsMadeOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "data", "kms.key")
	const n = 8
	keepers := make([]*secrets.Keeper, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			k, err := keyring.LocalKeeper(file)
			if err != nil {
				t.Error(err)
			}
			keepers[i] = k
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	box, err := keepers[0].Encrypt(t.Context(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keepers {
		if plain, err := k.Decrypt(t.Context(), box); err != nil || string(plain) != "x" {
			t.Errorf("keepers differ: %v", err)
		}
		_ = k.Close()
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v were left", entries, err)
	}
}

func TestLocalKeeperRefuses(t *testing.T) {
	t.Parallel()
	const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
	for name, test := range map[string]struct {
		mode    os.FileMode
		content string
		want    string
	}{
		"a file for all to read": {0o644, secret, "chmod 600"},
		"a short key":            {0o600, secret, "Base64 of 32 bytes"},
		"no Base64":              {0o600, "***" + secret, "Base64 of 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "kms.key")
			if err := os.WriteFile(file, []byte(test.content), test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := keyring.LocalKeeper(file)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error shows the key")
			}
		})
	}
}
