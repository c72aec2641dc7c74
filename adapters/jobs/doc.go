// Package jobs carries out work beside requests: what policies decided, and
// what is due by the clock. The queue is River's, in Postgres.
//
// A job is worked at least once. That its effect comes once rests on what the
// job does: on the id of the command that it issues, or on the idempotency key
// of the service that it calls. River's own uniqueness forgets after a day.
//
// What this package adds to River:
//
//   - Each time that a job is taken up it gets a Lease with a fence, which only
//     grows. A worker whose job another one has taken up can neither end the job
//     nor, by Lease.Confirm, write anything.
//   - A job of a process that was killed, or that hangs, is taken up again within
//     seconds.
//   - A job that has failed is kept until an operator decides about it: see
//     Client.Retry and Client.Discard.
//   - A caller can wait for the end of a job: see Client.Wait.
//   - Arguments hold ids and nothing else. A type that could hold a text is
//     refused when the program starts.
package jobs
