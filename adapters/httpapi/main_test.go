package httpapi_test

import (
	"os"
	"testing"
)

// TestMain leaves out other engines for documents: what they find depends on the
// machine.
func TestMain(m *testing.M) {
	if err := os.Setenv("DOCUMENTS_ENGINES", "embedded"); err != nil {
		panic(err)
	}
	if len(os.Args) == 3 && os.Args[1] == workerCommand {
		os.Exit(workAsTold(os.Args[2]))
	}
	os.Exit(m.Run())
}
