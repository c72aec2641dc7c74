package refusal_test

import (
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/refusal"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	kind := refusal.Kind{
		Principal: "user_1", OrganizationID: "org_1", Operation: "deleteCurrentOrganization", Code: "FORBIDDEN", Status: 403,
		Minute: at.Truncate(refusal.Window),
	}
	first := refusal.CommandRefused{
		RefusalID: kind.ID(), OrganizationID: "org_1", Operation: kind.Operation, Code: "FORBIDDEN", Status: 403, OccurredAt: at,
	}
	more := func(n int64) refusal.RefusalsCounted {
		return refusal.RefusalsCounted{RefusalID: kind.ID(), OrganizationID: "org_1", Count: n, OccurredAt: at}
	}
	record := func(n int64) func(refusal.State) ([]event.Event, error) {
		return func(s refusal.State) ([]event.Event, error) { return s.Record(kind, n, at), nil }
	}
	domaintest.Run(t, refusal.Apply, []domaintest.Case[refusal.State]{
		{Name: "the first is told in full", When: record(1), Then: []event.Event{first}},
		{Name: "the rest is a count", When: record(5), Then: []event.Event{first, more(4)}},
		{Name: "of another process too", Given: []event.Event{first}, When: record(3), Then: []event.Event{more(3)}},
		{Name: "none is nothing", When: record(0)},
	})
	for name, change := range map[string]func(*refusal.Kind){
		"principal":    func(k *refusal.Kind) { k.Principal = "user_2" },
		"organization": func(k *refusal.Kind) { k.OrganizationID = "org_2" },
		"operation":    func(k *refusal.Kind) { k.Operation = "other" },
		"code":         func(k *refusal.Kind) { k.Code = "OTHER" },
		"minute":       func(k *refusal.Kind) { k.Minute = k.Minute.Add(refusal.Window) },
	} {
		other := kind
		change(&other)
		if other.ID() == kind.ID() {
			t.Errorf("another %s has the same id", name)
		}
	}
}
