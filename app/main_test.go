package app

import (
	"fmt"
	"os"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// TestMain lets the test binary be the child processes that work on documents, too:
// otherwise each of them would run all the tests again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case documents.WorkerCommand:
			os.Exit(documents.Worker(os.Args[2:], os.Stdin, os.Stdout))
		case isolate.ExecCommand:
			os.Exit(isolate.Exec(os.Args[2:]))
		}
	}
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
