// Package audit is the read model of the audit log of each organization: who did
// what to what, when and from where. It follows from the metadata of the events,
// so that nothing that is done in an organization can be missing.
//
// Names are not in it: they are read from the model of the users, from which they
// vanish with erasure. Addresses and agents are personal data of the actor, and
// vanish also with the key of their day: see event.AddressKey.
package audit

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/refusal"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "audit"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model. It follows the events of every aggregate but
// those that only support others; whichever of them are acts in an organization,
// their metadata tells.
func Definition() projections.Definition {
	all := []projections.Reducers{projections.On(refused), projections.On(counted)}
	for _, kind := range domain.Aggregates() {
		if slices.Contains(silent, kind.Category) {
			continue
		}
		for _, schema := range kind.Schemas {
			all = append(all, projections.Reducers{schema.Type: act(kind, schema.Type)})
		}
	}
	return projections.Definition{
		Name: Name, Version: 2, Tables: tables, Indexes: indexes,
		Personal: []projections.Personal{
			{Table: entries, Subject: "actor_user_id", Columns: []string{"client_address", "user_agent"}},
			{Table: entries, Subject: "address_key", Columns: []string{"client_address", "user_agent"}},
		},
		Reducers: projections.Join(all...),
	}
}

// silent are the categories without acts of their own.
var silent = []string{reservation.Aggregate.Category, refusal.Aggregate.Category}

const entries = "entries"

// Outcome says whether something was done.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

type (
	row    = projections.Row
	change = projections.Change
)

// act is the reducer for events of a type.
func act(kind event.Kind, name string) projections.Reducer {
	return func(r event.Recorded) ([]change, error) {
		if r.Event == nil || r.Event.EventType() != name {
			return nil, fmt.Errorf("%w: %T, not %s", projections.ErrWrongEvent, r.Event, name)
		}
		if r.Metadata.OrganizationID == "" {
			return nil, nil
		}
		target := strings.TrimPrefix(r.Stream, kind.StreamPrefix())
		return []change{projections.Put(entries, row{"id": r.ID.String()}, entry(r, row{
			"action": name, "outcome": Done, "target_type": kind.Category, "target_id": target,
		}))}, nil
	}
}

func refused(e refusal.CommandRefused, r event.Recorded) []change {
	return []change{projections.Put(entries, row{"id": string(e.RefusalID)}, entry(r, row{
		"organization_id": e.OrganizationID, "action": e.Operation, "outcome": Refused, "code": e.Code, "times": 1,
		"target_type": "", "target_id": "",
	}))}
}

func counted(e refusal.RefusalsCounted, _ event.Recorded) []change {
	return []change{projections.Add(entries, row{"id": string(e.RefusalID)}, row{"times": e.Count})}
}

// entry adds what the metadata tells.
func entry(r event.Recorded, what row) row {
	m := r.Metadata
	all := row{
		"organization_id": m.OrganizationID, "position": int64(r.Position.Commit), "recorded_at": r.Time, //nolint:gosec // The store counts in int64.
		"actor_kind": m.ActorKind, "actor_id": m.ActorID, "actor_user_id": m.ActorUserID,
		"client_address": m.ClientAddress.Reveal(), "user_agent": m.UserAgent.Reveal(), "address_key": m.AddressKey,
		"request_id": m.RequestID, "correlation_id": m.CorrelationID,
	}
	for name, value := range what {
		all[name] = value
	}
	return all
}
