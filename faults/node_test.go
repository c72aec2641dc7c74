package faults

import (
	"testing"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/migrations"
)

// newNode prepares an event node of its own, with its log in a database.
func newNode(t *testing.T, databaseURL string) *process {
	t.Helper()
	p := &process{
		t: t, name: "node", program: program, log: logFile(t, "node"),
		args:     []string{"eventnode", "--listen", "127.0.0.1:0", "--data", t.TempDir()},
		settings: []string{"DATABASE_URL=" + databaseURL, "LOG_LEVEL=info", "LOG_FORMAT=json"},
	}
	t.Cleanup(p.discard)
	return p
}

// startNode starts a node, waits until it answers, and returns where.
func (p *process) startNode() (address string) {
	p.t.Helper()
	before := len(p.said(0))
	p.launch()
	eventually(p.t, "the node answers", func() bool {
		found := nodeLine.FindSubmatch(p.said(int64(before)))
		if found != nil {
			address = string(found[1])
		}
		return found != nil
	})
	return address
}

// newDatabaseOn creates a database for an event log on a server.
func newDatabaseOn(t *testing.T, serverURL, name string) string {
	t.Helper()
	server := openPool(t, serverURL)
	if _, err := server.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	url := databaseOf(t, serverURL, name)
	if err := postgres.Migrate(t.Context(), openPool(t, url), migrations.EventNode, migrations.EventNodeTable); err != nil {
		t.Fatal(err)
	}
	return url
}
