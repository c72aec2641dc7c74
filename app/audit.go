package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/payments"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
)

// Audit is what operators look into the log with.
type Audit struct {
	*auditlog.Reader

	// Projections replays parts of the log into scratch tables.
	Projections *projections.Engine
	// Acts records what operators do beside looking.
	Acts *Acts

	pool     *pgxpool.Pool
	core     *core
	settings Settings
	logger   *slog.Logger
}

// Trace is auditlog.Reader.Trace, with jobs and webhooks. The id may also be that of an
// event of the payment provider.
func (a *Audit) Trace(ctx context.Context, id string) ([]*auditlog.Command, error) {
	around := auditlog.Around{Jobs: a.jobsOf, Webhooks: a.webhooksOf}
	roots, err := a.Reader.Trace(ctx, id, around)
	if errors.Is(err, auditlog.ErrNoTrace) && strings.HasPrefix(id, providerEvent) {
		roots, err = a.Reader.Trace(ctx, payments.CommandOf(id).String(), around)
	}
	return roots, err
}

// providerEvent is what the ids of events of the payment provider begin with.
const providerEvent = "evt_"

// webhooksOf finds the webhooks that are about sessions which events opened, or from
// which the commands of events follow.
func (a *Audit) webhooksOf(ctx context.Context, entries []auditlog.Entry) ([]*auditlog.Webhook, error) {
	var sessions []string
	var commands []event.ID
	opened := map[string]string{} // the events that opened sessions
	from, to := entries[0].Time, entries[0].Time
	for _, e := range entries {
		if e.Time.Before(from) {
			from = e.Time
		}
		if e.Time.After(to) {
			to = e.Time
		}
		if command, err := uuid.Parse(e.CommandID); err == nil {
			commands = append(commands, event.ID(command))
		}
		fields, _ := e.Data.(map[string]any)
		if session, _ := fields["sessionId"].(string); session != "" && opened[session] == "" {
			sessions, opened[session] = append(sessions, session), e.ID
		}
	}
	found, err := payments.Webhooks(ctx, a.pool, sessions, commands, from, to)
	if err != nil {
		return nil, err
	}
	webhooks := make([]*auditlog.Webhook, len(found))
	for i, w := range found {
		webhooks[i] = &auditlog.Webhook{
			ID: w.EventID, Type: w.Type, Source: w.Source, State: string(w.State), ReceivedAt: w.ReceivedAt.UTC(),
			CommandID: w.Command.String(), Answers: opened[w.SessionID], Jobs: []auditlog.Job{},
		}
		for _, job := range w.Jobs {
			webhooks[i].Jobs = append(webhooks[i].Jobs, auditlog.Job(job))
		}
	}
	return webhooks, nil
}

// jobsOf finds the jobs that policies made of events. Those that completed long ago
// are deleted.
func (a *Audit) jobsOf(ctx context.Context, events []string) (map[string][]auditlog.Job, error) {
	rows, err := a.pool.Query(ctx, `SELECT args -> 'event' ->> 'id', id, kind, state::text FROM jobs.river_job
		WHERE args -> 'event' ->> 'id' = ANY($1) ORDER BY id`, events)
	if err != nil {
		return nil, fmt.Errorf("find the jobs of events: %w", err)
	}
	found := map[string][]auditlog.Job{}
	var of string
	var job auditlog.Job
	_, err = pgx.ForEachRow(rows, []any{&of, &job.ID, &job.Kind, &job.State}, func() error {
		found[of] = append(found[of], job)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find the jobs of events: %w", err)
	}
	return found, nil
}

// WithAudit hands the log to an operator's tool; see WithEngine.
func WithAudit(ctx context.Context, settings Settings, logger *slog.Logger, use func(*Audit) error) (err error) {
	if err := settings.Check(); err != nil {
		return fmt.Errorf("the settings are not usable: %w", err)
	}
	data, err := settings.toolsFolder()
	if err != nil {
		return err
	}
	c, err := openCore(ctx, settings, data, logger, telemetry.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	streams, err := eventstore.NewStreams(c.log.Client, c.codec, -1)
	if err != nil {
		return err
	}
	return use(&Audit{
		Reader: &auditlog.Reader{
			// Also of streams that no projection follows.
			Read: readLog(c.log.Client, c.codec, eventstore.AggregatePrefixes()), Head: c.log.HeadOf(eventstore.AggregatePrefixes()), Events: streams.Events, Facts: streams.Facts, Kinds: domain.Aggregates(),
			Undecodable: func(err error) bool { return errors.Is(err, projections.ErrUndecodable) },
		},
		Projections: c.engine, Acts: c.acts, pool: c.db.pool, core: c, settings: settings, logger: logger,
	})
}
