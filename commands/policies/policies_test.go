package policies_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// A policy for an event that nobody stores or that is delivered to nobody, or of a name that is taken, would be
// a mistake of the program.
func TestAllPoliciesAreUsable(t *testing.T) {
	t.Parallel()
	var types []string
	for _, kind := range domain.Aggregates() {
		for _, schema := range kind.Schemas {
			if !kind.Unfollowed {
				types = append(types, schema.Type)
			}
		}
	}
	names := map[string]bool{}
	for _, p := range policies.All() {
		if names[p.Name] || !regexp.MustCompile(`^[a-z][a-z0-9-]+$`).MatchString(p.Name) {
			t.Errorf("the name %q is taken or malformed", p.Name)
		}
		names[p.Name] = true
		if !slices.Contains(types, p.EventType) {
			t.Errorf("%s reacts to %s, which no aggregate has", p.Name, p.EventType)
		}
		if p.Start.String() == "" || p.React == nil {
			t.Errorf("%s is not whole", p.Name)
		}
	}
}

var removed = event.Recorded{
	ID: event.ID{1}, Stream: "organization-1", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	Event: organization.MemberRemoved{OrganizationID: "org_1", UserID: "user_1"},
	Metadata: event.Metadata{
		CorrelationID: "correlation", ActorKind: event.ActorUser, ActorID: "user_9", ActorUserID: "user_9",
		OrganizationID: "org_1", RequestID: "request", TraceParent: "trace",
	},
}

// The same event leads to the same command, whenever and wherever the policy
// runs; another event, and another policy, to another one.
func TestCommandIDs(t *testing.T) {
	t.Parallel()
	first := policies.CommandID("one", event.ID{1})
	if first != policies.CommandID("one", event.ID{1}) {
		t.Error("the id changes")
	}
	if first == policies.CommandID("one", event.ID{2}) || first == policies.CommandID("two", event.ID{1}) {
		t.Error("two commands have the same id")
	}
	if got := first.String(); got != "16fb8643-e81b-525d-b830-f092b24fef46" {
		t.Errorf("the id is %s: it must never change, for it keeps effects from coming twice", got)
	}
}

func TestARequestTellsWhoActsAndWhy(t *testing.T) {
	t.Parallel()
	p := policies.Policy{Name: "one", Grants: []access.Permission{access.RevokeKeys}}
	at := removed.Time.Add(time.Hour).In(time.FixedZone("", 3600))
	got := p.Request(removed, at, commands.Seed{7})
	kind, actor, person := got.Principal.Actor()
	if kind != event.ActorPolicy || actor != "one" || person != "" {
		t.Errorf("the actor is %s %s %s", kind, actor, person)
	}
	if got.Principal.Require(access.RevokeKeys) != nil || got.Principal.Require(access.ManageMembers) == nil {
		t.Errorf("the grants are %v", got.Principal.Grants)
	}
	if got.ID != policies.CommandID("one", removed.ID) || got.CauseEventID != removed.ID.String() || got.CorrelationID != "correlation" ||
		got.TraceParent != "trace" || !got.Retry || got.Seed != (commands.Seed{7}) {
		t.Errorf("got %+v", got)
	}
	if !got.Now.Equal(at) || got.Now.Location() != time.UTC {
		t.Errorf("the time is %v", got.Now)
	}
	if got.RequestID != "" || got.ClientAddress.Reveal() != "" {
		t.Error("the request of the person who caused it shows")
	}
}

func TestIssue(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	var got []commands.RevokeOrphanedKeys
	do := &commands.Commands{}
	do.RevokeOrphanedKeys = func(_ context.Context, _ commands.Request, c commands.RevokeOrphanedKeys) (commands.Result[commands.RevokedKeys], error) {
		got = append(got, c)
		return commands.Result[commands.RevokedKeys]{}, refused
	}
	for _, p := range policies.All() {
		if p.Name != "revoke-keys-of-removed-member" {
			continue
		}
		if err := p.React(t.Context(), policies.Reaction{Event: removed, Commands: do}); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		other := event.Recorded{Event: user.Erased{UserID: "user_1"}}
		if err := p.React(t.Context(), policies.Reaction{Event: other, Commands: do}); err == nil {
			t.Error("it reacts to another event")
		}
	}
	if want := (commands.RevokeOrphanedKeys{UserID: "user_1", OrganizationID: "org_1"}); len(got) != 1 || got[0] != want {
		t.Errorf("issued %+v", got)
	}
}
