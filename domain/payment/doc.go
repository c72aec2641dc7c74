// Package payment is what the product knows of one payment for tokens: the
// checkout session, what was paid, refunds, disputes, and whether the tokens
// may be granted.
//
// # Order
//
// A payment provider tells its facts in any order, late, and more than once.
// The state is therefore a set of facts, each keyed by the provider's object,
// and a fact only ever advances: a refund from pending to succeeded to failed, a
// dispute from open to closed. What the product owes follows from the whole set
// by pure functions, so that every order ends in the same state:
//
//   - Tokens are due when the session was paid, also if it had expired or a
//     first attempt had failed, unless the payment is quarantined or parked.
//   - Clawed back is floor(tokens × returned ÷ paid), where returned counts
//     refunds that succeeded and disputes that were lost, together at most what
//     was paid. A dispute never takes what a refund took.
//   - What is left is frozen while a dispute holds the funds. An inquiry holds
//     none. A won or warning-closed dispute, and one whose funds were reinstated,
//     holds and takes nothing, whatever else was said of it.
//
// # Quarantine and parking
//
// A payment whose amount before tax or whose currency is not that of the
// session, or which belongs to the other mode (test or live), is quarantined. A
// payment for an organization that has been deleted is parked. Neither is
// credited until a person of finance decides: released, rejected, or refunded.
package payment
