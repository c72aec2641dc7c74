package tokenaccount

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// Account is one of the accounts of the double entry.
type Account string

// The accounts. Issued counts down as tokens come in, so that the sum over all
// accounts is always zero; Debt is negative while tokens are owed.
const (
	Issued     Account = "issued"
	Available  Account = "available"
	Held       Account = "held"
	Frozen     Account = "frozen"
	Consumed   Account = "consumed"
	Expired    Account = "expired"
	ClawedBack Account = "clawedBack"
	Debt       Account = "debt"
)

// Accounts lists all accounts, in the order in which they are shown.
var Accounts = []Account{Issued, Available, Held, Frozen, Consumed, Expired, ClawedBack, Debt}

// Movement is what an entry adds to an account; it is negative when tokens
// leave it.
type Movement struct {
	Account Account `json:"account"`
	Amount  int64   `json:"amount"`
}

// Balance is what stands on each account, in tokens.
type Balance struct {
	Issued     int64 `json:"issued"`
	Available  int64 `json:"available"`
	Held       int64 `json:"held"`
	Frozen     int64 `json:"frozen"`
	Consumed   int64 `json:"consumed"`
	Expired    int64 `json:"expired"`
	ClawedBack int64 `json:"clawedBack"`
	Debt       int64 `json:"debt"`
}

// Of returns the balance of one account, and zero for an unknown one.
func (b Balance) Of(a Account) int64 {
	if p := b.account(a); p != nil {
		return *p
	}
	return 0
}

// Settled is what belongs to the organization, whether or not it can be spent
// now.
func (b Balance) Settled() int64 { return b.Available + b.Held + b.Frozen }

// Sum is zero for every balance that the ledger can reach.
func (b Balance) Sum() int64 {
	var sum int64
	for _, a := range Accounts {
		sum += b.Of(a)
	}
	return sum
}

func (b *Balance) account(a Account) *int64 {
	switch a {
	case Issued:
		return &b.Issued
	case Available:
		return &b.Available
	case Held:
		return &b.Held
	case Frozen:
		return &b.Frozen
	case Consumed:
		return &b.Consumed
	case Expired:
		return &b.Expired
	case ClawedBack:
		return &b.ClawedBack
	case Debt:
		return &b.Debt
	}
	return nil
}

// After returns the balance after movements. It fails for an unknown account, and
// where an account could not be counted.
func (b Balance) After(movements []Movement) (Balance, error) {
	for _, m := range movements {
		p := b.account(m.Account)
		if p == nil {
			return Balance{}, fmt.Errorf("there is no account %q", m.Account)
		}
		sum := *p + m.Amount
		if (sum > *p) != (m.Amount > 0) {
			return Balance{}, fmt.Errorf("the account %s overflows", m.Account)
		}
		*p = sum
	}
	return b, nil
}

func (b Balance) after(movements []Movement) Balance {
	for _, m := range movements {
		*b.account(m.Account) += m.Amount
	}
	return b
}

// Entry is the ledger's part of an event. The movements sum to zero.
type Entry struct {
	// Sequence numbers the entries of an account from 1, without gaps.
	Sequence int64 `json:"sequence"`
	// OccurredAt never lies before that of the entry before it.
	OccurredAt time.Time  `json:"occurredAt"`
	Movements  []Movement `json:"movements,omitempty"`
	// Balance is what stands on the accounts after the entry.
	Balance Balance `json:"balance"`
	// PreviousHash is the Hash of the entry before; empty for the first.
	PreviousHash string `json:"previousHash,omitempty"`
	// Hash is the SHA-256 that chains this entry to the one before, in
	// lower-case hexadecimal: see ChainHash.
	Hash string `json:"hash"`
}

// ChainHash computes the hash of an entry of an event type. Commitment stands
// for what the event holds beside the entry, in a form that survives erasure.
// It is the SHA-256 of these lines, each ended by a line feed: the name of this
// scheme, the hash of the entry before, sequence, event type, time in RFC 3339
// with milliseconds, each movement as account=amount, each account of the
// balance likewise, and the commitment.
func (e Entry) ChainHash(eventType, commitment string) string {
	var b strings.Builder
	line := func(s string) { b.WriteString(s); b.WriteByte('\n') }
	amount := func(a Account, n int64) { line(string(a) + "=" + strconv.FormatInt(n, 10)) }
	line("perfectworks token ledger 1")
	line(e.PreviousHash)
	line(strconv.FormatInt(e.Sequence, 10))
	line(eventType)
	line(e.OccurredAt.UTC().Format(timeLayout))
	for _, m := range e.Movements {
		amount(m.Account, m.Amount)
	}
	line("balance")
	for _, a := range Accounts {
		amount(a, e.Balance.Of(a))
	}
	line(commitment)
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// EntryOf returns the ledger's part of an event; false for an event that is no
// entry.
func EntryOf(e event.Event) (Entry, bool) {
	switch e := e.(type) {
	case TokensGranted:
		return e.Entry, true
	case TokensReserved:
		return e.Entry, true
	case TokensCaptured:
		return e.Entry, true
	case ReservationReleased:
		return e.Entry, true
	case TokensRefunded:
		return e.Entry, true
	case TokensExpired:
		return e.Entry, true
	case TokensClawedBack:
		return e.Entry, true
	case ClawbackReversed:
		return e.Entry, true
	case TokensFrozen:
		return e.Entry, true
	case TokensThawed:
		return e.Entry, true
	case TokensAdjusted:
		return e.Entry, true
	}
	return Entry{}, false
}
