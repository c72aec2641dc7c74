package id

import "go.jetify.com/typeid"

// UUID gives the UUID of a well-formed id, from which FromUUID makes the same id
// again. ok is false for any other text.
func UUID[I Name](n I) (u [16]byte, ok bool) {
	t, err := typeid.FromString(string(n))
	if err != nil || t.Prefix() != n.Prefix() {
		return u, false
	}
	copy(u[:], t.UUIDBytes())
	return u, FromUUID[I](u) == n
}

// FromUUID returns the id of type I with a UUID.
func FromUUID[I Name](u [16]byte) I {
	t, err := typeid.FromUUIDBytesWithPrefix(I("").Prefix(), u[:])
	if err != nil {
		panic("id: the prefix of a type is not one of a TypeID: " + err.Error())
	}
	return I(t.String())
}
