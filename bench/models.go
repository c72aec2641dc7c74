package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/readmodels"
)

// memoryBound is what a rebuild may hold, in MiB.
const memoryBound = 512

// measureModels compares rebuilding all read models, in one pass over a log of many
// kinds of events, with reading that log by the client alone; and tells what that, and
// a rebuild of twice as many keys, holds of memory.
func measureModels(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: fmt.Sprintf("rebuild of all read models from %d mixed events", p.events),
		Unit: "events/s", LimitedBy: "bare read by the client", Aim: 0.6,
	}
	memory := measurement{What: "memory of that rebuild", Unit: "MiB", Most: memoryBound}
	err := withPeople(ctx, p.events, func(databaseURL string, node *child) error {
		module, err := node.module()
		if err != nil {
			return err
		}
		c, err := compare(ctx, 2,
			func(ctx context.Context) (load, error) {
				r, err := rebuildAll(ctx, databaseURL, node, projections.Unthrottled)
				memory.Value = max(memory.Value, r.PeakMiB)
				return load{Count: r.Events, Took: r.Took}, err
			},
			func(ctx context.Context) (load, error) { return readWhole(ctx, module) })
		row = row.from(c)
		return errors.Join(err, module.Close())
	})
	if err != nil {
		return nil, err
	}
	// Ten of thirteen events issue a key.
	keys := 2 * p.events
	large := measurement{What: fmt.Sprintf("memory of a rebuild of %d distinct keys", keys), Unit: "MiB", Most: memoryBound}
	err = withPeople(ctx, keys*13/10, func(databaseURL string, node *child) error {
		r, err := rebuildAll(ctx, databaseURL, node, projections.Unthrottled)
		large.Value = r.PeakMiB
		return err
	})
	return []measurement{row, memory, large}, err
}

// withPeople runs a benchmark on a log of so many events, with all read models empty.
func withPeople(ctx context.Context, events int, run func(databaseURL string, node *child) error) (err error) {
	databaseURL, drop, err := freshDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	pool, err := postgres.Open(ctx, databaseURL, postgres.Options{MaxConns: 8})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool, migrations.App, migrations.AppTable); err != nil {
		return err
	}
	return withNode(ctx, pool, func(node *child, client *eventstore.Client) error {
		if err := fillPeople(ctx, client, events); err != nil {
			return err
		}
		return run(databaseURL, node)
	})
}

// rebuilt is what a rebuild of all read models did.
type rebuilt struct {
	Events  int
	Took    time.Duration
	PeakMiB float64
}

// rebuildAll rebuilds all read models in a process of its own.
func rebuildAll(ctx context.Context, databaseURL string, node *child, throttle int) (r rebuilt, err error) {
	config := childConfig{Kind: rebuildChild, DatabaseURL: databaseURL, Node: &node.childHello, Throttle: throttle}
	err = withChild(ctx, config, func(c *child) error { return c.ask("rebuild", &r) })
	return r, err
}

// runRebuild is a child that rebuilds all read models when it is asked, as
// perfectworks projections rebuild --all does.
func runRebuild(ctx context.Context, config childConfig) error {
	pool, err := postgres.Open(ctx, config.DatabaseURL, postgres.Options{MaxConns: 40})
	if err != nil {
		return err
	}
	defer pool.Close()
	node := child{childHello: *config.Node}
	client, err := eventstore.Open(eventstore.Options{
		Address: node.Address, RootCAs: node.roots(), Username: node.Username, Password: node.Password,
	})
	if err != nil {
		return err
	}
	defer stopWithin(ctx, func(ctx context.Context) { _ = client.Close(ctx) })
	engine, err := modelsEngine(pool, client)
	if err != nil {
		return err
	}
	return answerQuestions(childHello{}, func(string) (any, error) {
		began, events := time.Now(), 0
		err := engine.RebuildWith(ctx, nil, projections.RebuildOptions{Throttle: config.Throttle, Progress: func(p projections.BuildProgress) {
			events = max(events, int(p.Events))
		}})
		if err != nil {
			return nil, err
		}
		peak, err := memoryOf(os.Getpid(), "VmHWM:")
		return rebuilt{events, time.Since(began), peak}, err
	})
}

func modelsEngine(pool *pgxpool.Pool, client *eventstore.Client) (*projections.Engine, error) {
	codec, err := eventstore.NewCodec(eventstore.Schemas(), noKeys{})
	if err != nil {
		return nil, err
	}
	feed := eventstore.NewFeed(eventstore.FeedOptions{})
	return projections.New(projections.Config{
		Pool: pool, Definitions: readmodels.Definitions(), Head: client.HeadOf(eventstore.StreamPrefixes()),
		Shapes: eventstore.Shapes(), Parts: eventstore.Parts, Recognise: client.Recognise,
		Decode: func(ctx context.Context, m *message.Message) (event.Recorded, error) { return codec.Decode(ctx, m) },
		Subscribe: func(progress projections.Progress, options projections.SubscribeOptions) (message.Subscriber, error) {
			return eventstore.NewSubscriber(client, eventstore.SubscriberOptions{
				Progress:  func(string) eventstore.Progress { return progress },
				BatchSize: options.MaxEvents, BatchDelay: options.MaxDelay, Bundle: options.Bundle,
				Feed: feed, Apart: !options.Shared,
			}), nil
		},
		Logger: slog.New(slog.DiscardHandler),
	})
}

// memoryOf is a figure about the memory of a process, in MiB.
func memoryOf(pid int, name string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), name)
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(kib)
	return float64(n) / 1024, err
}

const (
	// writesPerSecond and readsPerSecond are what goes on during a rebuild.
	writesPerSecond = 200
	readsPerSecond  = 500
	// pacedFor is how long it is measured without one, and at most with one.
	pacedFor = 15 * time.Second
)

// measureRebuildUnderLoad tells how much slower reads and writes are while all read
// models are rebuilt at the default throttle. None of them may fail.
func measureRebuildUnderLoad(ctx context.Context, p plan) (rows []measurement, err error) {
	err = withPeople(ctx, p.events, func(databaseURL string, node *child) error {
		data, remove, err := dataFolder()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
		return withChild(ctx, childConfig{Kind: serverChild, DatabaseURL: databaseURL, Data: data}, func(server *child) error {
			c, err := newClient(ctx, "http://"+server.Address+"/api/v0", data)
			if err != nil {
				return err
			}
			if _, _, err := c.readAndWrite(ctx, time.Second); err != nil { // It gets warm.
				return err
			}
			reads, writes, err := c.readAndWrite(ctx, pacedFor)
			if err != nil {
				return err
			}
			building, stop := context.WithCancel(ctx)
			defer stop()
			var rebuild errgroup.Group
			var done rebuilt
			rebuild.Go(func() (err error) {
				defer stop()
				done, err = rebuildAll(ctx, databaseURL, node, projections.Unhurried)
				return err
			})
			var meanReads, meanWrites load
			for building.Err() == nil {
				r, w, err := c.readAndWrite(ctx, time.Second)
				if err != nil {
					return err
				}
				meanReads.add(r)
				meanWrites.add(w)
			}
			if err := rebuild.Wait(); err != nil {
				return err
			}
			for _, side := range []struct {
				what          string
				before, while load
			}{{"reads", reads, meanReads}, {"writes", writes, meanWrites}} {
				before, while := percentile(side.before.Latencies, .99), percentile(side.while.Latencies, .99)
				rows = append(rows, measurement{
					What: fmt.Sprintf("p99 of %s during a rebuild of all from %d events (%.0f s), beside before (%.1f ms)", side.what, done.Events, done.Took.Seconds(), before),
					Unit: "x", Value: while / before, Most: 2, P50: percentile(side.while.Latencies, .5), P99: while,
				})
			}
			return nil
		})
	})
	return rows, err
}

// readAndWrite reads and writes at a pace for a time. The latencies count from when
// each request was due.
func (c client) readAndWrite(ctx context.Context, lasting time.Duration) (reads, writes load, err error) {
	var group errgroup.Group
	group.Go(func() (err error) {
		reads, err = paced(ctx, readsPerSecond, lasting, func(ctx context.Context) error {
			_, err := c.do(ctx, http.MethodGet, "/organizations/current", "", c.bearer())
			return err
		})
		return err
	})
	group.Go(func() (err error) {
		writes, err = paced(ctx, writesPerSecond, lasting, func(ctx context.Context) error {
			_, err := c.issue(ctx)
			return err
		})
		return err
	})
	return reads, writes, group.Wait()
}

// paced begins operations at a pace, whether those before are done or not.
func paced(ctx context.Context, perSecond int, lasting time.Duration, operation func(context.Context) error) (load, error) {
	var mu sync.Mutex
	l := load{Took: lasting}
	var group errgroup.Group
	began := time.Now()
	for n := range int(lasting.Seconds() * float64(perSecond)) {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		if err := sleepUntil(ctx, due); err != nil {
			return l, err
		}
		group.Go(func() error {
			if err := operation(ctx); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			l.Count++
			l.Latencies = append(l.Latencies, time.Since(due))
			return nil
		})
	}
	return l, group.Wait()
}

func sleepUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
