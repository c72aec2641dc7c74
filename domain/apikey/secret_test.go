package apikey_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/perfectworks/backend/domain/apikey"
)

func mint(t interface{ Fatal(...any) }, seed byte, live bool) apikey.Secret {
	s, err := apikey.Mint(rand.NewChaCha8([32]byte{seed}), live)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMint(t *testing.T) {
	t.Parallel()
	live, test, other := mint(t, 1, true), mint(t, 1, false), mint(t, 2, true)
	if live != mint(t, 1, true) {
		t.Error("the same entropy gives another key")
	}
	if live == other || live.Hash() == other.Hash() {
		t.Error("other entropy gives the same key")
	}
	if !live.Live() || test.Live() || !strings.HasPrefix(live.Reveal(), "pw_live_") || !strings.HasPrefix(test.Reveal(), "pw_test_") {
		t.Error("the prefix does not tell live from test")
	}
	if live.Hash() != sha256.Sum256([]byte(live.Reveal())) || live.HexHash() != fmt.Sprintf("%x", live.Hash()) {
		t.Error("the hash is not the SHA-256 of the whole key")
	}
	if key := live.Reveal(); live.Start() != key[:12] || live.Last4() != key[len(key)-4:] {
		t.Errorf("the key is known by %s and %s", live.Start(), live.Last4())
	}
	empty := errors.New("empty")
	if _, err := apikey.Mint(iotest.ErrReader(empty), true); !errors.Is(err, empty) {
		t.Errorf("without entropy: got %v", err)
	}
}

// The form never changes: keys of this form are out there.
func TestSecretGolden(t *testing.T) {
	t.Parallel()
	const golden = "pw_test_VB2KlsEmQn3YCdDjRVd03bUeiZiAUOsFkOnHZwvEwMY2O2Zew"
	if got := mint(t, 0, false).Reveal(); got != golden {
		t.Errorf("got %s, want %s", got, golden)
	}
}

func TestDigitsAreFair(t *testing.T) {
	t.Parallel()
	counts := map[rune]int{}
	entropy := rand.NewChaCha8([32]byte{7})
	const keys = 2000
	for range keys {
		s, err := apikey.Mint(entropy, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range s.Reveal()[8:51] {
			counts[r]++
		}
	}
	const expected = keys * 43 / 62 // 1387, with a deviation of 37
	for r, n := range counts {
		if n < expected-250 || n > expected+250 {
			t.Errorf("%c stands %d times, want about %d", r, n, expected)
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d digits, want 62", len(counts))
	}
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	key := mint(t, 1, true).Reveal()
	if s, err := apikey.ParseSecret(key); err != nil || s.Reveal() != key {
		t.Errorf("got %v", err)
	}
	for name, s := range map[string]string{
		"nothing": "", "prefix only": "pw_live_", "cut off": key[:len(key)-1], "too long": key + "0",
		"space before": " " + key, "space after": key[:len(key)-1] + " ", "other prefix": "pw_prod_" + key[8:],
		"test for live": "pw_test_" + key[8:], "no prefix": strings.Repeat("a", len(key)),
		"NUL": strings.Replace(key, key[20:21], "\x00", 1), "not ASCII": key[:55] + "é", "upper case": strings.ToUpper(key),
		"endless": strings.Repeat("pw_live_", 1<<16),
	} {
		if got, err := apikey.ParseSecret(s); !errors.Is(err, apikey.ErrMalformedKey) || got != (apikey.Secret{}) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Every change of one character, and every swap of two neighbours, is found
// without looking the key up.
func TestEveryTypingErrorIsRefused(t *testing.T) {
	t.Parallel()
	for seed := range byte(20) {
		key := mint(t, seed, seed%2 == 0).Reveal()
		for i := range key {
			for c := range 256 {
				wrong := key[:i] + string([]byte{byte(c)}) + key[i+1:]
				if _, err := apikey.ParseSecret(wrong); (err == nil) != (wrong == key) {
					t.Fatalf("%q passes for %q: %v", wrong, key, err)
				}
			}
			if i > 0 && key[i] != key[i-1] {
				wrong := key[:i-1] + key[i:i+1] + key[i-1:i] + key[i+1:]
				if _, err := apikey.ParseSecret(wrong); err == nil {
					t.Fatalf("%q passes for %q", wrong, key)
				}
			}
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(mint(f, 1, true).Reveal())
	f.Add(mint(f, 2, false).Reveal())
	f.Add("")
	f.Add("pw_live_")
	f.Fuzz(func(t *testing.T, key string) {
		s, err := apikey.ParseSecret(key)
		if err != nil {
			if !errors.Is(err, apikey.ErrMalformedKey) || s != (apikey.Secret{}) {
				t.Errorf("got %v", err)
			}
			return
		}
		if s.Reveal() != key || len(key) != 57 {
			t.Errorf("%q is read as %q", key, s.Reveal())
		}
		if again, err := apikey.ParseSecret(s.Reveal()); err != nil || again != s {
			t.Errorf("%q is not read twice", key)
		}
	})
}

func TestSecretHidesItself(t *testing.T) {
	t.Parallel()
	s := mint(t, 1, true)
	key := s.Reveal()
	held := struct{ Key apikey.Secret }{s}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	log.Info("issued", "key", s, "held", held)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("issued", "key", s, "held", held)
	shown := []string{logged.String(), s.String(), fmt.Sprint(s), fmt.Sprint(held), fmt.Sprint(&held)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, held), fmt.Sprintf(verb, &held))
	}
	for _, text := range shown {
		if strings.Contains(text, key[8:20]) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", key[8:20])) {
			t.Errorf("shown: %s", text)
		}
	}
	if b, err := json.Marshal(held); !errors.Is(err, apikey.ErrSecretStored) {
		t.Errorf("encoded: %s, %v", b, err)
	}
	if b, err := json.Marshal(map[apikey.Secret]int{s: 1}); err == nil || strings.Contains(err.Error(), key) {
		t.Errorf("encoded: %s, %v", b, err)
	}
	if (apikey.Secret{}).String() != "" || (apikey.Secret{}).Start() != "" || (apikey.Secret{}).Last4() != "" {
		t.Error("no key at all shows something")
	}
}

func BenchmarkParseSecret(b *testing.B) {
	key := mint(b, 1, true).Reveal()
	for b.Loop() {
		s, err := apikey.ParseSecret(key)
		if err != nil {
			b.Fatal(err)
		}
		_ = s.Hash()
	}
}

func BenchmarkMint(b *testing.B) {
	entropy := rand.NewChaCha8([32]byte{1})
	for b.Loop() {
		if _, err := apikey.Mint(entropy, true); err != nil {
			b.Fatal(err)
		}
	}
}
