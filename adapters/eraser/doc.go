// Package eraser destroys the personal data of people and organizations outside
// the event log, and keeps the journal of erasures.
//
// The journal lies outside the database, because the database is what may be
// restored from a backup, and with it the keys that were destroyed since. Each
// start destroys again what the journal names; without the journal there is no
// start.
package eraser
