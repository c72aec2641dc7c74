package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/projections"
)

// watchEvery is how often a watched status is shown.
const watchEvery = 2 * time.Second

func statusOfProjectionsCommand() *cobra.Command {
	var data string
	var watch bool
	var out printer
	command := &cobra.Command{
		Use:   "status",
		Short: "Tell how each projection does: whether it follows the log, lags, is stuck or is stopped",
		Long: `Tell how each projection does. "live" has reached the end of the log, "catching up"
advances and is behind, "stuck" does not advance and says why, and "unowned" is
projected by no process. "log went back" shows what the log no longer holds. The
lag is counted in bytes of the log and in the time that the oldest unread event may
have waited.`,
		Example: `  perfectworks projections status
  perfectworks projections status --watch
  perfectworks projections status --json | jq '.[] | select(.state != "live")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				var before readings
				for {
					now, err := readStatus(cmd.Context(), models.Engine)
					if err != nil {
						return err
					}
					if err := out.write(cmd, now.json(before), func(w io.Writer) error { return now.print(w, before) }); err != nil {
						return err
					}
					if !watch {
						return nil
					}
					before = now
					select {
					case <-cmd.Context().Done():
						return nil
					case <-time.After(watchEvery):
					}
				}
			})
		},
	}
	command.Flags().BoolVar(&watch, "watch", false, "go on, with events a second, until Ctrl-C")
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// readings are the states of all projections at a time.
type readings struct {
	at     time.Time
	status []projections.Status
	events map[int64]int64 // of each generation
}

func readStatus(ctx context.Context, engine *projections.Engine) (r readings, err error) {
	r.at, r.events = time.Now(), map[int64]int64{}
	if r.status, err = engine.Status(ctx); err != nil {
		return r, err
	}
	generations, err := engine.Generations(ctx)
	for _, g := range generations {
		r.events[g.ID] = g.Events
	}
	return r, err
}

// pace is how many events a second a generation took in since earlier readings; nil
// when there are none.
func (r readings) pace(before readings, generation int64) *float64 {
	had, ok := before.events[generation]
	if !ok {
		return nil
	}
	return new(float64(r.events[generation]-had) / r.at.Sub(before.at).Seconds())
}

type statusJSON struct {
	Projection      string            `json:"projection"`
	Version         int               `json:"version"`
	Generation      int64             `json:"generation"`
	State           projections.State `json:"state"`
	Outdated        bool              `json:"outdated"`
	Pinned          bool              `json:"pinned"`
	Position        string            `json:"position"`
	Head            string            `json:"head"`
	LagBytes        uint64            `json:"lagBytes"`
	LagSeconds      float64           `json:"lagSeconds"`
	Events          int64             `json:"events"`
	EventsPerSecond *float64          `json:"eventsPerSecond"`
	Parked          int               `json:"parked"`
	Failure         string            `json:"failure"`
	FailingSince    *time.Time        `json:"failingSince"`
}

func (r readings) json(before readings) []statusJSON {
	return each(r.status, func(s projections.Status) statusJSON {
		return statusJSON{
			Projection: s.Projection, Version: s.Version, Generation: s.Generation, State: s.State, Outdated: s.Outdated, Pinned: s.Pinned,
			Position: s.Position.String(), Head: s.Head.String(), LagBytes: s.LagBytes, LagSeconds: s.Lag.Seconds(),
			Events: r.events[s.Generation], EventsPerSecond: r.pace(before, s.Generation), Parked: s.Parked,
			Failure: s.Failure, FailingSince: present(s.FailingSince.UTC()),
		}
	})
}

func (r readings) print(w io.Writer, before readings) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "projection\tversion\tgeneration\tstate\tlag\tbytes behind\tevents\tevents/s\tparked\twhy it does not advance")
	for _, s := range r.status {
		version, pace := fmt.Sprint(s.Version), "–"
		if s.Outdated {
			version += " (old)"
		}
		if p := r.pace(before, s.Generation); p != nil {
			pace = fmt.Sprintf("%.0f", *p)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%d\t%d\t%s\t%d\t%s\n", s.Projection, version, s.Generation, s.State,
			s.Lag.Round(time.Second), s.LagBytes, r.events[s.Generation], pace, s.Parked, printable(s.Failure))
	}
	return table.Flush()
}

func pruneProjectionsCommand() *cobra.Command {
	var data string
	var age time.Duration
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "prune",
		Short: "Delete retired generations with their tables",
		Long: `Delete all generations that were retired at least so long ago, and tables of
replays. One that is deleted cannot be gone back to.`,
		Example: `  perfectworks projections prune --older-than 24h`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if age < 0 {
				return errors.New("--older-than must not be negative")
			}
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				var dropped int
				begin := commands.BeginAct{Kind: act.PruneGenerations, Details: map[string]string{"olderThan": age.String()}}
				err := who.do(cmd, models.Acts, begin, func(ctx context.Context) (note string, err error) {
					dropped, err = models.DropRetired(ctx, age)
					return fmt.Sprintf("%d generations were deleted", dropped), err
				})
				if err != nil {
					return err
				}
				return out.write(cmd, map[string]int{"dropped": dropped}, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "%d generations are deleted\n", dropped)
					return err
				})
			})
		},
	}
	command.Flags().DurationVar(&age, "older-than", 0, "keep what was retired later, such as 24h")
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}
