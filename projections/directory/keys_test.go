package directory

import (
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/id"
)

// A table of keys finds what two maps find, however many there are, and whatever
// their ids look like.
func TestAKeyTableIsLikeMaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var table keyTable
		numbers, secrets := map[id.APIKey]number{}, map[Hash]number{}
		name := func(i uint64) id.APIKey {
			if i%7 == 0 {
				return id.APIKey(fmt.Sprint("key_", i))
			}
			var u [16]byte
			binary.BigEndian.PutUint64(u[8:], i%5) // Many share a hash.
			binary.BigEndian.PutUint64(u[:], i)
			return id.FromUUID[id.APIKey](u)
		}
		secret := func(i uint64) (h Hash) {
			binary.LittleEndian.PutUint64(h[:], i%5)
			binary.LittleEndian.PutUint64(h[8:], i)
			return h
		}
		most := rapid.SampledFrom([]uint64{3, 50, 3000}).Draw(t, "most")
		for range rapid.IntRange(0, int(2*most)).Draw(t, "steps") {
			i := rapid.Uint64Range(0, most).Draw(t, "key")
			n := table.named(name(i))
			if known, ok := numbers[name(i)]; ok && known != n {
				t.Fatalf("key %s was %d and is %d", name(i), known, n)
			}
			numbers[name(i)] = n
			if rapid.Bool().Draw(t, "issued") {
				h := secret(rapid.Uint64Range(0, most).Draw(t, "secret"))
				table.setSecret(n, h)
				secrets[h] = n
			}
		}
		for name, n := range numbers {
			if table.named(name) != n || table.name(table.at(n)) != name {
				t.Fatalf("key %d is %s, want %s", n, table.name(table.at(n)), name)
			}
		}
		for i := range most + 2 {
			if got, want := table.withSecret(secret(i)), secrets[secret(i)]; got != want {
				t.Fatalf("secret %d is of key %d, want %d", i, got, want)
			}
		}
		if int(table.count) != len(numbers) {
			t.Fatalf("%d keys, want %d", table.count, len(numbers))
		}
	})
}
