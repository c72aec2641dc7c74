package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
)

// operatorFlags say who uses a command, and why.
type operatorFlags struct{ as, reason string }

func (o *operatorFlags) flags(command *cobra.Command) {
	command.Flags().StringVar(&o.as, "as", "", "the system user who does this, by id or address; without it, the account of this machine is recorded")
	command.Flags().StringVar(&o.reason, "reason", "", "why, as it is recorded in the audit log")
}

// mustSay refuses a missing reason.
func (o *operatorFlags) mustSay(what string) error {
	if strings.TrimSpace(o.reason) == "" {
		return usageError{errors.New("--reason must say " + what)}
	}
	return nil
}

// do carries out what an operator wants, and records it in the event log: the
// beginning first, so that nothing is done that is not recorded.
func (o *operatorFlags) do(cmd *cobra.Command, acts *app.Acts, what commands.BeginAct, work func(context.Context) (note string, err error)) error {
	who := app.Operator{As: o.as, Account: account(), Reason: strings.TrimSpace(o.reason)}
	return acts.Do(cmd.Context(), who, what, work)
}

// account names the account of the machine, as well as that knows.
func account() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}
