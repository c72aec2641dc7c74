package organization

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/perfectworks/backend/domain/id"
)

// Token is the secret by which an invitation is accepted: the invitation's id, so
// that it can be found, and 256 bits that only the mail holds. It hides itself
// from printing, logs and encoders.
type Token struct {
	invitation id.Invitation
	text       string
}

const (
	tokenIDLength     = 26 // of a TypeID without its prefix
	tokenSecretLength = 43 // of 32 bytes in unpadded base64url
)

// NewToken returns the token of an invitation with a secret of 32 bytes.
func NewToken(invitation id.Invitation, secret [32]byte) Token {
	suffix := strings.TrimPrefix(string(invitation), invitation.Prefix()+"_")
	return Token{invitation, suffix + base64.RawURLEncoding.EncodeToString(secret[:])}
}

// ParseToken reads a token as somebody brings it. False says that it is none.
func ParseToken(text string) (Token, bool) {
	if len(text) != tokenIDLength+tokenSecretLength {
		return Token{}, false
	}
	name := id.Invitation(id.Invitation("").Prefix() + "_" + text[:tokenIDLength])
	if _, err := base64.RawURLEncoding.Strict().DecodeString(text[tokenIDLength:]); err != nil || !id.Valid(name) {
		return Token{}, false
	}
	return Token{name, text}, true
}

// InvitationID is the invitation that the token names.
func (t Token) InvitationID() id.Invitation { return t.invitation }

// HexHash is the SHA-256 of the token in lower-case hexadecimal, which is all of it
// that is stored.
func (t Token) HexHash() string {
	sum := sha256.Sum256([]byte(t.text))
	return hex.EncodeToString(sum[:])
}

// IsZero tells whether there is no token.
func (t Token) IsZero() bool { return t.text == "" }

// Reveal returns the token itself, for the mail alone.
func (t Token) Reveal() string { return t.text }

// String hides the token.
func (Token) String() string { return "[token]" }

// Format hides the token, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue hides the token from structured logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText hides the token from encoders.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
