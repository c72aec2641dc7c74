package postgres_test

import (
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/postgres"
)

func TestCheckEncrypted(t *testing.T) {
	for _, url := range []string{
		"postgres://u:secret@db/x", "postgres://u:secret@db/x?sslmode=prefer", "postgres://u:secret@db/x?sslmode=require",
		"postgres://u:secret@db/x?sslmode=verify-full", "postgres://u:secret@/x?host=/run/postgresql&sslmode=disable",
	} {
		if err := postgres.CheckEncrypted(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{
		"postgres://u:secret@db/x?sslmode=disable", "postgres://u:secret@db/x?sslmode=allow", "postgres://u:secret@db/x?sslmode=DISABLE",
		"postgres://u:secret@db/x?SSLMode=disable", "postgres://u:secret@db/x?sslmode=%64isable", "POSTGRES://u:secret@db/x?sslmode=disable",
		"postgres://u:secret@one,two/x?sslmode=disable", "postgres://u:secret@/x?host=/run/postgresql,db&sslmode=disable",
		"postgres://u:secret@127.0.0.1/x?sslmode=disable", "nonsense",
	} {
		if err := postgres.CheckEncrypted(url); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	t.Setenv("PGSSLMODE", "disable")
	if err := postgres.CheckEncrypted("postgres://u:secret@db/x"); err == nil {
		t.Error("PGSSLMODE=disable passes")
	}
}
