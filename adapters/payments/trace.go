package payments

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/domain/event"
)

// Webhook is something that the provider told, as operators see it: without its body.
type Webhook struct {
	// EventID is the provider's.
	EventID, Type, Source string
	State                 State
	// SessionID is the session that it is about, once that is known.
	SessionID  string
	ReceivedAt time.Time
	// Command is the id of the command that follows from it.
	Command event.ID
	Jobs    []WebhookJob
}

// WebhookJob is the job that processes a webhook. Those that completed long ago are
// deleted.
type WebhookJob struct {
	ID          int64
	Kind, State string
}

// CommandOf returns the id of the command that follows from an event of the provider.
func CommandOf(eventID string) event.ID { return event.DeriveID(following, eventID, 0) }

// clockSlack is how far the clocks of the database and of the event store may differ.
const clockSlack = 5 * time.Minute

// Webhooks returns what the provider told about some sessions, and that from which
// some commands follow that wrote events in a time, in the order of their coming.
func Webhooks(ctx context.Context, pool *pgxpool.Pool, sessions []string, commands []event.ID, from, to time.Time) ([]Webhook, error) {
	rows, err := pool.Query(ctx, `
		SELECT i.event_id, i.type, i.source, i.state, i.session_id, i.received_at, j.id, j.kind, j.state::text
		FROM payment_inbox i
		LEFT JOIN jobs.river_job j ON j.kind = $4 AND (j.args ->> 'inboxId')::bigint = i.id
		WHERE i.session_id = ANY($1) OR i.received_at <= $3 AND (i.done_at IS NULL OR i.done_at >= $2)
		ORDER BY i.id, j.id`, sessions, from.Add(-clockSlack), to.Add(clockSlack), webhookArgs{}.Kind())
	if err != nil {
		return nil, fmt.Errorf("look for webhooks: %w", err)
	}
	var all []Webhook
	var w Webhook
	var job *int64
	var kind, state *string
	_, err = pgx.ForEachRow(rows, []any{&w.EventID, &w.Type, &w.Source, &w.State, &w.SessionID, &w.ReceivedAt, &job, &kind, &state}, func() error {
		w.Command = CommandOf(w.EventID)
		if !slices.Contains(sessions, w.SessionID) && !slices.Contains(commands, w.Command) {
			return nil
		}
		if n := len(all); n == 0 || all[n-1].Command != w.Command {
			all = append(all, w)
		}
		if job != nil {
			last := &all[len(all)-1]
			last.Jobs = append(last.Jobs, WebhookJob{*job, *kind, *state})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for webhooks: %w", err)
	}
	return all, nil
}
