// Package stripe is the payment provider: it opens checkout sessions, fetches
// what became of them, returns money, and checks webhooks. It uses stripe-go.
//
// # Webhooks are triggers
//
// A webhook says only that something may have changed. Of its body this package
// reads the id and type of the event, whether it is live, and which object it is
// about; everything that the product decides on is fetched from the API. So it
// does not matter in which order webhooks come, how often, or in which version
// their objects are.
//
// # API versions
//
// stripe-go v76 sends each call with version 2023-10-16, so that the objects
// that are fetched have the shapes it knows. Events have the version of the
// webhook endpoint, or of the account. The library's ConstructEvent refuses
// those of another version than its own, because it decodes the object of the
// event. This package does not decode it: [Webhooks.Check] verifies the
// signature with the library, and reads the few members that are the same in all
// versions. So an endpoint of any version works, and an upgrade of the account
// stops no payments.
//
// # Idempotency
//
// The idempotency key of a call derives from what is done, not from the call:
// from the payment for its session, from the request for a refund. A job that is
// worked again, or by two workers at once, opens one session and makes one
// refund. Stripe forgets keys after a day or more; a refund is therefore looked
// for by its metadata before it is made.
//
// # What has not been run against Stripe
//
// Nothing in this repository has ever talked to Stripe itself. The calls are
// tested against package sandbox, which is ours, and the shapes of their
// parameters against stripe-mock, which checks them by Stripe's own OpenAPI
// specification but keeps no state. Not seen, therefore: Stripe's real pages and
// payment methods; the order and timing of its events; automatic tax, which
// needs an origin address and registrations in the account; how disputes book
// their funds in each country; rate limits; and events of other API versions as
// Stripe really sends them. Try a new account in test mode before you go live:
// pay, refund and dispute with Stripe's test cards, and compare with
// `perfectworks payments reconcile --dry-run`.
package stripe
