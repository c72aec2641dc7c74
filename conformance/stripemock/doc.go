// Package stripemock tries the calls of adapters/stripe on stripe-mock, Stripe's
// own stub server, which checks their parameters by Stripe's OpenAPI
// specification. It answers with fixtures and keeps no state, so that only the
// shapes of calls and answers are tested here; what the calls are good for is
// tested on the sandbox.
//
// It is in this module because stripe-mock is a test's dependency only.
package stripemock
