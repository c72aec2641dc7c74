package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
)

func keysCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "keys",
		Short: "Rotate the key that wraps the encryption keys",
		Args:  knownCommand,
		RunE:  showHelp,
	}
	command.AddCommand(rotateKeysCommand())
	return command
}

func rotateKeysCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "rotate --reason TEXT",
		Short: "Create a new master key, and wrap all encryption keys by it",
		Long: `Create a new master key, which the key management service wraps, and wrap all
encryption keys by it. What is encrypted stays as it is: the encryption keys do not
change. Servers may run; they learn of the new key at once. The master keys before are
kept, for backups. After an error, run it again.`,
		Example: "  perfectworks keys rotate --reason 'each year'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := who.mustSay("why the keys are rotated"); err != nil {
				return err
			}
			return withWork(cmd, data, func(w *app.Work) error {
				err := who.do(cmd, w.Acts, commands.BeginAct{Kind: act.RotateKeys}, func(ctx context.Context) (string, error) {
					return "", w.RotateKeys(ctx)
				})
				if err != nil {
					return err
				}
				return out.write(cmd, map[string]bool{"rotated": true}, func(w io.Writer) error {
					_, err := fmt.Fprintln(w, "all encryption keys are wrapped by a new master key")
					return err
				})
			})
		},
	}
	out.flag(command)
	who.flags(command)
	dataFlag(command, &data)
	return command
}
