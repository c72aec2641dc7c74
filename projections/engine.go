package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/domain/event"
)

// Observe is told of each event that a projection takes in, and gives what ends
// the observation: a span, for example. It is called often and must be quick.
type Observe func(ctx context.Context, projection string, r event.Recorded) (context.Context, func())

// Config is what an engine needs.
type Config struct {
	// Pool is the database of the read models, with the migrations of
	// migrations.App applied. Not through a pooler that shares sessions: the
	// engine holds session locks.
	Pool        *pgxpool.Pool
	Definitions []Definition
	// Process is this process's id in the table processes, if it has a heartbeat:
	// others then take over what it owns once it no longer beats.
	Process uuid.UUID

	// Shapes are the newest versions of stored shapes that Decode can read, by
	// event type; 1 for those that are missing.
	Shapes map[string]int

	Subscribe Subscribe
	Decode    Decode
	// Parts, when set, takes bundles apart, and lets subscriptions send them.
	Parts Parts
	// Recognise makes sure at each subscription that the log did not go back.
	Recognise Recognise
	// Read reads a part of the log, for RetryParked and SkipParked.
	Read Read
	// Head gives the position of the last event in the log that a subscription
	// delivers, or a later one.
	Head func(context.Context) (event.Position, error)
	// End gives the position of the last event of the whole log; Head when nil.
	End func(context.Context) (event.Position, error)

	Logger *slog.Logger
	// Registerer, when set, gets the metrics of all projections.
	Registerer prometheus.Registerer
	// Observe, when set, sees each event in each live projection.
	Observe Observe

	// Live and Rebuild say when batches end. Zero values become 500 events and
	// 5 ms for a live projection, whose readers wait for it, and 10,000 events
	// and 1 s for a rebuild. Live projections share a subscription, rebuilds only
	// passes over the log.
	Live, Rebuild SubscribeOptions
	// Drain bounds how long a commit under way may go on after the end of Run's
	// or Rebuild's context; 5 s when zero.
	Drain time.Duration
	// Watch is how often an owner makes sure of its lock and its generation, and
	// a process that stands by asks for the lock; 500 ms when zero.
	Watch time.Duration
	// Deserted is how long nobody must have worked on the tables of a newer
	// program before an older one takes its own up again; 10 s when zero.
	Deserted time.Duration
	// RebuildWhenLogWentBack has tables that show what the log no longer holds
	// rebuilt at once. Otherwise, and when it is another log that is not to be
	// adopted, they are served, never as fresh, until an operator calls Rebuild.
	RebuildWhenLogWentBack, AdoptAnotherLog bool
	// StuckAfter is how long a projection may fail before it counts as stuck,
	// not just lagging, or take in no events; 5 s when zero.
	StuckAfter time.Duration

	// BeforeBuild, when set, is called before Run builds tables, while those before
	// are served: a server that starts waits there until it is ready, which it
	// needs the processors for.
	BeforeBuild func(context.Context)
	// Erased, when set, lists the subjects whose key was destroyed at or after a
	// time: Run clears their personal columns in all generations.
	Erased func(ctx context.Context, since time.Time) ([]Erasure, error)
	// KeepRetired is how long Run keeps generations that were replaced; a week
	// when zero.
	KeepRetired time.Duration
	// Ended, when set, is told how an order ended that a server carried out: by the id
	// of the operator's act, and why it failed, or empty if it did not. It may be told
	// again.
	Ended func(ctx context.Context, act, failure string) error
}

// Engine runs projections. Its methods are safe for concurrent use.
type Engine struct {
	config      Config
	definitions map[string]Definition
	trackers    map[string]*tracker
	metrics     *collector

	pollTurn  chan struct{} // held by the one who polls
	polled    time.Time     // of the turn's holder
	probeTurn chan struct{} // held by the one who looks up the ends of the log
	ends      ends          // of the turn's holder
	head      headCache
	unhurried *pace
	asOf      asOf

	sampling sync.Mutex
	samples  []sample // the oldest first

	erasures chan struct{} // says that there may be some
}

// New checks the definitions. Nothing runs and the database is not asked before
// Run or Rebuild.
func New(config Config) (*Engine, error) {
	config = config.withDefaults()
	config.Definitions = slices.Clone(config.Definitions)
	e := &Engine{
		config: config, definitions: map[string]Definition{}, trackers: map[string]*tracker{},
		pollTurn: make(chan struct{}, 1), probeTurn: make(chan struct{}, 1), erasures: make(chan struct{}, 1),
		unhurried: newUnhurried(),
	}
	e.metrics = newCollector(e)
	for i, d := range config.Definitions {
		d = d.reading(config.Shapes)
		config.Definitions[i] = d
		if err := d.validate(); err != nil {
			return nil, err
		}
		if _, taken := e.definitions[d.Name]; taken {
			return nil, fmt.Errorf("projection %s: the name is taken twice", d.Name)
		}
		e.definitions[d.Name] = d
		e.trackers[d.Name] = e.metrics.tracker(d.Name)
	}
	return e, e.metrics.register(config.Registerer)
}

func (c Config) withDefaults() Config {
	setDefault(&c.Live.MaxEvents, 500)
	setDefault(&c.Live.MaxDelay, 5*time.Millisecond)
	setDefault(&c.Rebuild.MaxEvents, 10_000)
	setDefault(&c.Rebuild.MaxDelay, time.Second)
	c.Live.Shared, c.Rebuild.Shared = true, false
	c.Live.Passes, c.Rebuild.Passes = true, true
	if c.Parts == nil {
		c.Parts = func(*message.Message) []*message.Message { return nil }
		c.Live.Bundle, c.Rebuild.Bundle = 1, 1
	}
	setDefault(&c.Live.Bundle, 256)
	setDefault(&c.Rebuild.Bundle, 256)
	setDefault(&c.Drain, 5*time.Second)
	setDefault(&c.Watch, 500*time.Millisecond)
	setDefault(&c.Deserted, 10*time.Second)
	setDefault(&c.StuckAfter, 5*time.Second)
	setDefault(&c.KeepRetired, 7*24*time.Hour)
	if c.Recognise == nil {
		c.Recognise = func(_ context.Context, mark event.Mark) (event.Mark, error) { return mark, nil }
	}
	if c.End == nil {
		c.End = c.Head
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(ctx context.Context, _ string, _ event.Recorded) (context.Context, func()) { return ctx, func() {} }
	}
	return c
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Run keeps all projections going until ctx ends, and returns ctx's error when
// all have stopped. A projection that fails is tried again and again; see
// Status. Run returns an error of its own only for a definition of which
// Postgres makes no tables.
func (e *Engine) Run(ctx context.Context) error {
	for _, d := range e.definitions {
		if _, err := ensureLive(ctx, e.config.Pool, d); err != nil && !transient(err) {
			return err
		}
	}
	shared := newLocks(e.config.Pool, e.config.Process)
	defer shared.close(ctx)
	var running sync.WaitGroup
	for _, d := range e.definitions {
		r := &runner{engine: e, definition: d, tracker: e.trackers[d.Name], locks: shared, log: e.config.Logger}
		running.Go(func() { r.run(ctx) })
	}
	running.Go(func() { e.watchHead(ctx) })
	running.Go(func() { e.eraseOnAndOn(ctx) })
	running.Go(func() { e.dropRetiredOnAndOn(ctx) })
	running.Wait()
	return context.Cause(ctx)
}

// definition returns that of a projection. The error wraps ErrUnknownProjection.
func (e *Engine) definition(projection string) (Definition, error) {
	d, ok := e.definitions[projection]
	if !ok {
		return d, fmt.Errorf("%w: %s", ErrUnknownProjection, projection)
	}
	return d, nil
}

// operatorPatience is how long an operator's command waits for the build lock: a
// program may hold it for a moment, to see that there is nothing to build.
const operatorPatience = time.Second

// lockBeat is how often a lock is asked for.
const lockBeat = 50 * time.Millisecond

// building runs work under a projection's build lock, for which it waits no longer
// than patience.
func (e *Engine) building(ctx context.Context, projection string, patience time.Duration, work func() error) error {
	return e.buildingAll(ctx, []string{projection}, patience, work)
}

// buildingAll is building for several projections.
func (e *Engine) buildingAll(ctx context.Context, projections []string, patience time.Duration, work func() error) error {
	own := newLocks(e.config.Pool, e.config.Process)
	defer own.close(ctx)
	began := time.Now()
	for _, projection := range projections {
		lock, err := own.try(ctx, lockKey(buildLock, projection))
		for err == nil && lock == nil && time.Since(began) < patience {
			if err = sleep(ctx, lockBeat); err == nil {
				lock, err = own.try(ctx, lockKey(buildLock, projection))
			}
		}
		switch {
		case err != nil:
			return err
		case lock == nil:
			return fmt.Errorf("projection %s: %w", projection, ErrBuilding)
		}
		defer lock.release(ctx) // The server may notice the connection's end only later.
	}
	return work()
}

// ErrBuilding says that a generation of the projection is being built already,
// perhaps by another process.
var ErrBuilding = errors.New("a generation is being built already")
