package directory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/directory"
)

// The model answers each question by a look through the whole log.
type model []event.Event

// last is the latest event that f accepts, or nil.
func (m model) last(f func(event.Event) bool) event.Event {
	for i := len(m) - 1; i >= 0; i-- {
		if f(m[i]) {
			return m[i]
		}
	}
	return nil
}

func (m model) status(u id.User) user.Status {
	status := user.Status("")
	for _, e := range m {
		switch e := e.(type) {
		case user.Registered:
			if e.UserID == u {
				status = user.StatusActive
			}
		case user.Restored:
			if e.UserID == u {
				status = user.StatusActive
			}
		case user.Deactivated:
			if e.UserID == u {
				status = user.StatusDeactivated
			}
		case user.Erased:
			if e.UserID == u {
				status = user.StatusErased
			}
		}
	}
	return status
}

func (m model) role(u id.User, o id.Organization) access.Role {
	role := access.Role("")
	for _, e := range m {
		switch e := e.(type) {
		case organization.MemberJoined:
			if e.UserID == u && e.OrganizationID == o {
				role = e.Role
			}
		case organization.MemberRoleChanged:
			if e.UserID == u && e.OrganizationID == o && role != "" {
				role = e.Role
			}
		case organization.MemberRemoved:
			if e.UserID == u && e.OrganizationID == o {
				role = ""
			}
		}
	}
	return role
}

// awake is the role, unless the membership is suspended.
func (m model) awake(u id.User, o id.Organization) access.Role {
	e := m.last(func(e event.Event) bool {
		switch e := e.(type) {
		case organization.MemberJoined:
			return e.UserID == u && e.OrganizationID == o
		case organization.MemberReinstated:
			return e.UserID == u && e.OrganizationID == o
		case organization.MemberSuspended:
			return e.UserID == u && e.OrganizationID == o
		}
		return false
	})
	if _, suspended := e.(organization.MemberSuspended); suspended {
		return ""
	}
	return m.role(u, o)
}

// active is the organization last chosen, unless the choice was undone since.
func (m model) active(u id.User) id.Organization {
	e := m.last(func(e event.Event) bool {
		switch e := e.(type) {
		case user.ActiveOrganizationSwitched:
			return e.UserID == u
		case user.Erased:
			return e.UserID == u
		}
		return false
	})
	switched, ok := e.(user.ActiveOrganizationSwitched)
	if !ok {
		return ""
	}
	for i := len(m) - 1; m[i] != e; i-- {
		if r, ok := m[i].(organization.MemberRemoved); ok && r.UserID == u && r.OrganizationID == switched.OrganizationID {
			return ""
		}
	}
	if m.awake(u, switched.OrganizationID) == "" {
		return ""
	}
	return switched.OrganizationID
}

func (m model) organizationStatus(o id.Organization) organization.Status {
	status := organization.Status("")
	for _, e := range m {
		switch e := e.(type) {
		case organization.Registered:
			if e.OrganizationID == o {
				status = organization.StatusActive
			}
		case organization.Restored:
			if e.OrganizationID == o {
				status = organization.StatusActive
			}
		case organization.Deleted:
			if e.OrganizationID == o {
				status = organization.StatusDeleted
			}
		case organization.Purged:
			if e.OrganizationID == o {
				status = organization.StatusPurged
			}
		}
	}
	return status
}

// key says what became of a key: "" when it was never issued.
func (m model) key(k id.APIKey) string {
	for i, e := range m {
		issued, ok := e.(apikey.Issued)
		if !ok || issued.KeyID != k {
			continue
		}
		fate := "good"
		if before := m[:i]; issued.UserID != "" &&
			(before.role(issued.UserID, issued.OrganizationID) == "" || before.status(issued.UserID) == user.StatusErased) {
			fate = "orphaned"
		}
		var expiry time.Time
		for _, e := range m[i:] {
			switch e := e.(type) {
			case apikey.Rotated:
				if e.KeyID == k {
					expiry = e.ExpireAt
				}
			case apikey.Revoked:
				if e.KeyID == k {
					fate = "revoked"
				}
			case organization.MemberRemoved:
				if e.UserID == issued.UserID && e.OrganizationID == issued.OrganizationID && fate == "good" {
					fate = "orphaned"
				}
			case user.Erased:
				if e.UserID == issued.UserID && fate == "good" {
					fate = "orphaned"
				}
			}
		}
		return fmt.Sprint(fate, expiry, issued.UserID, m.status(issued.UserID), m.awake(issued.UserID, issued.OrganizationID),
			issued.OrganizationID, m.organizationStatus(issued.OrganizationID))
	}
	return ""
}

func fateOf(k directory.Key) string {
	fate := "good"
	switch {
	case k.Revoked:
		fate = "revoked"
	case k.Orphaned:
		fate = "orphaned"
	}
	return fmt.Sprint(fate, k.ExpireAt, k.Owner.ID, k.Owner.Status, k.Role, k.Organization.ID, k.Organization.Status)
}

// drawLog makes a log. Aggregates register once, and keys begin with their
// issue; for the rest anything may come at any time.
func drawLog(t *rapid.T, users []id.User, organizations []id.Organization, keys []id.APIKey) []event.Event {
	begun := map[string]bool{}
	once := func(name string, e event.Event) event.Event {
		if begun[name] {
			return nil
		}
		begun[name] = true
		return e
	}
	after := func(name string, e event.Event) event.Event {
		if !begun[name] {
			return nil
		}
		return e
	}
	var events []event.Event
	for range rapid.IntRange(0, 60).Draw(t, "length") {
		u := rapid.SampledFrom(users).Draw(t, "user")
		o := rapid.SampledFrom(organizations).Draw(t, "organization")
		k := rapid.SampledFrom(keys).Draw(t, "key")
		role := rapid.SampledFrom([]access.Role{access.Owner, access.Member}).Draw(t, "role")
		owner := rapid.SampledFrom([]id.User{u, u, ""}).Draw(t, "owner")
		e := rapid.SampledFrom([]func() event.Event{
			func() event.Event { return once(string(u), registered(u)) },
			func() event.Event { return user.ActiveOrganizationSwitched{UserID: u, OrganizationID: o} },
			func() event.Event { return user.Deactivated{UserID: u} },
			func() event.Event { return user.Restored{UserID: u} },
			func() event.Event { return user.Erased{UserID: u} },
			func() event.Event { return once(string(o), founded(o)) },
			func() event.Event { return joined(o, u, role) },
			func() event.Event { return joined(o, u, role) },
			func() event.Event {
				return organization.MemberRoleChanged{OrganizationID: o, UserID: u, Role: role}
			},
			func() event.Event { return removed(o, u) },
			func() event.Event { return organization.MemberSuspended{OrganizationID: o, UserID: u} },
			func() event.Event { return organization.MemberReinstated{OrganizationID: o, UserID: u} },
			func() event.Event { return organization.Deleted{OrganizationID: o} },
			func() event.Event { return organization.Restored{OrganizationID: o} },
			func() event.Event { return organization.Purged{OrganizationID: o} },
			func() event.Event { return once(string(k), issued(k, o, owner)) },
			func() event.Event { return once(string(k), issued(k, o, owner)) },
			func() event.Event { return after(string(k), apikey.Rotated{KeyID: k, ExpireAt: later}) },
			func() event.Event { return after(string(k), apikey.Revoked{KeyID: k}) },
			func() event.Event { return apikey.DescriptionChanged{KeyID: k} },
		}).Draw(t, "event")()
		if e != nil {
			events = append(events, e)
		}
	}
	return events
}

func TestTheDirectoryIsWhatTheLogSays(t *testing.T) {
	t.Parallel()
	users, organizations := []id.User{ada, bob}, []id.Organization{acme, zeta}
	keys := []id.APIKey{key1, key2, "key_3"}
	rapid.Check(t, func(t *rapid.T) {
		events := drawLog(t, users, organizations, keys)
		d := directory.New(directory.Config{})
		recorded := log(events...)
		for i, r := range recorded {
			d.Apply(r)
			if rapid.IntRange(0, 19).Draw(t, "restarted") == 0 {
				data, err := d.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				if d, err = directory.Restored(data); err != nil {
					t.Fatal(err)
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "dropped") == 0 {
				from := rapid.IntRange(0, i).Draw(t, "from")
				to := rapid.IntRange(from, i+1).Draw(t, "to")
				for _, again := range recorded[from:to] {
					d.Apply(again)
				}
			}
		}
		m := model(events)
		for _, u := range users {
			got, _ := d.User(u)
			if want := m.status(u); got.Status != want {
				t.Errorf("%s is %q, want %q", u, got.Status, want)
			}
			if want := m.active(u); got.Active.Organization.ID != want {
				t.Errorf("%s acts in %q, want %q", u, got.Active.Organization.ID, want)
			}
			for _, o := range organizations {
				membership, _ := d.Membership(u, o)
				if want := m.awake(u, o); membership.Role != want {
					t.Errorf("%s has role %q in %s, want %q", u, membership.Role, o, want)
				}
			}
		}
		for _, k := range keys {
			want, got := m.key(k), ""
			if found, ok := d.Key(secretOf(k)); ok {
				got = fateOf(found)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", k, diff)
			}
		}
	})
}
