package app

import (
	"fmt"
	"os"
	"testing"
)

// TestMain lets the test binary be a worker that dies.
func TestMain(m *testing.M) {
	if where := os.Getenv(workerProcess); where != "" {
		if err := workAndDie(where); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// What other engines find depends on the machine.
	if err := os.Setenv("DOCUMENTS_ENGINES", "embedded"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
