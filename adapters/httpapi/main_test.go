package httpapi_test

import (
	"os"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// TestMain lets the test binary be the child processes that work on documents. Other
// engines are left out: what they find depends on the machine.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case documents.WorkerCommand:
			os.Exit(documents.Worker(os.Args[2:], os.Stdin, os.Stdout))
		case isolate.ExecCommand:
			os.Exit(isolate.Exec(os.Args[2:]))
		}
	}
	if err := os.Setenv("DOCUMENTS_ENGINES", "embedded"); err != nil {
		panic(err)
	}
	if len(os.Args) == 3 && os.Args[1] == workerCommand {
		os.Exit(workAsTold(os.Args[2]))
	}
	os.Exit(m.Run())
}
