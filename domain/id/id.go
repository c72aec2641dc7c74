// Package id creates and checks the ids of aggregates: TypeIDs, which are UUIDv7
// with a prefix that says what they name. The caller supplies time and
// randomness, so that a repeated command creates the same ids again.
//
// Aggregates refer to each other by these types, which is why they are declared
// here, in a file for each aggregate, and not beside the aggregates.
package id

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"go.jetify.com/typeid"
)

// Name is the id type of one kind of aggregate. Each kind has a type of its own,
// so that the compiler keeps them apart.
type Name interface {
	~string
	// Prefix is the part of the id before the underscore: lower-case letters. It
	// does not depend on the id. It is empty for names that are no TypeIDs.
	Prefix() string
}

// Source supplies what new ids consist of: a time and a stream of random bytes.
// It is not safe for concurrent use.
type Source struct {
	Now     time.Time
	Entropy io.Reader
}

// New returns a new id of type I.
func New[I Name](s Source) (I, error) {
	v, err := s.next(I("").Prefix())
	return I(v), err
}

// Valid reports whether n is well formed: a TypeID with the prefix of its type.
func Valid[I Name](n I) bool {
	t, err := typeid.FromString(string(n))
	return err == nil && t.Prefix() == n.Prefix()
}

// next lays out a UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds,
// then random bits around version and variant.
func (s Source) next(prefix string) (string, error) {
	var u [16]byte
	if _, err := io.ReadFull(s.Entropy, u[6:]); err != nil {
		return "", fmt.Errorf("read randomness for an id: %w", err)
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(s.Now.UnixMilli()))
	copy(u[:6], ms[2:])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	t, err := typeid.FromUUIDBytesWithPrefix(prefix, u[:])
	if err != nil {
		return "", fmt.Errorf("create a %s id: %w", prefix, err)
	}
	return t.String(), nil
}
