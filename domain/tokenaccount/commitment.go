package tokenaccount

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/perfectworks/backend/domain/personal"
)

// timeLayout is how times stand in the chain of hashes: RFC 3339 in UTC, with
// milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

func referenceText(r Reference) string {
	return r.ID + "@" + r.At.UTC().Format(timeLayout)
}

func amountText(n int64) string { return strconv.FormatInt(n, 10) }

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// digestOf is the SHA-256 of the nonce and the reason, in lower-case
// hexadecimal.
func digestOf(nonce, reason personal.Text) string {
	sum := sha256.Sum256([]byte(nonce.Reveal() + "\n" + reason.Reveal()))
	return hex.EncodeToString(sum[:])
}

// Commitment implements posting.
func (e TokensGranted) Commitment() string {
	return fields("grant", referenceText(e.Grant), string(e.Source), amountText(e.Amount), timeText(e.ExpireAt), e.ReasonDigest)
}

// Commitment implements posting.
func (e TokensReserved) Commitment() string {
	return fields("reserve", referenceText(e.Reference), e.Purpose, e.FileID, string(e.UserID),
		amountText(e.Amount), timeText(e.Deadline))
}

// Commitment implements posting.
func (e TokensCaptured) Commitment() string {
	return fields("capture", referenceText(e.Reference), amountText(e.Amount))
}

// Commitment implements posting.
func (e ReservationReleased) Commitment() string {
	return fields("release", referenceText(e.Reference), string(e.Reason), amountText(total(e.Returned)))
}

// Commitment implements posting.
func (e TokensRefunded) Commitment() string {
	return fields("refund", referenceText(e.Reference), referenceText(e.Reservation), amountText(e.Amount))
}

// Commitment implements posting.
func (e TokensExpired) Commitment() string {
	return fields("expire", referenceText(e.Grant), amountText(e.Amount))
}

// Commitment implements posting.
func (e TokensClawedBack) Commitment() string {
	return fields("clawback", referenceText(e.Grant), amountText(e.Version), amountText(e.Amount), amountText(e.Total))
}

// Commitment implements posting.
func (e ClawbackReversed) Commitment() string {
	return fields("reverse", referenceText(e.Grant), amountText(e.Version), amountText(e.Amount), amountText(e.Total))
}

// Commitment implements posting.
func (e TokensFrozen) Commitment() string {
	return fields("freeze", referenceText(e.Grant), amountText(e.Version), amountText(e.Amount))
}

// Commitment implements posting.
func (e TokensThawed) Commitment() string {
	return fields("thaw", referenceText(e.Grant), amountText(e.Version), amountText(e.Amount))
}

// Commitment implements posting.
func (e TokensAdjusted) Commitment() string {
	return fields("adjust", referenceText(e.Reference), amountText(e.Amount), e.ReasonDigest)
}
