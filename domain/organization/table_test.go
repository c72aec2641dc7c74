package organization_test

import (
	"fmt"
	"maps"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// A state with any history of members is that of a plain map, and no state changes
// by what comes after it.
func TestMembersAreThoseOfAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type step struct {
			state organization.State
			want  map[id.User]organization.Membership
		}
		s, want := organization.State{}, map[id.User]organization.Membership{}
		var steps []step
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			name := id.User(fmt.Sprintf("user_%02d", rapid.IntRange(0, 60).Draw(t, "user")))
			var e event.Event
			switch rapid.IntRange(0, 4).Draw(t, "event") {
			case 0, 1:
				e = organization.MemberJoined{UserID: name, Role: access.Member, OccurredAt: now}
				want[name] = organization.Membership{Role: access.Member, JoinedAt: now}
			case 2:
				e = organization.MemberRemoved{UserID: name}
				delete(want, name)
			case 3:
				e = organization.MemberRoleChanged{UserID: name, Role: access.Admin}
				if m, ok := want[name]; ok {
					m.Role = access.Admin
					want[name] = m
				}
			case 4:
				e = organization.MemberSuspended{UserID: name}
				if m, ok := want[name]; ok {
					m.Suspended = true
					want[name] = m
				}
			}
			s = organization.Apply(s, e)
			steps = append(steps, step{s, maps.Clone(want)})
		}
		for i, step := range steps {
			got := maps.Collect(step.state.Members.All())
			if !maps.Equal(got, step.want) || step.state.Members.Len() != len(step.want) {
				t.Fatalf("after step %d: %v, want %v", i+1, got, step.want)
			}
			for name, m := range step.want {
				if found, ok := step.state.Members.Find(name); !ok || found != m {
					t.Fatalf("after step %d: %s is %v", i+1, name, found)
				}
			}
		}
	})
}

// The fold of a large organization must not copy all members for each of them: that
// would be ten times the bound.
//
//nolint:paralleltest // It measures what the process allocates.
func TestLargeOrganizationsFoldInLittleMemory(t *testing.T) {
	const members, bound = 4000, 64 << 20
	s := organization.Apply(organization.Apply(organization.State{}, registered), owner)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range members {
		s = organization.Apply(s, joined(id.User(fmt.Sprintf("user_%05d", i)), access.Member))
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > bound || s.Members.Len() != members+1 {
		t.Errorf("%d members fold with %d bytes", s.Members.Len(), allocated)
	}
}
