// Package faults proves the promises of the program under faults.
//
// Its tests run the built program, as processes of its own, under a load of
// writes, and inject faults: processes are killed and frozen, Postgres is stopped,
// frozen, replaced by its replica and restored from a backup, the connection to
// the event store is cut and delayed, the disk fills up, clocks jump. After each
// fault the load pauses, and the tests check that every acknowledged write is
// there, that nothing is there twice, that all read models are those of a rebuild,
// that each job had its effect once, that the token ledgers add up, and that no
// goroutine is left over.
//
// make faults runs all of it; make test runs a short form. These variables change
// a run:
//
//	FAULTS=full     all faults, and more rounds of each
//	FAULTS_KILLS=n  so many rounds of kill -9
//	FAULTS_ONLY=x   of the faults of TestFaults only those with x in their name
//	FAULTS_SEED=n   the random choices of an earlier run, which printed its seed
//
// The same seed gives the same faults in the same order at the same points of the
// load; what the processes do meanwhile is never quite the same.
package faults
