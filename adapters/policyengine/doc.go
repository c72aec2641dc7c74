// Package policyengine runs policies: it follows the log and puts a job into the
// queue for each event that a policy reacts to. The job, worked by whichever
// process is a worker, carries out the reaction.
//
// A policy's position moves in the transaction that inserts the jobs, which is
// on disk when it returns. One process at a time does this for all policies;
// when it ends or hangs, another takes over within seconds. Policies that are at
// the same position share a subscription, and one that is behind, for it was
// started in the past, has its own until it has caught up, so that it holds up
// no other.
//
// Nothing here depends on read models, and nothing that happens to those makes a
// policy run.
package policyengine
