package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"

	"github.com/perfectworks/backend/domain/failure"
)

// A secret is a prefix, 43 random base-62 digits, which hold 256 bits, and 6
// digits of a CRC-32 of all before them. A CRC-32 finds every change of up to
// 32 neighbouring bits, and so every single wrong character.
const (
	livePrefix     = "pw_live_"
	testPrefix     = "pw_test_"
	bodyDigits     = 43
	checksumDigits = 6
	secretLength   = len(livePrefix) + bodyDigits + checksumDigits

	startLength = len(livePrefix) + 4
	lastLength  = 4
)

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Secret is an API key itself. It hides itself from every way of printing; only
// Reveal lets it out.
type Secret struct{ text string }

// ErrMalformedKey is the answer to what cannot be one of our keys.
var ErrMalformedKey = failure.New(failure.Unauthenticated, "API_KEY_MALFORMED",
	"this is not an API key: it may have been cut off or mistyped")

// Mint makes a secret from a source of strong randomness.
func Mint(entropy io.Reader, live bool) (Secret, error) {
	text := make([]byte, 0, secretLength)
	if live {
		text = append(text, livePrefix...)
	} else {
		text = append(text, testPrefix...)
	}
	// Bytes above the greatest multiple of 62 are thrown away: all digits must
	// be equally likely.
	const fair = 256 / len(digits) * len(digits)
	var random [64]byte
	for len(text) < len(livePrefix)+bodyDigits {
		if _, err := io.ReadFull(entropy, random[:]); err != nil {
			return Secret{}, fmt.Errorf("read randomness for a key: %w", err)
		}
		for _, b := range random {
			if int(b) < fair && len(text) < len(livePrefix)+bodyDigits {
				text = append(text, digits[int(b)%len(digits)])
			}
		}
	}
	return Secret{text: string(text) + checksum(string(text))}, nil
}

// ParseSecret checks the form of a key and its checksum, without looking it up.
// Its error is ErrMalformedKey.
func ParseSecret(s string) (Secret, error) {
	if len(s) != secretLength || !strings.HasPrefix(s, livePrefix) && !strings.HasPrefix(s, testPrefix) {
		return Secret{}, ErrMalformedKey
	}
	for _, c := range []byte(s[len(livePrefix):]) {
		if strings.IndexByte(digits, c) < 0 {
			return Secret{}, ErrMalformedKey
		}
	}
	covered := s[:secretLength-checksumDigits]
	if checksum(covered) != s[len(covered):] {
		return Secret{}, ErrMalformedKey
	}
	return Secret{text: s}, nil
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var out [checksumDigits]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
	return string(out[:])
}

// Hash is the SHA-256 under which the key is known. The key is random enough
// to need no slow hash.
func (s Secret) Hash() [32]byte { return sha256.Sum256([]byte(s.text)) }

// HexHash is Hash in lower-case hexadecimal, as events hold it.
func (s Secret) HexHash() string {
	h := s.Hash()
	return hex.EncodeToString(h[:])
}

// Live tells whether the key is of the live kind, not a test key.
func (s Secret) Live() bool { return strings.HasPrefix(s.text, livePrefix) }

// Start is the prefix and the first four digits, by which a person knows the
// key again.
func (s Secret) Start() string { return s.text[:min(startLength, len(s.text))] }

// Last4 are the last four characters.
func (s Secret) Last4() string { return s.text[max(0, len(s.text)-lastLength):] }

// Reveal returns the key itself, to be shown once to the person who asked for
// it.
func (s Secret) Reveal() string { return s.text }

// Equal compares two keys, in a time that does not depend on them.
func (s Secret) Equal(t Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.text), []byte(t.text)) == 1
}

// Format hides the key, whatever the verb: fmt would print the field for one
// that is not meant for texts.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// String hides the key.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "[api key]"
}

// LogValue hides the key from structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// ErrSecretStored is the refusal to encode a key.
var ErrSecretStored = errors.New("an API key is never encoded: reveal it to the person who asked for it")

// MarshalJSON refuses.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, ErrSecretStored }

// MarshalText refuses.
func (s Secret) MarshalText() ([]byte, error) { return nil, ErrSecretStored }
