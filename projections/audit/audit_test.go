package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/refusal"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/audit"
	"github.com/perfectworks/backend/projections/projectionstest"
	"github.com/perfectworks/backend/projections/readmodeltest"
)

type row = projections.Row

func newModel(t *testing.T) *readmodeltest.Model {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(t, pool, audit.Definition())
}

// Every event is an act that could be in an audit log, but for those that only
// support others: a new kind of event is followed by being listed.
func TestAllEventsAreFollowed(t *testing.T) {
	t.Parallel()
	d := audit.Definition()
	var schemas [][]event.Schema
	for _, kind := range domain.Aggregates() {
		schemas = append(schemas, kind.Schemas)
		for _, s := range kind.Schemas {
			if (d.Reducers[s.Type] != nil) == (kind.Category == reservation.Aggregate.Category) {
				t.Errorf("%s: followed is %t", s.Type, d.Reducers[s.Type] != nil)
			}
		}
	}
	readmodeltest.RefusesOthers(t, d, schemas...)
}

func TestEntries(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	const stream = "organization-org_1"
	meta := event.Metadata{
		ActorKind: event.ActorKey, ActorID: "key_1", ActorUserID: "user_1", OrganizationID: "org_1", RequestID: "r", CorrelationID: "c",
		ClientAddress: personal.New("203.0.113.7"), UserAgent: personal.New("Test/1"),
		AddressKey: "addresses:2026-03-01",
	}
	m.GivenWith(meta, stream, organization.Restored{OrganizationID: "org_1"})
	m.GivenWith(event.Metadata{ActorKind: event.ActorUser, ActorID: "user_1"}, stream, organization.Restored{OrganizationID: "org_1"}) // In no organization.
	meta.ActorKind, meta.ActorID, meta.ActorUserID = event.ActorUser, "user_2", "user_2"
	m.GivenWith(meta, "refusal-x",
		refusal.CommandRefused{RefusalID: "zz", OrganizationID: "org_1", Operation: "deleteIt", Code: "FORBIDDEN", Status: 403},
		refusal.RefusalsCounted{RefusalID: "zz", OrganizationID: "org_1", Count: 4})
	m.GivenWith(meta, "refusal-x", refusal.RefusalsCounted{RefusalID: "zz", OrganizationID: "org_1", Count: 2})
	done := m.Log.Events()[0]
	want := []row{
		{
			"id": done.ID.String(), "organization_id": "org_1", "position": projectionstest.PositionStep, "recorded_at": projectionstest.Began,
			"action": "OrganizationRestored", "outcome": "done", "actor_kind": "key", "actor_id": "key_1", "actor_user_id": "user_1",
			"target_type": "organization", "target_id": "org_1", "client_address": "203.0.113.7", "user_agent": "Test/1", "address_key": "addresses:2026-03-01",
			"request_id": "r", "correlation_id": "c",
		},
		{
			"id": "zz", "organization_id": "org_1", "position": 3 * projectionstest.PositionStep, "recorded_at": projectionstest.Began.Add(2 * time.Second),
			"action": "deleteIt", "outcome": "refused", "code": "FORBIDDEN", "times": 7,
			"actor_kind": "user", "actor_id": "user_2", "actor_user_id": "user_2",
			"client_address": "203.0.113.7", "user_agent": "Test/1", "address_key": "addresses:2026-03-01", "request_id": "r", "correlation_id": "c",
		},
	}
	m.Then("entries", want...)
	m.Rebuild(context.Background())
	m.Then("entries", want...)

	// The key of the day ends the addresses, and nothing else.
	m.Erase(context.Background(), "addresses:2026-03-01")
	for _, r := range want {
		r["client_address"], r["user_agent"] = "", ""
	}
	m.Then("entries", want...)
	m.Rebuild(context.Background())
	m.Then("entries", want...)
}
