package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
)

// eventLog is the event store in use: the cluster of EVENTSTORE_URL, or an
// embedded node whose log is in the database.
type eventLog struct {
	*eventstore.Client
	node *eventnode.Loopback // nil when the store is not ours
	// feed is the subscription that read models and policies share.
	feed *eventstore.Feed
	// ours is the position of the last event of this system's streams.
	ours func(context.Context) (event.Position, error)
}

// logPatience is for how long the store may be behind what was read from it until the
// log is said to have gone back.
const logPatience = 5 * time.Second

// openEventLog opens the event store. Spans may be nil.
func openEventLog(
	ctx context.Context, settings Settings, pool *pgxpool.Pool, spans trace.TracerProvider, logger *slog.Logger, registry prometheus.Registerer,
) (*eventLog, error) {
	known, err := projections.LogOf(ctx, pool)
	if err != nil {
		return nil, err
	}
	log := &eventLog{feed: eventstore.NewFeed(eventstore.FeedOptions{})}
	options := eventstore.Options{
		Logger: logger, Metrics: telemetry.NewEventStore(registry), Patience: logPatience, TracerProvider: spans,
	}
	if settings.WhenLogWentBack != AdoptLog {
		options.Log = known
	}
	if settings.EventStoreURL != "" {
		options.URL = settings.EventStoreURL
	} else {
		if err := postgres.Migrate(ctx, pool, migrations.EventNode, migrations.EventNodeTable); err != nil {
			return nil, err
		}
		node, err := eventnode.StartLoopback(ctx, eventnode.Config{Pool: pool, Logger: logger, Registerer: registry})
		if err != nil {
			return nil, err
		}
		log.node = node
		options.Address, options.RootCAs = node.Address, node.RootCAs
		options.Username, options.Password = node.Username, node.Password
	}
	client, err := eventstore.Open(options)
	if err != nil {
		log.stopNode()
		if settings.EventStoreURL != "" {
			err = named("EVENTSTORE_URL", err)
		}
		return nil, err
	}
	log.Client, log.ours = client, client.HeadOf(eventstore.StreamPrefixes())
	return log, nil
}

// check says whether the log can be read and written. What a real cluster has to
// say about writes it says only to writers.
func (l *eventLog) check(ctx context.Context) error {
	if l.node != nil {
		switch err := l.node.Check(ctx); {
		case errors.Is(err, eventnode.ErrNoSpace):
			return failure.ErrStorageFull
		case errors.Is(err, eventnode.ErrReadOnly):
			return failure.ErrStorageReadOnly
		case err != nil:
			return eventstore.ErrUnavailable
		}
	}
	return l.Ping(ctx)
}

// clientStop bounds how long calls to the store may take to end.
const clientStop = 5 * time.Second

func (l *eventLog) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), clientStop)
	defer cancel()
	err := l.Close(ctx)
	l.stopNode()
	return err
}

func (l *eventLog) stopNode() {
	if l.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), nodeStop)
	defer cancel()
	l.node.Stop(ctx)
}

// subscribe is the log as projections see it.
func (l *eventLog) subscribe(logger *slog.Logger) projections.Subscribe {
	return func(progress projections.Progress, options projections.SubscribeOptions) (message.Subscriber, error) {
		opts := eventstore.SubscriberOptions{
			Progress:   func(string) eventstore.Progress { return progress },
			BatchSize:  options.MaxEvents,
			Bundle:     options.Bundle,
			BatchDelay: options.MaxDelay,
			Logger:     logger,
		}
		if options.Passes {
			opts.Feed, opts.Apart = l.feed, !options.Shared
		}
		return eventstore.NewSubscriber(l.Client, opts), nil
	}
}
