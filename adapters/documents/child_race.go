//go:build race

package documents

// detector has a child process that was built with the race detector, as in
// tests, not sleep for a second before it exits.
var detector = []string{"GORACE=atexit_sleep_ms=0"}
