// Package tokenaccount is the ledger of an organization's tokens: one account
// for each organization, kept by double entry.
//
// Tokens come in grants. A grant has a priority and may expire. A reservation
// moves available tokens to held ones, grant by grant in burn order: lowest
// priority number first, then the earliest expiry, then the oldest grant. A
// capture consumes what is held, or a part of it, and returns the rest; a
// release or a timeout returns all of it.
//
// # Boundaries
//
//   - A grant that expires at an instant is expired at that instant, and a
//     reservation has timed out at the instant of its deadline.
//   - Both hold by the clock. Every decision first records what is due, dated
//     at the instant when it was due; [State.At] shows the same without
//     recording it. It does not matter whether or when a job runs.
//   - A reservation keeps what it holds past the expiry of its grants. What
//     returns to an expired grant expires in the same append.
//   - A capture at or after the deadline is refused and changes nothing.
//   - A clawback takes what is left of the grant itself, then what has expired
//     of it, then other available tokens; the rest becomes debt. What was
//     clawed back in all is exactly what the payment's state asks for.
//   - Nothing is available while there is debt: all that becomes available
//     repays it first.
//   - While a dispute freezes a grant, what is left of it is frozen, and so is
//     what a reservation returns to it. Frozen tokens do not expire; those that
//     thaw after their grant's expiry expire at once.
//   - Entries are in log order and their times never go back: a clock that is
//     behind the last entry counts as that entry's time.
//
// # References
//
// Each operation has a reference that carries the time it was made. A reference
// has one effect: repeating it with the same content changes nothing, with
// other content it is refused. The account remembers references for a bounded
// time, and refuses those that are older than [ReferenceWindow].
package tokenaccount

import "time"

// Bounds of what the account remembers and accepts.
const (
	// MaxHold is the longest time that a reservation may hold tokens.
	MaxHold = 24 * time.Hour
	// ReferenceWindow is how old the reference of a new operation may be.
	ReferenceWindow = 7 * 24 * time.Hour
	// operationRetention outlives each operation that ReferenceWindow and
	// MaxHold allow to be open.
	operationRetention = ReferenceWindow + MaxHold
	// GrantWindow is how long a grant can be granted again without effect, and
	// be clawed back: longer than a payment can be refunded or disputed.
	GrantWindow = 2 * 365 * 24 * time.Hour
)
