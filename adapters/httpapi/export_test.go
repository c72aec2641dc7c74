package httpapi

import "time"

// Streams are checked once a second; in tests they beat as often.
func init() { heartbeat = time.Second / 2 }

// Counted is how often the odd redirect was counted.
func Counted() int64 { return counted.Load() }
