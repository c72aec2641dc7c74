package eventlog

// AdvisoryLock is for tests that take the lock away.
const AdvisoryLock = advisoryLock
