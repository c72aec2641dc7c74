package commands_test

import (
	"testing"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
)

// onEachStore runs a test on the model, on one whose caches lag, and on the real
// store, so that the model cannot promise what the store does not keep.
func onEachStore(t *testing.T, test func(*world)) {
	t.Helper()
	t.Run("model", func(t *testing.T) {
		t.Parallel()
		test(newWorld(t, newModel()))
	})
	t.Run("behind", func(t *testing.T) {
		t.Parallel()
		test(newWorld(t, behind{newModel()}))
	})
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		test(newWorld(t, eventstoretest.New(t).Streams))
	})
}
