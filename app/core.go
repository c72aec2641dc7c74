package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gocloud.dev/secrets"

	"github.com/perfectworks/backend/adapters/eraser"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/heartbeat"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/readmodels"
)

// core is what both the server and the operators' tools stand on: database,
// keys, event log and projection engine.
type core struct {
	logger *slog.Logger
	db     *database
	mark   *processFile
	heart  *heartbeat.Heart
	keeper *secrets.Keeper
	keys   *keyring.Keyring
	erased *eraser.Journal
	log    *eventLog
	codec  *eventstore.Codec
	acts   *Acts
	// background is the context of what goes on after the request that began it,
	// until the end; running waits for it.
	background    context.Context //nolint:containedctx // It ends with the core.
	endBackground context.CancelFunc
	running       *sync.WaitGroup
	engine        *projections.Engine
	tracing       *telemetry.Tracing
	// unreadable counts events that this program cannot decode, by reader.
	unreadable *prometheus.CounterVec
	// started is closed once the server has done what its start takes.
	started chan struct{}
}

// openCore starts the parts in their order; close stops them in reverse. After
// an error nothing is left running.
func openCore(ctx context.Context, settings Settings, dataFolder string, logger *slog.Logger, registry prometheus.Registerer) (*core, error) {
	tracing, err := telemetry.NewTracing(ctx, settings.TraceEndpoint, settings.Version, settings.TraceShare)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, settings, dataFolder, tracing.Provider(), logger)
	if err != nil {
		return nil, errors.Join(err, tracing.Shutdown(ctx))
	}
	return openCoreOn(ctx, db, tracing, settings, dataFolder, logger, registry)
}

// openCoreOn is openCore on a database that is open. The database and the tracing
// belong to the core from then on.
func openCoreOn(ctx context.Context, db *database, tracing *telemetry.Tracing, settings Settings, dataFolder string, logger *slog.Logger, registry prometheus.Registerer) (_ *core, err error) {
	c := &core{logger: logger, db: db, tracing: tracing, started: make(chan struct{}), running: &sync.WaitGroup{}}
	c.background, c.endBackground = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if err = postgres.Migrate(ctx, c.db.pool, migrations.App, migrations.AppTable); err != nil {
		return nil, err
	}
	if c.mark, err = markProcess(ctx, c.db.pool, dataFolder, c.db.process); err != nil {
		return nil, err
	}
	if c.heart, err = heartbeat.Start(ctx, c.db.pool, heartbeat.Options{ID: c.db.process, Name: processName(settings.Role), Logger: logger}); err != nil {
		return nil, err
	}
	if c.keeper, err = openKeeper(ctx, settings, dataFolder); err != nil {
		return nil, err
	}
	if c.keys, err = keyring.Open(ctx, c.db.pool, c.keeper, keyring.Options{Logger: logger}); err != nil {
		return nil, err
	}
	if c.erased, err = openErasureJournal(ctx, c, settings, dataFolder, logger); err != nil {
		return nil, err
	}
	if c.codec, err = eventstore.NewCodec(eventstore.Schemas(), c.keys); err != nil {
		return nil, err
	}
	if c.log, err = openEventLog(ctx, settings, c.db.pool, c.tracing.Provider(), logger, registry); err != nil {
		return nil, err
	}
	c.unreadable = countUnreadable(registry)
	if c.acts, err = c.openActs(logger); err != nil {
		return nil, err
	}
	c.engine, err = projections.New(projections.Config{
		Pool: c.db.pool, Definitions: readmodels.Definitions(), Process: c.heart.ID(),
		Shapes:    eventstore.Shapes(),
		Subscribe: c.log.subscribe(logger), Decode: decode(c.codec, c.unreadable.WithLabelValues("projections")), Parts: eventstore.Parts, Head: c.log.ours,
		Recognise: c.log.Recognise, End: c.log.Head, Read: readLog(c.log.Client, c.codec, eventstore.StreamPrefixes()),
		RebuildWhenLogWentBack: settings.WhenLogWentBack != WaitForOperator, AdoptAnotherLog: settings.WhenLogWentBack == AdoptLog,
		Logger: logger, Registerer: registry, Observe: c.tracing.Projecting, Erased: c.destroyed,
		BeforeBuild: c.awaitStart, Ended: c.acts.ended,
	})
	if err != nil {
		return nil, err
	}
	c.keys.OnDestroy(c.log.feed.Forget)
	c.keys.OnDestroy(c.engine.CheckErasures)
	return c, nil
}

// processName is what this process calls itself, for operators.
func processName(role Role) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d (%s)", host, os.Getpid(), cmp.Or(role, RoleAll))
}

// destroyed tells the engine whose personal columns have to be cleared.
func (c *core) destroyed(ctx context.Context, since time.Time) ([]projections.Erasure, error) {
	destroyed, err := c.keys.DestroyedSince(ctx, since)
	erasures := make([]projections.Erasure, len(destroyed))
	for i, d := range destroyed {
		erasures[i] = projections.Erasure(d)
	}
	return erasures, err
}

func (c *core) close() error {
	c.endBackground()
	c.running.Wait()
	var errs []error
	if c.tracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), clientStop)
		defer cancel()
		errs = append(errs, c.tracing.Shutdown(ctx))
	}
	if c.log != nil {
		errs = append(errs, c.log.close())
	}
	if c.keys != nil {
		errs = append(errs, c.keys.Close())
	}
	if c.keeper != nil {
		errs = append(errs, c.keeper.Close())
	}
	if c.heart != nil {
		c.heart.Stop()
	}
	if c.mark != nil {
		errs = append(errs, c.mark.close(c.db.process))
	}
	if c.db != nil {
		errs = append(errs, c.db.close())
	}
	return errors.Join(errs...)
}
