// Package postgres opens pools of connections, applies migrations, and runs the
// private Postgres cluster that serves when no DATABASE_URL is set. Tests get
// their databases from package postgrestest.
package postgres
