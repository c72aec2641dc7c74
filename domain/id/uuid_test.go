package id_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/id"
)

func TestUUIDsAndIDsAreTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
		key := id.FromUUID[id.APIKey](u)
		if !id.Valid(key) {
			t.Fatalf("%q is not well formed", key)
		}
		if got, ok := id.UUID(key); !ok || got != u {
			t.Fatalf("%q is %x, want %x", key, got, u)
		}
	})
	for _, text := range []id.APIKey{"", "key_", "key_1", "user_01h455vb4pex5vsknk084sn02q", "key_01H455VB4PEX5VSKNK084SN02Q", "key_81h455vb4pex5vsknk084sn02q"} {
		if u, ok := id.UUID(text); ok {
			t.Errorf("%q is %x", text, u)
		}
	}
}
