package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/snapshots"
	"github.com/perfectworks/backend/adapters/evidence"
	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/payments"
	"github.com/perfectworks/backend/adapters/payouts"
	"github.com/perfectworks/backend/adapters/policyengine"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/readmodels"
)

// work is what changes something: the commands, the jobs that issue them beside
// requests, and the policies that decide on jobs.
type work struct {
	streams  *eventstore.Streams
	commands *commands.Commands
	jobs     *jobs.Client
	policies *policyengine.Engine
	payments *payments.Service
	// referrals are the terms that the commands work by.
	referrals commands.Referrals
	orders    *payouts.Orders
	pool      *pgxpool.Pool
	objects   *blob.Store
	files     *processing.Service
	// checkpoints show how the event log is protected.
	checkpoints *evidence.Metrics
	// rotateKeys wraps all encryption keys by a new master key.
	rotateKeys func(context.Context) error
}

// close releases what openWork has opened.
func (w *work) close() error {
	if w == nil {
		return nil
	}
	return w.objects.Close()
}

// openWork makes the parts, and runs none.
func openWork(ctx context.Context, c *core, p *provider, settings Settings, logger *slog.Logger, registry prometheus.Registerer) (_ *work, err error) {
	streams, err := eventstore.NewStreams(c.log.Client, c.codec, eventstore.DefaultCachedStates)
	if err != nil {
		return nil, err
	}
	c.keys.OnDestroy(streams.Forget)
	stored, err := snapshots.NewTable(c.db.pool)
	if err != nil {
		return nil, err
	}
	streams.KeepSnapshots(stored)
	data, err := settings.DataFolder()
	if err != nil {
		return nil, err
	}
	mailer, err := openMail(settings, data, logger)
	if err != nil {
		return nil, err
	}
	referrals, err := settings.referrals(p.publicURL)
	if err != nil {
		return nil, err
	}
	orders := payouts.New(c.db.pool, c.keys)
	referrals.Payouts = orders
	objects, err := openObjects(ctx, settings, data, c.keys, p.publicURL)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, objects.Close())
		}
	}()
	queries := readmodels.NewQueries(c.db.pool)
	working, err := c.openProcessing(settings, data, objects, logger, registry)
	if err != nil {
		return nil, err
	}
	erasing := c.openEraser(settings, objects)
	var observer commands.Observer = telemetry.NewCommands(c.tracing, logger, registry)
	if settings.watch != nil {
		observer = settings.watch(observer)
	}
	w := &work{
		rotateKeys: c.keys.Rotate,
		streams:    streams, objects: objects, referrals: referrals, orders: orders, pool: c.db.pool, files: working,
		checkpoints: evidence.NewMetrics(measured(settings.Role.worker(), registry)), commands: commands.New(commands.Deps{
			Streams:  streams,
			Turns:    postgres.NewTurns(c.db.pool),
			Observer: observer,
			Keys:     keyIndex{c.log.ours, c.engine, queries.APIKeys},
			Secrets:  keyedSecrets{c.keys}, Invitations: invitationIndex{c.log.ours, c.engine, queries.Members}, Mailer: mailer,
			Live: settings.Environment == Production,

			Memberships: erasing, Eraser: erasing, Grace: settings.UserGrace,
			Limits:   commands.Limits{APIKeys: settings.MaxAPIKeys, Organizations: settings.MaxOrganizations, Campaigns: settings.MaxCampaigns},
			Payments: p.client, Catalogue: p.catalogue, Referrals: referrals,
			Welcome: settings.welcome(), LowBalance: settings.LowBalance,
			Files: commands.Files{
				Objects: objects, Documents: working, Queue: working, MaxSize: settings.MaxFileSize, Grace: settings.FileGrace,
				Seal: func(text string) string { return c.keys.Hash("seal of an upload's key", text)[:sealLength] },
			},
		}),
	}
	w.payments = payments.New(payments.Config{
		Pool: c.db.pool, Provider: p.client, Webhooks: p.webhooks, Sealer: c.keys, Commands: w.commands,
		Payments: readmodels.NewQueries(c.db.pool).Payments, Logger: logger,
	})
	w.jobs, err = jobs.New(jobs.Config{
		Pool: c.db.pool, Process: c.heart.ID(),
		Kinds: slices.Concat(w.payments.Kinds(), working.Kinds(), policyengine.Kinds(policies.All(), policyengine.Reacting{
			Commands: w.commands, Read: streams.Recorded, Unreadable: unreadable, Seed: c.seed, Observe: c.tracing.Reacting,
		})),
		Periodic: c.periodic(w, settings, logger),
		Workers:  map[string]int{processing.Queue: processing.JobWorkers(settings.documentWorkers())},
		Logger:   logger, Registerer: measured(settings.Role.worker(), registry),
	})
	if err != nil {
		return nil, err
	}
	w.payments.UseQueue(w.jobs)
	if measuring := measured(settings.Role.worker(), registry); measuring != nil {
		if err = measuring.Register(w.payments.Collector()); err != nil {
			return nil, err
		}
	}
	working.Use(w.jobs, w.commands)
	w.policies, err = c.openPolicies(w.jobs, logger, measured(settings.Role.projector(), registry))
	return w, err
}

// measured is the registry for a part that this process runs, else nil: what is
// common to all processes is measured by those who work at it.
func measured(here bool, registry prometheus.Registerer) prometheus.Registerer {
	if here {
		return registry
	}
	return nil
}

func (c *core) openPolicies(queue policyengine.Queue, logger *slog.Logger, registry prometheus.Registerer) (*policyengine.Engine, error) {
	return policyengine.New(policyengine.Config{
		Pool: c.db.pool, Process: c.heart.ID(), Policies: policies.All(), Queue: queue,
		Subscribe: func(progress policyengine.Progress) (message.Subscriber, error) {
			return eventstore.NewSubscriber(c.log.Client, eventstore.SubscriberOptions{
				Progress: func(string) eventstore.Progress { return progress }, Feed: c.log.feed, Logger: logger,
			}), nil
		},
		Header: eventstore.Header, Head: c.log.ours, Recognise: c.log.Recognise,
		Logger: logger, Registerer: registry,
	})
}

// unreadable tells an event that this program can never read from one that it
// could not read just now.
func unreadable(err error) bool {
	var final *eventstore.DecodeError
	return errors.As(err, &final) || errors.Is(err, eventstore.ErrNoEvent)
}

// seed is the randomness of a policy's command: keyed, so that nobody can tell
// from an event's id what is made from it.
func (c *core) seed(command event.ID) commands.Seed {
	sum, err := hex.DecodeString(c.keys.Hash("seed of a policy's command", command.String()))
	if err != nil {
		panic(err) // Hash writes hexadecimal.
	}
	return commands.Seed(sum)
}

// keyIndex implements commands.KeyIndex by the read model of keys.
type keyIndex struct {
	head   func(context.Context) (event.Position, error)
	engine *projections.Engine
	keys   apikeys.Queries
}

// indexTimeout bounds how long a command waits for the read model. Its job is
// tried again later.
const indexTimeout = 30 * time.Second

// KeysOf implements commands.KeyIndex.
func (k keyIndex) KeysOf(ctx context.Context, owner id.User, organization id.Organization) ([]commands.OwnedKey, error) {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	head, err := k.head(ctx)
	if err != nil {
		return nil, err
	}
	if err := k.engine.WaitFor(ctx, apikeys.Name, head); err != nil {
		return nil, err
	}
	owned, err := k.keys.OwnedBy(ctx, owner, organization)
	if err != nil {
		return nil, err
	}
	keys := make([]commands.OwnedKey, len(owned))
	for i, key := range owned {
		keys[i] = commands.OwnedKey(key)
	}
	return keys, nil
}

// Work is what operators look after jobs and policies with.
type Work struct {
	Jobs     *jobs.Client
	Policies *policyengine.Engine
	Acts     *Acts
	// RotateKeys wraps all encryption keys by a new master key.
	RotateKeys func(context.Context) error
}

// WithWork hands jobs and policies to an operator's tool. A server may run on
// the same data at the same time; without one, the embedded parts are started
// for as long as the tool runs. Nothing is worked here.
func WithWork(ctx context.Context, settings Settings, logger *slog.Logger, use func(*Work) error) error {
	return withOpenWork(ctx, settings, logger, func(w *work) error {
		return use(&Work{Jobs: w.jobs, Policies: w.policies, Acts: &Acts{w.commands}, RotateKeys: w.rotateKeys})
	})
}

// withOpenWork is WithWork with the commands.
func withOpenWork(ctx context.Context, settings Settings, logger *slog.Logger, use func(*work) error) (err error) {
	data, err := settings.DataFolder()
	if err != nil {
		return err
	}
	registry := telemetry.NewRegistry()
	c, err := openCore(ctx, settings, data, logger, registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	p, err := openProvider(ctx, settings, data, nil, false, logger)
	if err != nil {
		return err
	}
	w, err := openWork(ctx, c, p, settings, logger, registry)
	if err != nil {
		return fmt.Errorf("open the jobs: %w", err)
	}
	defer func() { err = errors.Join(err, w.close()) }()
	return use(w)
}
