// Package sandbox is a small Stripe in the process: enough of its API, its
// webhooks and its checkout page to develop and test one-time payments without
// an account and without a network. It imports nothing of this product, so that
// others can use it as it is.
//
// A program talks to it through its usual client library, whose base URL is set
// to the sandbox; for stripe-go that is stripe.BackendConfig.URL.
//
//	s, err := sandbox.Open(sandbox.Options{
//		SecretKey:  "sk_test_sandbox",
//		PageURL:    "http://127.0.0.1:8082",
//		WebhookURL: "http://127.0.0.1:8080/webhooks", WebhookSecrets: []string{"whsec_sandbox"},
//	})
//	go s.Run(ctx)                // delivers webhooks, expires sessions
//	http.Serve(listener, s)      // API and pages
//
// # What there is
//
// The shapes are those of API version 2023-10-16. Products, prices, checkout
// sessions in payment mode, payment intents, charges, refunds, disputes,
// invoices and events can be retrieved and listed, with expand, cursors and
// filters by creation time; products, prices, sessions and refunds can be
// created. Idempotency keys work: the same key with other parameters is
// refused. Parameters that the sandbox does not know are refused as well, which
// finds mistakes in a program's calls.
//
// What a payer, a bank or Stripe's staff would do is done by methods, such as
// [Sandbox.Pay] and [Sandbox.OpenDispute], or in the browser: the page of a
// session pays, declines or pays later, the page of a payment refunds and
// disputes. The pages need no JavaScript.
//
// Each change makes the events that Stripe makes for it. They are listed, and
// sent to the webhook URL with a signature for each secret; a delivery that is
// not answered with a status of 2xx is repeated, later each time. [Chaos] makes
// delivery as bad as it can be: events come twice, in another order, late, or
// not at all.
//
// # What there is not
//
// Subscriptions, customers, payment methods, Connect, payouts, and everything
// else that is not named above. Tax is a flat rate when automatic tax is
// asked for. Fees are not computed.
//
// Everything is in memory. With [Options.File] changes are also appended to a
// file, from which the next Open continues; a program that is killed loses
// nothing that was answered.
package sandbox
