package clicks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/id"
)

// Place is where a click stands in the spools.
type Place struct {
	Writer  [8]byte
	Segment int64
	Index   int
}

// String is the click's id: "<writer>-<segment>-<index>". The event of its segment
// is in the stream that it begins with.
func (p Place) String() string {
	return fmt.Sprintf("%s-%d-%d", hex.EncodeToString(p.Writer[:]), p.Segment, p.Index)
}

// Signed is a click as its signed id says.
type Signed struct {
	Place Place
	At    time.Time
	Link  click.Link
	// Rule is the version of the programme's rules.
	Rule int
}

// Signer signs and reads ids of clicks. It is safe for concurrent use.
type Signer struct{ key []byte }

// NewSigner returns a signer with a secret key, which is that of all processes of
// one installation.
func NewSigner(key []byte) *Signer { return &Signer{key} }

// ErrSignature says that an id of a click was not signed here, or is none.
var ErrSignature = errors.New("this is not the signed id of a click")

const (
	formOne    = 1
	signedSize = 1 + 8 + 8 + 2 + 8 + 2 + 16 + 16
	macSize    = 16
)

// Sign returns the signed id: letters, digits, hyphens and underscores.
func (s *Signer) Sign(c Signed) string {
	var raw [signedSize + macSize]byte
	b := append(raw[:0], formOne)
	b = append(b, c.Place.Writer[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Place.Segment)) //nolint:gosec // It is not negative.
	b = binary.BigEndian.AppendUint16(b, uint16(c.Place.Index))   //nolint:gosec // A segment has fewer clicks.
	b = binary.BigEndian.AppendUint64(b, uint64(c.At.UnixMilli()))
	b = binary.BigEndian.AppendUint16(b, uint16(c.Rule)) //nolint:gosec // There are fewer rules.
	referrer, _ := id.UUID(c.Link.ReferrerID)
	b = append(b, referrer[:]...)
	campaign, _ := id.UUID(c.Link.CampaignID) // Zeros for a referrer's own code.
	b = append(b, campaign[:]...)
	return base64.RawURLEncoding.EncodeToString(s.mac(b))
}

// mac adds the signature.
func (s *Signer) mac(b []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(b)
	var sum [sha256.Size]byte
	return append(b, m.Sum(sum[:0])[:macSize]...)
}

// Read returns the click of a signed id. It fails with ErrSignature.
func (s *Signer) Read(text string) (Signed, error) {
	if len(text) != base64.RawURLEncoding.EncodedLen(signedSize+macSize) {
		return Signed{}, ErrSignature
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || !hmac.Equal(s.mac(b[:signedSize:signedSize]), b) || b[0] != formOne {
		return Signed{}, ErrSignature
	}
	c := Signed{
		Place: Place{
			Writer: [8]byte(b[1:9]), Segment: int64(binary.BigEndian.Uint64(b[9:])), //nolint:gosec // Sign wrote it.
			Index: int(binary.BigEndian.Uint16(b[17:])),
		},
		At:   time.UnixMilli(int64(binary.BigEndian.Uint64(b[19:]))).UTC(), //nolint:gosec // Sign wrote it.
		Rule: int(binary.BigEndian.Uint16(b[27:])),
		Link: click.Link{ReferrerID: id.FromUUID[id.Referrer]([16]byte(b[29:45]))},
	}
	if campaign := [16]byte(b[45:61]); campaign != [16]byte{} {
		c.Link.CampaignID = id.FromUUID[id.Campaign](campaign)
	}
	return c, nil
}
