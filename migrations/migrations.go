// Package migrations embeds the SQL of everything in Postgres that cannot be
// rebuilt from the event log.
//
// Migrations only move forward: a file that landed never changes and never
// goes. The SHA256SUMS file in each folder lists every file that landed, in the
// format of sha256sum, and a test holds the folder against it. To add one:
//
//	cd migrations/app && sha256sum 00002_name.sql >>SHA256SUMS
package migrations

import (
	"embed"
	"io/fs"
)

// Names of the tables in which goose records the versions that were applied.
const (
	AppTable       = "app_migrations"
	EventNodeTable = "eventnode_migrations"
)

// The folders are embedded whole, so that a set may still be empty.
//
//go:embed app eventnode
var files embed.FS

var (
	// App is the bookkeeping of the read side: projections, checkpoints,
	// idempotency, keys.
	App = folder("app")
	// EventNode is the log of the embedded EventStoreDB node.
	EventNode = folder("eventnode")
)

// folder cannot fail: the names are constants of this package.
func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(err)
	}
	return sub
}
