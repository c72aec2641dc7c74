package eventlog

// AdvisoryLock is for tests that take the lock away.
const AdvisoryLock = advisoryLock

// NotifiesOthers says whether the log believes that others listen.
func (l *Log) NotifiesOthers() bool { return l.notifier.others.Load() }
