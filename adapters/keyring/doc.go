// Package keyring keeps the data keys of subjects: of the people and
// organizations whose personal data is stored encrypted. Destroying a subject's
// key erases that data wherever it is stored, the event log and every backup of
// it included.
//
// There are three levels. The key management service that KMS_URL names wraps a
// master key; it is asked once in a process. The master key wraps each
// subject's data key, and the root secret from which hashing and sealing derive
// theirs. Wrapped keys are in Postgres; what a destroyed key's row held lives on
// in backups of Postgres until those are gone.
package keyring
