package operator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

// Secret is the bootstrap secret. It hides itself from printing, logs and
// encoders; only Reveal lets it out.
type Secret struct{ text string }

const secretPrefix = "bootstrap_"

// MintSecret makes a secret of 256 bits from a source of strong randomness.
func MintSecret(entropy io.Reader) (Secret, error) {
	var random [32]byte
	if _, err := io.ReadFull(entropy, random[:]); err != nil {
		return Secret{}, fmt.Errorf("read randomness for a bootstrap secret: %w", err)
	}
	return Secret{secretPrefix + base64.RawURLEncoding.EncodeToString(random[:])}, nil
}

// SecretOf is a secret as somebody brings it, good or bad.
func SecretOf(text string) Secret { return Secret{text} }

// HexHash is the SHA-256 of the secret in lower-case hexadecimal, which is all of
// it that is stored.
func (s Secret) HexHash() string {
	sum := sha256.Sum256([]byte(s.text))
	return hex.EncodeToString(sum[:])
}

// IsZero tells whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.text }

// String hides the secret.
func (Secret) String() string { return "[bootstrap secret]" }

// Format hides the secret, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the secret from structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
