package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/projections"
)

const (
	// watchEvery is how often a watched status is shown.
	watchEvery = 2 * time.Second
	// lookAgain is how long a status looks at the pace.
	lookAgain = time.Second
)

func statusOfProjectionsCommand() *cobra.Command {
	var data string
	var watch bool
	var out printer
	command := &cobra.Command{
		Use:   "status",
		Short: "Tell how each projection does: whether it follows the log, lags, is stuck or is stopped",
		Long: `Tell how each projection does, and how far rebuilds are. "live" has reached the end of
the log, "catching up" takes in events and is behind, "stuck" takes in none and says why,
and "stopped" is projected by no process. "log went back" shows what the log no longer
holds. This is judged by the events that were taken in, for which the command looks twice
within a second. The lag is how many events are unread, and for how long the oldest of
them has waited; a number with ~ is estimated. The owner is the process that projects.`,
		Example: `  perfectworks projections status
  perfectworks projections status --watch
  perfectworks projections status --json | jq '.projections[] | select(.state != "live")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				if _, err := models.Inspect(cmd.Context()); err != nil {
					return err
				}
				for wait := lookAgain; ; wait = watchEvery {
					select {
					case <-cmd.Context().Done():
						return nil
					case <-time.After(wait):
					}
					now, err := readStatus(cmd.Context(), models.Engine)
					if err != nil {
						return err
					}
					if watch && !out.json {
						clearScreen(cmd.OutOrStdout())
					}
					if err := out.write(cmd, now.json(), now.print); err != nil || !watch {
						return err
					}
				}
			})
		},
	}
	command.Flags().BoolVar(&watch, "watch", false, "go on until Ctrl-C")
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// readings are the states of all projections and builds at a time.
type readings struct {
	status []projections.Status
	builds []projections.Build
}

func readStatus(ctx context.Context, engine *projections.Engine) (r readings, err error) {
	if r.status, err = engine.Inspect(ctx); err != nil {
		return r, err
	}
	r.builds, err = engine.Builds(ctx)
	return r, err
}

type (
	readingsJSON struct {
		Projections []statusJSON `json:"projections"`
		Builds      []buildJSON  `json:"builds"`
	}
	statusJSON struct {
		Projection      string            `json:"projection"`
		Version         int               `json:"version"`
		Generation      int64             `json:"generation"`
		State           projections.State `json:"state"`
		Outdated        bool              `json:"outdated"`
		Pinned          bool              `json:"pinned"`
		Owner           *ownerJSON        `json:"owner"`
		Position        string            `json:"position"`
		Head            string            `json:"head"`
		LagEvents       int64             `json:"lagEvents"`
		LagEstimated    bool              `json:"lagEstimated"`
		LagBytes        uint64            `json:"lagBytes"`
		LagSeconds      float64           `json:"lagSeconds"`
		Events          int64             `json:"events"`
		EventsPerSecond *float64          `json:"eventsPerSecond"`
		Parked          int               `json:"parked"`
		Failure         string            `json:"failure"`
		FailingSince    *time.Time        `json:"failingSince"`
	}
	ownerJSON struct {
		Process string    `json:"process"`
		Name    string    `json:"name"`
		Since   time.Time `json:"since"`
	}
	buildJSON struct {
		Projection       string            `json:"projection"`
		Version          int               `json:"version"`
		Generation       int64             `json:"generation"`
		Phase            projections.Phase `json:"phase"`
		Done             float64           `json:"done"`
		Position         string            `json:"position"`
		Head             string            `json:"head"`
		Events           int64             `json:"events"`
		EventsPerSecond  float64           `json:"eventsPerSecond"`
		RemainingSeconds float64           `json:"remainingSeconds"`
		Failure          string            `json:"failure"`
	}
)

func (r readings) json() readingsJSON {
	return readingsJSON{each(r.status, statusOf), each(r.builds, buildOf)}
}

func statusOf(s projections.Status) statusJSON {
	out := statusJSON{
		Projection: s.Projection, Version: s.Version, Generation: s.Generation, State: s.State, Outdated: s.Outdated, Pinned: s.Pinned,
		Position: s.Position.String(), Head: s.Head.String(), LagEvents: s.LagEvents, LagEstimated: s.LagEstimated,
		LagBytes: s.LagBytes, LagSeconds: s.Lag.Seconds(), Events: s.Events, Parked: s.Parked,
		Failure: s.Failure, FailingSince: present(s.FailingSince.UTC()),
	}
	if s.Owner != (projections.Owner{}) {
		out.Owner = &ownerJSON{s.Owner.Process, s.Owner.Name, s.Owner.Since}
	}
	if s.EventsPerSecond >= 0 {
		out.EventsPerSecond = &s.EventsPerSecond
	}
	return out
}

func buildOf(b projections.Build) buildJSON {
	p := b.Progress
	return buildJSON{
		Projection: p.Projection, Version: p.Version, Generation: p.Generation, Phase: p.Phase, Done: p.Done(),
		Position: p.Position.String(), Head: p.Head.String(), Events: p.Events, EventsPerSecond: p.EventsPerSecond,
		RemainingSeconds: p.Remaining.Seconds(), Failure: p.Failure,
	}
}

var projectionColours = map[projections.State]colour{
	projections.StateLive: green, projections.StateCatchingUp: yellow,
	projections.StateStuck: red, projections.StateStopped: red, projections.StateLogWentBack: red,
}

func (r readings) print(w io.Writer) error {
	table, colouring := newTable(w), paletteOf(w)
	fmt.Fprintln(table, "projection\tversion\tstate\tbehind\tlag\tevents\tevents/s\tposition\tparked\towner\twhy it does not advance")
	for _, s := range r.status {
		version, behind, pace, owner := fmt.Sprint(s.Version), fmt.Sprint(s.LagEvents), "–", "–"
		if s.Outdated {
			version += " (old)"
		}
		if s.LagEstimated {
			behind = "~" + behind
		}
		if s.EventsPerSecond >= 0 {
			pace = fmt.Sprintf("%.0f", s.EventsPerSecond)
		}
		if s.Owner.Process != "" {
			owner = printable(cmp.Or(s.Owner.Name, s.Owner.Process))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%d\t%d\t%s\t%s\n", s.Projection, version, colouring.cell(projectionColours[s.State], string(s.State)), behind,
			s.Lag.Round(100*time.Millisecond), s.Events, pace, s.Position.Commit, s.Parked, owner, printable(s.Failure))
	}
	if len(r.builds) > 0 {
		fmt.Fprintln(table, "\nbuild\tversion\tphase\tdone\tleft\tevents\tevents/s\tposition\t\t\twhy it does not advance")
	}
	for _, b := range r.builds {
		p, left := b.Progress, "–"
		if p.Remaining > 0 {
			left = p.Remaining.String()
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%.0f %%\t%s\t%d\t%.0f\t%d\t\t\t%s\n", p.Projection, p.Version, p.Phase, 100*p.Done(), left,
			p.Events, p.EventsPerSecond, p.Position.Commit, printable(p.Failure))
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
