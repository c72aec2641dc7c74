package main

import (
	"os"

	"golang.org/x/term"
)

// isTerminal tells whether a person reads or writes here.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
