package policyengine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/event"
)

// Progress is how a subscriber learns and tells where it is: see
// eventstore.Progress.
type Progress interface {
	Resume(ctx context.Context) (event.Position, error)
	Commit(ctx context.Context, upTo event.Mark, live bool) error
}

// Queue takes jobs, with a transaction: see jobs.Client.
type Queue interface {
	Insert(ctx context.Context, tx pgx.Tx, jobs ...jobs.Insertion) error
}

// Config is what an engine needs.
type Config struct {
	// Pool is the database, with the migrations of migrations.App applied.
	Pool *pgxpool.Pool
	// Process names this process in the table of processes.
	Process  uuid.UUID
	Policies []policies.Policy
	// Queue takes the jobs of Kinds.
	Queue Queue
	// Subscribe makes a subscriber over the streams of this system. It sends one
	// message at a time, in the order of the log, and begins where the progress
	// says.
	Subscribe func(Progress) (message.Subscriber, error)
	// Header tells which event a message holds, without reading it.
	Header func(*message.Message) (event.Recorded, error)
	// Recognise makes sure at each subscription that the log did not go back: see
	// eventstore.Client.Recognise. Otherwise the policies stop.
	Recognise func(context.Context, event.Mark) (event.Mark, error)
	// Head gives the position of the log's end.
	Head func(context.Context) (event.Position, error)

	Logger *slog.Logger
	// Registerer, when set, gets the metrics of all policies.
	Registerer prometheus.Registerer
	// StandBy is how often a process that does not run the policies asks whether
	// it should; 1 s when zero.
	StandBy time.Duration
}

// Engine runs policies. It is safe for concurrent use.
type Engine struct {
	config   Config
	policies map[string]policies.Policy
	behind   behind
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,99}$`)

// New checks the policies. It does not ask the database.
func New(config Config) (*Engine, error) {
	if config.StandBy <= 0 {
		config.StandBy = time.Second
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Recognise == nil {
		config.Recognise = func(_ context.Context, mark event.Mark) (event.Mark, error) { return mark, nil }
	}
	e := &Engine{config: config, policies: map[string]policies.Policy{}}
	for _, p := range config.Policies {
		_, taken := e.policies[p.Name]
		switch {
		case !namePattern.MatchString(p.Name):
			return nil, fmt.Errorf("policy %q: a name is lower case letters, digits and hyphens", p.Name)
		case taken:
			return nil, fmt.Errorf("policy %s: the name is taken twice", p.Name)
		case p.EventType == "":
			return nil, fmt.Errorf("policy %s: it reacts to no event", p.Name)
		case p.Start.String() == "":
			return nil, fmt.Errorf("policy %s: where it starts is not said", p.Name)
		case p.React == nil:
			return nil, fmt.Errorf("policy %s: it does nothing", p.Name)
		}
		e.policies[p.Name] = p
	}
	if config.Registerer != nil {
		if err := config.Registerer.Register(newMetrics(e)); err != nil {
			return nil, fmt.Errorf("register the metrics of policies: %w", err)
		}
	}
	return e, nil
}

// Run runs the policies, or stands by while another process does, until ctx
// ends. It is nil then; nothing else ends it.
func (e *Engine) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := e.turn(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, errNotOwner) && !errors.Is(err, errRegroup) {
			e.config.Logger.WarnContext(ctx, "policies do not run at the moment", slog.Any("error", err))
		}
		if errors.Is(err, errRegroup) {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(e.config.StandBy):
		}
	}
	return nil
}

// errRegroup says that the policies are to be grouped anew.
var errRegroup = errors.New("policies are grouped anew")

// turn runs the policies for as long as this process owns them and the groups
// stay as they are.
func (e *Engine) turn(ctx context.Context) error {
	owner, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer e.release(context.WithoutCancel(ctx), owner)
	if err := e.Begin(ctx); err != nil {
		return err
	}
	groups, err := e.groups(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan error)
	parts := 1 + len(groups)
	go func() { ended <- e.watch(ctx, owner) }()
	for i, group := range groups {
		f := &follower{engine: e, owner: owner, group: group, joining: len(groups) > 1 && i > 0}
		go func() { ended <- f.run(ctx) }()
	}
	for range parts {
		stop(<-ended) // The first is the reason; the others follow.
	}
	return context.Cause(ctx)
}
