//go:build race

package eventstore_test

// raceDetector makes everything some ten times as slow.
const raceDetector = true
