package id

import (
	"strings"

	"go.jetify.com/typeid/base32"
)

// UUID gives the UUID of a well-formed id, from which FromUUID makes the same id
// again. ok is false for any other text.
func UUID[I Name](n I) (u [16]byte, ok bool) {
	suffix, found := strings.CutPrefix(string(n), n.Prefix()+"_")
	if !found || n.Prefix() == "" { // Names without a prefix are no TypeIDs.
		return u, false
	}
	b, err := base32.Decode(suffix)
	if err != nil || len(b) != len(u) {
		return u, false
	}
	copy(u[:], b)
	return u, base32.Encode(u) == suffix
}

// FromUUID returns the id of type I with a UUID.
func FromUUID[I Name](u [16]byte) I {
	return I(I("").Prefix() + "_" + base32.Encode(u))
}
