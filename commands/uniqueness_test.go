package commands_test

import (
	"fmt"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// checkUniqueness looks at all that was ever written.
func (m *model) checkUniqueness(t interface{ Errorf(string, ...any) }) {
	slugs, emails, subjects := map[string]string{}, map[string]string{}, map[string]string{}
	claim := func(of map[string]string, kind reservation.Kind, hash, value, owner string) {
		if other, taken := of[value]; taken {
			t.Errorf("%s and %s both have the %s %s\n%s", other, owner, kind, value, m)
		}
		of[value] = owner
		held := foldAll(m.all(reservation.Aggregate.Category)[reservation.Aggregate.Stream(reservation.IDOf(kind, hash))], reservation.Apply)
		if held.OwnerID != owner {
			t.Errorf("%s has the %s %s, which is reserved for %s\n%s", owner, kind, value, held.OwnerID, m)
		}
	}
	for _, events := range m.all(organization.Aggregate.Category) {
		if o := foldAll(events, organization.Apply); o.Status == organization.StatusActive {
			claim(slugs, reservation.Slug, reservation.Hash(o.Slug), o.Slug, string(o.ID))
			if o.Owners() != 1 {
				t.Errorf("%s has %d owners", o.ID, o.Owners())
			}
		}
		if n := count[organization.Registered](events); n > 1 {
			t.Errorf("%d registrations in one stream\n%s", n, m)
		}
	}
	for _, events := range m.all(user.Aggregate.Category) {
		if u := foldAll(events, user.Apply); u.Status == user.StatusActive {
			if u.EmailVerified {
				claim(emails, reservation.Email, u.EmailHash, u.EmailHash, string(u.ID))
			}
			claim(subjects, reservation.Subject, u.SubjectHash, u.SubjectHash, string(u.ID))
		}
		if n := count[user.Registered](events); n > 1 {
			t.Errorf("%d registrations in one stream\n%s", n, m)
		}
	}
	codes := map[string]string{}
	for _, events := range m.all(campaign.Aggregate.Category) {
		if c := foldAll(events, campaign.Apply); c.ID != "" {
			claim(codes, reservation.ReferralCode, reservation.Hash(c.Code), c.Code, string(c.ID))
		}
	}
	successors, slots := map[id.APIKey]apikey.State{}, map[string]id.APIKey{}
	for _, events := range m.all(apikey.Aggregate.Category) {
		if key := foldAll(events, apikey.Apply); key.Slot != 0 && key.Status(start) == apikey.StatusActive && key.SuccessorID == "" {
			slot := fmt.Sprint(key.OrganizationID, key.UserID, key.Slot)
			if other, taken := slots[slot]; taken {
				t.Errorf("%s and %s are both in slot %d\n%s", other, key.ID, key.Slot, m)
			}
			slots[slot] = key.ID
		}
		if key := foldAll(events, apikey.Apply); key.PredecessorID != "" && key.RevokedAt.IsZero() {
			if other, taken := successors[key.PredecessorID]; taken {
				t.Errorf("%s and %s both succeed %s\n%s", other.ID, key.ID, key.PredecessorID, m)
			}
			successors[key.PredecessorID] = key
		}
	}
}

func foldAll[S any](events []event.Recorded, apply func(S, event.Event) S) (s S) {
	for _, e := range events {
		s = apply(s, e.Event)
	}
	return s
}

func count[E event.Event](events []event.Recorded) (n int) {
	for _, e := range events {
		if _, is := e.Event.(E); is {
			n++
		}
	}
	return n
}
