package keyring_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/keyring"
)

func TestHash(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	k := open(t, pool, kms)
	hash := k.Hash("email", "ada@example.com")
	if len(hash) != 64 {
		t.Errorf("hash %q is not the hexadecimal of 32 bytes", hash)
	}
	if again := open(t, pool, kms).Hash("email", "ada@example.com"); again != hash {
		t.Error("another process hashes differently")
	}
	if k.Hash("subject", "ada@example.com") == hash {
		t.Error("two purposes share a hash")
	}
	if k.Hash("email", "bob@example.com") == hash {
		t.Error("two values share a hash")
	}
	if open(t, database(t), kms).Hash("email", "ada@example.com") == hash {
		t.Error("two keyrings share a hash: it is not keyed")
	}
}

func TestSealOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	k := open(t, database(t), keeper(t))
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "additional data")
		sealed := k.Seal("answer", plain, data)
		if got, err := k.Open("answer", sealed, data); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opens to %x, %v", got, err)
		}
		if bytes.Equal(sealed, k.Seal("answer", plain, data)) {
			t.Fatal("sealed twice, it is the same")
		}
		if len(plain) >= 8 && bytes.Contains(sealed, plain) {
			t.Fatal("the plaintext shows")
		}
		broken := bytes.Clone(sealed)
		broken[rapid.IntRange(0, len(broken)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for name, open := range map[string]func() ([]byte, error){
			"other purpose": func() ([]byte, error) { return k.Open("question", sealed, data) },
			"other data":    func() ([]byte, error) { return k.Open("answer", sealed, append(data[:len(data):len(data)], 1)) },
			"changed":       func() ([]byte, error) { return k.Open("answer", broken, data) },
			"cut":           func() ([]byte, error) { return k.Open("answer", sealed[:len(sealed)-1], data) },
			"too short":     func() ([]byte, error) { return k.Open("answer", sealed[:5], data) },
		} {
			if _, err := open(); !errors.Is(err, keyring.ErrSealed) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}
