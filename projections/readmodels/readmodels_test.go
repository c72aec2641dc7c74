package readmodels_test

import (
	"testing"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/readmodels"
	"github.com/perfectworks/backend/projections/readmodeltest"
)

// Erased live is the same as rebuilt after the erasure, for every read model.
func TestErasureEqualsARebuild(t *testing.T) {
	t.Parallel()
	var schemas []event.Schema
	for _, kind := range domain.Aggregates() {
		schemas = append(schemas, kind.Schemas...)
	}
	for _, d := range readmodels.Definitions() {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
			var followed []event.Schema
			for _, s := range schemas {
				if d.Reducers[s.Type] != nil {
					followed = append(followed, s)
				}
			}
			readmodeltest.New(t, pool, d).CheckErasure(followed)
		})
	}
}

// Events of an unfollowed kind reach no projection: a reducer for one would never
// be called.
func TestNoReadModelFollowsAnUnfollowedKind(t *testing.T) {
	t.Parallel()
	for _, kind := range domain.Aggregates() {
		for _, d := range readmodels.Definitions() {
			for _, s := range kind.Schemas {
				if kind.Unfollowed && d.Reducers[s.Type] != nil {
					t.Errorf("%s has a reducer for %s", d.Name, s.Type)
				}
			}
		}
	}
}
