package directory

import (
	"encoding/binary"

	"github.com/perfectworks/backend/domain/id"
)

// keyRecord is an API key. There may be millions, so it is small, and holds no
// pointer that the garbage collector would have to follow.
type keyRecord struct {
	secret       Hash
	id           [16]byte // see keyTable.name
	expireAt     int64    // in Unix milliseconds; zero says never
	organization number   // zero before the key was issued
	owner        number   // zero for an organization's key
	nextOfOwner  number   // the next key in the list of the owner's
	scopes       uint16   // in state.scopes
	end          end
	flags        flags
}

type flags uint8

const (
	flagUnreadable flags = 1 << iota
	flagOddID            // id is not a UUID, but a place in keyTable.oddIDs
	flagSecret           // secret is the key's
	allFlags       = flagUnreadable | flagOddID | flagSecret
)

func (k *keyRecord) is(f flags) bool { return k.flags&f != 0 }

// number counts records of a kind, from 1; 0 is none.
type number = uint32

// chunk is how many keys are allocated together: their places in memory stay.
const chunk = 1024

// keyTable holds all keys, in the order in which they were first heard of. They
// are found by id and by the hash of their secret, through tables that hold only
// numbers. The zero keyTable is empty.
type keyTable struct {
	chunks         [][]keyRecord
	count          number
	byID, bySecret index
	// oddIDs are ids that are no TypeIDs, and oddNumbers the numbers of their keys.
	oddIDs     []id.APIKey
	oddNumbers map[id.APIKey]number
	// otherSecrets are those of keys that were issued more than once.
	otherSecrets map[Hash]number
}

// at is the key with a number, which is not 0.
func (t *keyTable) at(n number) *keyRecord { return &t.chunks[(n-1)/chunk][(n-1)%chunk] }

// add adds a record. The caller puts it into the indexes.
func (t *keyTable) add(k keyRecord) number {
	if int(t.count)%chunk == 0 {
		t.chunks = append(t.chunks, make([]keyRecord, chunk))
	}
	t.count++
	*t.at(t.count) = k
	return t.count
}

// name is the id of a key.
func (t *keyTable) name(k *keyRecord) id.APIKey {
	if k.is(flagOddID) {
		return t.oddIDs[binary.LittleEndian.Uint32(k.id[:])]
	}
	return id.FromUUID[id.APIKey](k.id)
}

// named finds the key with an id, or adds it.
func (t *keyTable) named(name id.APIKey) number {
	u, ok := id.UUID(name)
	if !ok {
		return t.oddlyNamed(name)
	}
	if n := t.byID.find(hashID(u), t.hasID(u)); n != 0 {
		return n
	}
	n := t.add(keyRecord{id: u})
	t.indexID(n)
	return n
}

func (t *keyTable) oddlyNamed(name id.APIKey) number {
	n, ok := t.oddNumbers[name]
	if !ok {
		if t.oddNumbers == nil {
			t.oddNumbers = map[id.APIKey]number{}
		}
		k := keyRecord{flags: flagOddID}
		binary.LittleEndian.PutUint32(k.id[:], uint32(len(t.oddIDs))) //nolint:gosec // Keys are counted in 32 bits.
		t.oddIDs = append(t.oddIDs, name)
		n = t.add(k)
		t.oddNumbers[name] = n
	}
	return n
}

// withID finds the key with an id; 0 if there is none.
func (t *keyTable) withID(name id.APIKey) number {
	if u, ok := id.UUID(name); ok {
		return t.byID.find(hashID(u), t.hasID(u))
	}
	return t.oddNumbers[name]
}

// withSecret finds the key of a secret; 0 if there is none.
func (t *keyTable) withSecret(h Hash) number {
	if n := t.bySecret.find(hashSecret(h), t.hasSecret(h)); n != 0 {
		return n
	}
	return t.otherSecrets[h]
}

// setSecret lets a key be found by a secret, as the last one that was issued
// with it.
func (t *keyTable) setSecret(n number, h Hash) {
	k := t.at(n)
	if m := t.withSecret(h); m == n {
		return
	} else if m != 0 && t.otherSecrets[h] != m {
		t.at(m).flags &^= flagSecret
	}
	if k.is(flagSecret) {
		if t.otherSecrets == nil {
			t.otherSecrets = map[Hash]number{}
		}
		t.otherSecrets[h] = n
		return
	}
	delete(t.otherSecrets, h)
	k.secret, k.flags = h, k.flags|flagSecret
	t.indexSecret(n)
}

func (t *keyTable) indexID(n number) {
	u := t.at(n).id
	t.byID.set(hashID(u), n, t.hasID(u), func(n number) uint64 { return hashID(t.at(n).id) })
}

func (t *keyTable) indexSecret(n number) {
	h := t.at(n).secret
	t.bySecret.set(hashSecret(h), n, t.hasSecret(h), func(n number) uint64 { return hashSecret(t.at(n).secret) })
}

func (t *keyTable) hasID(u [16]byte) func(number) bool {
	return func(n number) bool { return t.at(n).id == u }
}

func (t *keyTable) hasSecret(h Hash) func(number) bool {
	return func(n number) bool { return t.at(n).secret == h && t.at(n).is(flagSecret) }
}

// The end of an id is random, and so is every part of a secret's hash.
func hashID(u [16]byte) uint64     { return binary.LittleEndian.Uint64(u[8:]) * 0x9e3779b97f4a7c15 }
func hashSecret(h Hash) uint64     { return binary.LittleEndian.Uint64(h[:]) * 0x9e3779b97f4a7c15 }
func (x *index) slot(h uint64) int { return int(h >> (64 - x.bits)) } //nolint:gosec // There are not that many bits.

// index finds numbers by a hash of what they stand for: a hash table with linear
// probing (Knuth, The Art of Computer Programming, volume 3, section 6.4,
// algorithm L) that nothing is deleted from. The zero index is empty.
type index struct {
	slots []number // as many as a power of two, a quarter of them free at least
	bits  uint
	used  int
}

// find finds the number that is the one that is looked for.
func (x *index) find(h uint64, is func(number) bool) number {
	if x.used == 0 {
		return 0
	}
	for i := x.slot(h); x.slots[i] != 0; i = (i + 1) & (len(x.slots) - 1) {
		if is(x.slots[i]) {
			return x.slots[i]
		}
	}
	return 0
}

// set adds a number, in the place of the one that is the same, if any. hash gives
// the hash of each number.
func (x *index) set(h uint64, n number, is func(number) bool, hash func(number) uint64) {
	x.reserve(x.used+1, hash)
	i := x.slot(h)
	for ; x.slots[i] != 0; i = (i + 1) & (len(x.slots) - 1) {
		if is(x.slots[i]) {
			x.slots[i] = n
			return
		}
	}
	x.slots[i] = n
	x.used++
}

// reserve makes room for a count of numbers.
func (x *index) reserve(count int, hash func(number) uint64) {
	bits := max(x.bits, 4)
	for count > 3<<bits/4 {
		bits++
	}
	if bits == x.bits {
		return
	}
	old := x.slots
	x.slots, x.bits = make([]number, 1<<bits), bits
	for _, n := range old {
		if n == 0 {
			continue
		}
		i := x.slot(hash(n))
		for x.slots[i] != 0 {
			i = (i + 1) & (len(x.slots) - 1)
		}
		x.slots[i] = n
	}
}
