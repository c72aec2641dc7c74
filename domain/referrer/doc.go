// Package referrer is a person who earns commissions on payments of people whom
// they brought, and withdraws them.
//
// # Where the money is
//
// The account is computed from two sets of facts: commissions, one at most for
// each payment, and withdrawals.
//
//   - earned is what all commissions come to, less what was reversed.
//   - held is the part of it that has not matured, or whose payment is disputed.
//   - withdrawing is reserved for a withdrawal that is under way, withdrawn was
//     paid out.
//   - available is what is left; if that is negative, because a commission was
//     reversed after it was paid out, carried is the missing amount, which later
//     commissions fill.
//
// So earned = held + available + withdrawing + withdrawn − carried, always. A
// commission matures by the clock at the very instant; the event CommissionMatured
// only records it.
//
// # What a payment earns
//
// Settle brings the commission on a payment to where the payment, as it is known
// now, wants it: it is earned, reversed in part, restored, held or released. The
// amount is always that of referral.Rule.Commission, so that no order of refunds
// and disputes leaves another amount.
//
// # Withdrawals
//
// There is one at a time. It is requested, approved by one or two people, sent,
// and then paid or failed; when that is not known, it is uncertain, and never sent
// again. What fails, is rejected or is stopped gives the amount back by no longer
// counting; money that was paid and came back is returned, once.
package referrer
