package commands_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/perfectworks/backend/commands"
)

func TestEntropy(t *testing.T) {
	t.Parallel()
	read := func(seed byte, purpose string) string {
		var b [64]byte
		if _, err := io.ReadFull(commands.Request{Seed: commands.Seed{seed}}.Entropy(purpose), b[:]); err != nil {
			t.Fatal(err)
		}
		return string(b[:])
	}
	if once, twice := read(1, "id"), read(1, "id"); once != twice {
		t.Error("the same purpose reads other bytes")
	}
	if read(1, "id") == read(1, "secret") || read(1, "id") == read(2, "id") {
		t.Error("another purpose or seed reads the same bytes")
	}
	if n, err := (commands.Request{}).Entropy("id").Read(make([]byte, 8)); err == nil || n != 0 {
		t.Error("a request without a seed has randomness")
	}
}

func TestSeedHidesItself(t *testing.T) {
	t.Parallel()
	req := commands.Request{Seed: commands.Seed([]byte("0123456789abcdef0123456789abcdef"))}
	var shown bytes.Buffer
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "seed", req.Seed)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "seed", req.Seed, "req", struct{ Seed commands.Seed }{req.Seed})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+"\n"+verb+"\n", req.Seed, req)
	}
	if err := json.NewEncoder(&shown).Encode(struct{ Seed commands.Seed }{req.Seed}); err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"0123", "48 49 50", "0x30", "30313233", "MDEy"} {
		if strings.Contains(shown.String(), leak) {
			t.Errorf("shown: %s", shown.String())
		}
	}
}
