// Package id makes and checks the ids of aggregates: TypeIDs, which are UUIDv7
// with a prefix that says what they name. Time and randomness come in from
// outside, so that a repeated command makes the same ids again.
package id

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"go.jetify.com/typeid"
)

// User names a user. Each aggregate has an id type of its own, so that the
// compiler keeps them apart.
type User string

// Organization names an organization.
type Organization string

// APIKey names an API key, and is not the key itself.
type APIKey string

// The prefixes on the wire.
const (
	UserPrefix         = "user"
	OrganizationPrefix = "org"
	APIKeyPrefix       = "key"
)

// Source makes ids from a time and a stream of random bytes. It is not safe
// for concurrent use.
type Source struct {
	Now     time.Time
	Entropy io.Reader
}

// User makes a user's id.
func (s Source) User() (User, error) {
	v, err := s.make(UserPrefix)
	return User(v), err
}

// Organization makes an organization's id.
func (s Source) Organization() (Organization, error) {
	v, err := s.make(OrganizationPrefix)
	return Organization(v), err
}

// APIKey makes an API key's id.
func (s Source) APIKey() (APIKey, error) {
	v, err := s.make(APIKeyPrefix)
	return APIKey(v), err
}

// make lays out a UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds,
// then random bits around version and variant.
func (s Source) make(prefix string) (string, error) {
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
		return "", fmt.Errorf("make a %s id: %w", prefix, err)
	}
	return t.String(), nil
}

// Valid tells whether s is a well-formed id with the given prefix.
func Valid(prefix, s string) bool {
	t, err := typeid.FromString(s)
	return err == nil && t.Prefix() == prefix
}
