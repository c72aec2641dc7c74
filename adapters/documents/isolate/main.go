package isolate

import (
	"errors"
	"os"
)

// childMark is in the environment of each process that [Child] prepared.
const childMark = "PERFECTWORKS_DOCUMENTS_CHILD"

// ErrChild says that a child process would start another one.
var ErrChild = errors.New("a child process starts no others")

func init() { Main(ExecCommand, Exec) } //nolint:gochecknoinits // see Main

// Main runs main with the arguments after the first, and ends the process with its result, if [Child] prepared the process
// and command is its first argument. Packages call it when they are initialised: any program that links them is then able
// to be its own child process. One that had to know their commands, and did not, would run itself again and again.
func Main(command string, main func(args []string) int) {
	if os.Getenv(childMark) != "" && len(os.Args) > 1 && os.Args[1] == command {
		os.Exit(main(os.Args[2:]))
	}
}
