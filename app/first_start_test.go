package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
)

// logText is a log that is read while it is written.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// On an empty database work that is due by the clock waits until the read models
// that it asks have been built: it warns of nothing.
func TestTheFirstStartWarnsOfNothing(t *testing.T) {
	t.Parallel()
	database := postgrestest.URL(t)
	log := &logText{}
	server, err := app.New(t.Context(), app.Settings{
		Environment: app.Development, Addr: "127.0.0.1:0", Data: t.TempDir(), DatabaseURL: database,
	}, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	await(t, "the first runs of all work that is due by the clock", func() bool {
		var kinds, open int
		err := conn.QueryRow(t.Context(), `SELECT count(DISTINCT kind) FILTER (WHERE state = 'completed'), count(*) FILTER (WHERE state <> 'completed')
			FROM jobs.river_job WHERE kind LIKE 'periodic/%'`).Scan(&kinds, &open)
		return err == nil && kinds >= 8 && open == 0 || strings.Contains(log.String(), "a job failed")
	})
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the server does not end")
	}
	if text := log.String(); strings.Contains(text, "periodic/") || strings.Contains(text, "SQLSTATE") {
		t.Errorf("it warns: %s", text)
	}
}
