package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"
)

// maxListed is the most that a command lists at once.
const maxListed = 10_000

// limit is a flag that says how many items are listed at most.
type limit struct{ n *int }

func (l limit) String() string {
	if l.n == nil {
		return "" // As pflag asks of the zero value.
	}
	return strconv.Itoa(*l.n)
}

func (l limit) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxListed {
		return errors.New("a limit is a number from 1 to " + strconv.Itoa(maxListed))
	}
	*l.n = n
	return nil
}

func (limit) Type() string { return "number" }

// limitFlag adds --limit to a command.
func limitFlag(command *cobra.Command, n *int, otherwise int) {
	*n = otherwise
	command.Flags().Var(limit{n}, "limit", "how many at most")
}
