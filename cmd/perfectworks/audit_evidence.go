package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/evidence"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
)

type (
	checkpointJSON struct {
		Origin   string        `json:"origin"`
		Size     uint64        `json:"size"`
		Root     evidence.Hash `json:"root"`
		Position string        `json:"position"`
		TakenAt  time.Time     `json:"takenAt"`
		Note     string        `json:"note"`
	}
	verifiedJSON struct {
		Proven      bool           `json:"proven"`
		Events      uint64         `json:"events"`
		Checkpoint  checkpointJSON `json:"checkpoint"`
		Difference  *leafJSON      `json:"difference"`
		Checkpoints []verdictJSON  `json:"checkpoints"`
		Store       []string       `json:"store"`
	}
	leafJSON struct {
		Kind     evidence.Kind `json:"kind"`
		Position string        `json:"position"`
		UpTo     *string       `json:"upTo"`
		Leaf     uint64        `json:"leaf"`
		Found    string        `json:"found"`
		Says     string        `json:"says"`
	}
	verdictJSON struct {
		Size   uint64 `json:"size"`
		Source string `json:"source"`
		Fits   bool   `json:"fits"`
	}
)

func checkpointOf(c evidence.Checkpoint) checkpointJSON {
	return checkpointJSON{Origin: c.Origin, Size: c.Size, Root: c.Root, Position: c.Position.String(), TakenAt: c.Time.UTC(), Note: c.Note}
}

func printCheckpoint(w io.Writer, c evidence.Checkpoint) error {
	table := newTable(w)
	root, _ := c.Root.MarshalText() // It never fails.
	fmt.Fprintf(table, "log\t%s\nevents\t%d, up to %s\nroot\t%s\ntaken\t%s\n", printable(c.Origin), c.Size, c.Position, root, c.Time.UTC().Format(time.RFC3339))
	return table.Flush()
}

func checkpointCommand() *cobra.Command {
	var data string
	var onlyNote, newTree bool
	var out printer
	var who operatorFlags
	command := &cobra.Command{
		Use:   "checkpoint",
		Short: "Take a signed checkpoint of the event log now",
		Long: `Take a checkpoint of the event log now: a signed statement of all events that it
holds. Servers take one every ten minutes (PERFECTWORKS_CHECKPOINT_EVERY) and store
them in PERFECTWORKS_EVIDENCE_URL. Keep the text of one where nobody who can write to
the database or to the store can change it: perfectworks audit verify --checkpoint
then proves by it that nothing before it was changed, whatever was done since.

When the log, or the store, no longer fits the newest checkpoint, none is taken any
more: perfectworks audit verify says what is wrong. If the reason is known, such as the
restore of a backup, --new-tree begins a new tree over the log as it is. The one before
stays, and is verified with --tree.`,
		Example: `  perfectworks audit checkpoint
  perfectworks audit checkpoint --note >2026-03-01.checkpoint
  perfectworks audit checkpoint --new-tree --reason 'backup of last night restored: ticket 4711'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if onlyNote && out.json {
				return usageError{errors.New("--note and --json exclude each other")}
			}
			begin := commands.BeginAct{Kind: act.TakeCheckpoint}
			if newTree {
				begin.Kind = act.BeginTree
				if err := who.mustSay("why the log is not what it was"); err != nil {
					return err
				}
			}
			return withAudit(cmd, data, func(a *app.Audit) error {
				return a.WithLedger(cmd.Context(), nil, func(l *evidence.Ledger) error {
					var c evidence.Checkpoint
					err := who.do(cmd, a.Acts, begin, func(ctx context.Context) (note string, err error) {
						if newTree {
							c, _, err = l.BeginAgain(ctx)
						} else {
							c, _, err = l.Take(ctx)
						}
						return fmt.Sprintf("%s: %d events up to %s", c.Origin, c.Size, c.Position), err
					})
					if err != nil {
						return err
					}
					return out.write(cmd, checkpointOf(c), func(w io.Writer) error {
						if onlyNote {
							_, err := io.WriteString(w, c.Note)
							return err
						}
						return printCheckpoint(w, c)
					})
				})
			})
		},
	}
	command.Flags().BoolVar(&onlyNote, "note", false, "print the signed text alone, to be kept elsewhere")
	command.Flags().BoolVar(&newTree, "new-tree", false, "begin a new tree, because the log lost events for a known reason")
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func verifyLogCommand() *cobra.Command {
	var data, keyFile string
	var files []string
	var o evidence.VerifyOptions
	var out printer
	command := &cobra.Command{
		Use:   "verify",
		Short: "Prove that the event log was not changed before its newest checkpoint",
		Long: `Read the event log and prove, by signed checkpoints, that no event before them was
changed, dropped, added or put into another order. The first position that is not as
it was is printed, and what was done to it, and the command fails. Nothing is trusted
but the keys: neither the database nor the store of checkpoints. With --checkpoint,
the log must fit a checkpoint that was kept elsewhere, too; with --all, each one that
is stored. --key names a file of public keys, for those who do not have the private
one. An erasure changes no event, so the proof is still valid after it.`,
		Example: `  perfectworks audit verify
  perfectworks audit verify --checkpoint 2026-03-01.checkpoint --key public.keys`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := publicKeys(keyFile)
			if err != nil {
				return err
			}
			var r evidence.Report
			err = withAudit(cmd, data, func(a *app.Audit) error {
				return a.WithLedger(cmd.Context(), keys, func(l *evidence.Ledger) (err error) {
					if o.Checkpoints, err = readCheckpoints(files, l.Keys); err != nil {
						return err
					}
					bar := newCountBar(cmd.ErrOrStderr(), "events")
					o.Progress = bar.show
					r, err = l.Verify(cmd.Context(), o)
					bar.finish()
					if err != nil {
						return err
					}
					return out.write(cmd, verifiedOf(r), func(w io.Writer) error { return printVerifiedLog(w, r) })
				})
			})
			switch {
			case err != nil:
				return err
			case r.Difference != nil:
				return fmt.Errorf("the event log is not what it was: %s", printable(r.Difference.String()))
			case !r.Proven:
				return errors.New("the event log does not fit all checkpoints")
			case len(r.Store) > 0:
				return errors.New("the event log is what it was, but the store of checkpoints is not")
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&files, "checkpoint", nil, "a file with a checkpoint that was kept elsewhere; may be repeated")
	flags.StringVar(&keyFile, "key", "", "a file of public keys; by default those of PERFECTWORKS_CHECKPOINT_KEY")
	flags.BoolVar(&o.All, "all", false, "verify by every checkpoint that is stored")
	flags.IntVar(&o.Tree, "tree", 0, "the number of the tree, if the log has begun again; the newest if absent")
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// maxSmallFile bounds files of keys and checkpoints, in bytes.
const maxSmallFile = 1 << 20

// readSmall reads a file that must not be large.
func readSmall(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err = errors.Join(err, file.Close()); err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return text, err
}

// publicKeys reads a file of keys; nil without one.
func publicKeys(path string) (*evidence.Keys, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readSmall(path, maxSmallFile)
	if err != nil {
		return nil, err
	}
	return evidence.ReadPublicKeys(text)
}

func readCheckpoints(files []string, keys *evidence.Keys) (all []evidence.Checkpoint, err error) {
	for _, path := range files {
		text, err := readSmall(path, maxSmallFile)
		if err != nil {
			return nil, err
		}
		c, err := evidence.OpenCheckpoint(text, keys)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func verifiedOf(r evidence.Report) verifiedJSON {
	v := verifiedJSON{
		Proven: r.Proven, Events: r.Events, Checkpoint: checkpointOf(r.Checkpoint), Store: r.Store,
		Checkpoints: each(r.Checkpoints, func(c evidence.Verdict) verdictJSON { return verdictJSON(c) }),
	}
	if d := r.Difference; d != nil {
		v.Difference = &leafJSON{Kind: d.Kind, Position: d.Position.String(), Leaf: d.Leaf, Found: d.Found, Says: d.String()}
		if d.UpTo != nil {
			v.Difference.UpTo = new(d.UpTo.String())
		}
	}
	return v
}

func printVerifiedLog(w io.Writer, r evidence.Report) error {
	colouring := paletteOf(w)
	if r.Proven {
		fmt.Fprintf(w, colouring.paint(green, "proven")+": %d events up to %s are as they were on %s\n", r.Checkpoint.Size, r.Checkpoint.Position, r.Checkpoint.Time.UTC().Format(time.RFC3339))
	} else {
		fmt.Fprintf(w, colouring.paint(red, "not proven")+": %d events were read, and %d were there on %s\n", r.Events, r.Checkpoint.Size, r.Checkpoint.Time.UTC().Format(time.RFC3339))
	}
	for _, s := range r.Store {
		fmt.Fprintf(w, "store: %s\n", colouring.paint(red, printable(s)))
	}
	table := newTable(w)
	fmt.Fprintln(table, "checkpoint of\tfrom\tthe log fits it")
	for _, c := range r.Checkpoints {
		fits := colouring.cell(red, "no")
		if c.Fits {
			fits = colouring.cell(green, "yes")
		}
		fmt.Fprintf(table, "%d events\t%s\t%s\n", c.Size, c.Source, fits)
	}
	return table.Flush()
}

func proveCommand() *cobra.Command {
	var data, output string
	command := &cobra.Command{
		Use:   "prove EVENT",
		Short: "Write a proof that an event is in the log, to be checked offline",
		Long: `Write a proof that an event was in the log when the newest checkpoint was taken. It
holds the event as it is stored, in which data about people is encrypted, and is
checked by perfectworks audit check-proof, without a server. The event is named as
STREAM@REVISION, which is read at once, or by its id, for which the whole log is read.`,
		Example: `  perfectworks audit prove organization-org_01jd9z3q5we8x9v6m2k4t7r1b9@3 -o event.proof
  perfectworks audit keys >public.keys
  perfectworks audit check-proof event.proof --key public.keys`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAudit(cmd, data, func(a *app.Audit) error {
				e, err := a.Stored(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.WithLedger(cmd.Context(), nil, func(l *evidence.Ledger) error {
					p, err := l.Prove(cmd.Context(), e)
					if err != nil {
						return err
					}
					text, err := indentedJSON(p)
					if err != nil {
						return err
					}
					text = append(text, '\n')
					if output == "" {
						_, err = cmd.OutOrStdout().Write(text)
						return err
					}
					return os.WriteFile(output, text, 0o600)
				})
			})
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "", "the file to write; standard output if absent")
	dataFlag(command, &data)
	return command
}

type provenJSON struct {
	Checkpoint checkpointJSON  `json:"checkpoint"`
	Position   string          `json:"position"`
	Stream     string          `json:"stream"`
	Revision   int64           `json:"revision"`
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Time       time.Time       `json:"time"`
	Data       json.RawMessage `json:"data"`
	Metadata   json.RawMessage `json:"metadata"`
}

func checkProofCommand() *cobra.Command {
	var keyFile string
	var out printer
	command := &cobra.Command{
		Use:   "check-proof FILE",
		Short: "Check offline that an event was in the log",
		Long: `Check a proof that perfectworks audit prove has written. It needs the proof and the
public keys of the operator, which must have come to you in a way that you trust: no
server, and no data folder. The event is printed as it is stored. "-" reads from
standard input.`,
		Example: `  perfectworks audit check-proof event.proof --key public.keys`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := publicKeys(keyFile)
			if err != nil {
				return err
			}
			text, err := proofText(cmd, args[0])
			if err != nil {
				return err
			}
			p, c, err := evidence.CheckProof(text, keys)
			if err != nil {
				return err
			}
			shown := provenJSON{
				Checkpoint: checkpointOf(c), Position: p.Event.Position, Stream: p.Event.Stream, Revision: p.Event.Revision,
				ID: p.Event.ID.String(), Type: p.Event.Type, Time: p.Event.Time.UTC(), Data: jsonOf(p.Event.Data), Metadata: jsonOf(p.Event.Metadata),
			}
			return out.write(cmd, shown, func(w io.Writer) error { return printProven(w, shown) })
		},
	}
	command.Flags().StringVar(&keyFile, "key", "", "a file of the operator's public keys (required)")
	_ = command.MarkFlagRequired("key") // The flag exists.
	out.flag(command)
	return command
}

func proofText(cmd *cobra.Command, path string) ([]byte, error) {
	if path != "-" {
		return readSmall(path, evidence.MaxProof)
	}
	text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), evidence.MaxProof+1))
	if err == nil && len(text) > evidence.MaxProof {
		err = fmt.Errorf("standard input is larger than %d bytes", evidence.MaxProof)
	}
	return text, err
}

// jsonOf is a stored document, or a text that holds it when it is not JSON.
func jsonOf(stored []byte) json.RawMessage {
	if json.Valid(stored) {
		return stored
	}
	text, _ := json.Marshal(string(stored)) // A text always has a form.
	return text
}

func printProven(w io.Writer, p provenJSON) error {
	fmt.Fprintf(w, paletteOf(w).paint(green, "proven")+": this event was in the log on %s\n", p.Checkpoint.TakenAt.Format(time.RFC3339))
	table := newTable(w)
	fmt.Fprintf(table, "log\t%s, %d events\n", printable(p.Checkpoint.Origin), p.Checkpoint.Size)
	fmt.Fprintf(table, "event\t%s, %s\n", printable(p.Type), p.ID)
	fmt.Fprintf(table, "place\t%s@%d, %s\n", printable(p.Stream), p.Revision, printable(p.Position))
	fmt.Fprintf(table, "time\t%s\n", p.Time.Format(time.RFC3339Nano))
	fmt.Fprintf(table, "data\t%s\n", printable(string(p.Data)))
	fmt.Fprintf(table, "metadata\t%s\n", printable(string(p.Metadata)))
	return table.Flush()
}

func checkpointKeysCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "keys",
		Short: "Print the public keys that checkpoints and proofs are verified with",
		Long: `Print the public keys that checkpoints and proofs are verified with: that of the key
that signs now first, then those that were rotated out. They are no secret; whoever
verifies must get them in a way that cannot be tampered with.`,
		Example: `  perfectworks audit keys >public.keys`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			keys, err := app.CheckpointKeys(settings)
			if err != nil {
				return folderError(cmd, err)
			}
			return out.write(cmd, map[string][]string{"keys": keys.Public()}, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, strings.Join(keys.Public(), "\n"))
				return err
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func newCheckpointKeyCommand() *cobra.Command {
	var name string
	command := &cobra.Command{
		Use:   "new-key",
		Short: "Print a new private key for PERFECTWORKS_CHECKPOINT_KEY",
		Long: `Print a new private key for PERFECTWORKS_CHECKPOINT_KEY. To rotate, put it before the
keys in the file: the first one signs, and checkpoints that the others have signed stay
valid. What is no longer needed of an old key is its private half: its line can be
replaced by its public key.`,
		Example: `  perfectworks audit new-key --name example.com/2027 >checkpoint.key`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := evidence.NewKey(name)
			if err != nil {
				return usageError{fmt.Errorf("--name: %w", err)}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), key)
			return err
		},
	}
	command.Flags().StringVar(&name, "name", evidence.DefaultKeyName, "what the signatures show, such as example.com/2027")
	return command
}
