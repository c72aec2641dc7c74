package commands_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// scenario is a command of several appends, made by one person and wished for,
// too, by a rival.
type scenario struct {
	name    string
	appends int
	// begin prepares the world, and returns the command and the rival's.
	begin func(w *world) (mine, theirs deed)
	// wants are the types of the events that the command, once, makes.
	wants []string
}

// testContext is for what runs on the model, which does not wait.
var testContext = context.Background()

// deed is a command with its request, ready to be run by a process. It answers
// with what identifies its effect.
type deed struct {
	req commands.Request
	run func(*commands.Commands, commands.Request) (any, error)
}

func act[C, R any](req commands.Request, handler func(*commands.Commands) commands.Handler[C, R], c C) deed {
	return deed{req, func(p *commands.Commands, req commands.Request) (any, error) {
		r, err := handler(p)(testContext, req, c)
		return r.Value, err
	}}
}

func toRegister(p *commands.Commands) commands.Handler[commands.RegisterUser, user.State] {
	return p.RegisterUser
}

func toCreate(p *commands.Commands) commands.Handler[commands.CreateOrganization, commands.CreatedOrganization] {
	return p.CreateOrganization
}

func toUpdate(p *commands.Commands) commands.Handler[commands.UpdateOrganization, organization.State] {
	return p.UpdateOrganization
}

func toRotate(p *commands.Commands) commands.Handler[commands.RotateAPIKey, commands.RotatedAPIKey] {
	return p.RotateAPIKey
}

var scenarios = []scenario{
	{
		name: "register", appends: 3,
		begin: func(w *world) (deed, deed) {
			one, other := stranger(unique()), stranger(unique())
			other.Identity.Email, other.Identity.EmailHash = one.Identity.Email, one.Identity.EmailHash
			return act(w.request(one), toRegister, ada()), act(w.request(other), toRegister, ada())
		},
		wants: []string{"ValueReserved", "ValueReserved", "UserRegistered"},
	},
	{
		name: "create", appends: 3,
		begin: func(w *world) (deed, deed) {
			one, other, slug := w.person(), w.person(), unique()
			return act(w.request(one), toCreate, slugged(slug)), act(w.request(other), toCreate, slugged(slug))
		},
		wants: []string{"ValueReserved", "OrganizationRegistered", "MemberJoined", "ActiveOrganizationSwitched"},
	},
	{
		name: "move", appends: 3,
		begin: func(w *world) (deed, deed) {
			one, _ := w.organization()
			other, _ := w.organization()
			slug := unique()
			return act(w.request(one), toUpdate, moved(slug)), act(w.request(other), toUpdate, moved(slug))
		},
		wants: []string{"ValueReserved", "OrganizationSlugChanged", "ValueReleased"},
	},
	{
		name: "rotate", appends: 2,
		begin: func(w *world) (deed, deed) {
			owner, o := w.organization()
			admin := w.member(o.ID, access.Admin)
			key := w.key(owner, ofOrganization)
			c := commands.RotateAPIKey{KeyID: key.ID}
			return act(w.request(owner), toRotate, c), act(w.request(admin), toRotate, c)
		},
		wants: []string{"ApiKeyRotated", "ApiKeyIssued"},
	},
}

// each runs a test for every scenario and every place where its process may
// die.
func each(t *testing.T, test func(w *world, s scenario, at int, written bool)) {
	t.Helper()
	for _, s := range scenarios {
		for at := 1; at <= s.appends; at++ {
			for _, written := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/written=%t", s.name, at, written), func(t *testing.T) {
					t.Parallel()
					test(newWorld(t, newModel()), s, at, written)
				})
			}
		}
	}
}

func TestScenariosMakeTheirEvents(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		m := newModel()
		w := newWorld(t, m)
		mine, _ := s.begin(w)
		before := m.String()
		counting := &faulty{Streams: m}
		if _, err := mine.run(newCommands(counting), mine.req); err != nil || counting.appends != s.appends {
			t.Errorf("%s: %d appends, %v", s.name, counting.appends, err)
		}
		if got := m.typesSince(before); !equalUnordered(got, s.wants) {
			t.Errorf("%s makes %q, want %q", s.name, got, s.wants)
		}
	}
}

// The same request, repeated after its process died, does what is left to do
// and answers as if nothing had happened.
func TestRepeatedAfterDeath(t *testing.T) {
	t.Parallel()
	each(t, func(w *world, s scenario, at int, written bool) {
		m := w.store.(*model)
		mine, theirs := s.begin(w)
		before := m.String()
		if _, err := mine.run(newCommands(&faulty{Streams: m, at: at, written: written}), mine.req); err == nil {
			w.Fatal("the process did not die")
		}
		w.now = start.Add(time.Hour)
		first, err := mine.run(newCommands(m), again(mine.req))
		if err != nil {
			w.Fatal(err)
		}
		// A claim may be written again, by an attempt that cannot know whether
		// somebody is about to contest it. Nothing else is.
		got := m.typesSince(before)
		if renewed := slices.Index(got, "ValueReserved"); len(got) == len(s.wants)+1 && renewed >= 0 {
			got = slices.Delete(got, renewed, renewed+1)
		}
		if !equalUnordered(got, s.wants) {
			w.Errorf("made %q, want %q", got, s.wants)
		}
		done := m.String()
		second, err := mine.run(newCommands(m), again(mine.req))
		if diff := domaintest.Diff(first, second); err != nil || diff != "" {
			w.Errorf("repeated once more: %v (-first +second):\n%s", err, diff)
		}
		if m.String() != done {
			w.Errorf("repeating wrote more:\n%s\nafter:\n%s", m, done)
		}
		w.now = start.AddDate(1, 0, 0)
		theirs.req.Now = w.now
		if _, err := theirs.run(newCommands(m), theirs.req); err == nil {
			w.Error("the rival got the same")
		}
		m.checkUniqueness(w)
	})
}

// A rival's request, made after the grace, gets what the dead process never
// used; and the first request, repeated after that, does not get it back.
func TestRivalAfterDeath(t *testing.T) {
	t.Parallel()
	each(t, func(w *world, s scenario, at int, written bool) {
		m := w.store.(*model)
		mine, theirs := s.begin(w)
		_, err := mine.run(newCommands(&faulty{Streams: m, at: at, written: written}), mine.req)
		if err == nil {
			w.Fatal("the process did not die")
		}
		theirs.req.Now = start.Add(time.Minute)
		_, err = theirs.run(newCommands(m), theirs.req)
		_, repeated := mine.run(newCommands(m), again(mine.req))
		if (err == nil) == (repeated == nil) {
			w.Errorf("the rival: %v; the first, repeated: %v; want one of them refused\n%s", err, repeated, m)
		}
		m.checkUniqueness(w)
	})
}

// Within the grace the rival is refused, and the first goes on.
func TestRivalWithinTheGrace(t *testing.T) {
	t.Parallel()
	each(t, func(w *world, s scenario, at int, written bool) {
		if at == 1 && !written {
			return // Nobody could know of the first.
		}
		m := w.store.(*model)
		mine, theirs := s.begin(w)
		_, _ = mine.run(newCommands(&faulty{Streams: m, at: at, written: written}), mine.req)
		theirs.req.Now = start.Add(time.Minute - time.Millisecond)
		if s.name == "register" && at == 1 || s.name == "register" && at == 2 && !written {
			return // The address was not reserved yet.
		}
		if _, err := theirs.run(newCommands(m), theirs.req); err == nil {
			w.Error("the rival did not wait")
		}
		if _, err := mine.run(newCommands(m), again(mine.req)); err != nil {
			w.Error(err)
		}
		m.checkUniqueness(w)
	})
}

// The two ways in which a take-over and its holder's second attempt meet: the
// holder comes between the take-over's last look and its write, before or after
// the mark.
func TestHolderComesBackDuringATakeOver(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios[:3] {
		for before := 1; before <= 2; before++ { // the mark, the take-over
			t.Run(fmt.Sprintf("%s/%d", s.name, before), func(t *testing.T) {
				t.Parallel()
				m := newModel()
				w := newWorld(t, m)
				mine, theirs := s.begin(w)
				use := s.appends
				if s.name != "register" {
					use-- // The last append is a consequence.
				}
				if _, err := mine.run(newCommands(&faulty{Streams: m, at: use}), mine.req); err == nil {
					t.Fatal("the process did not die")
				}
				interrupt := before
				if s.name == "register" {
					interrupt++ // The rival's own subject comes first.
				}
				theirs.req.Now = start.Add(time.Hour)
				var mineErr error
				_, err := theirs.run(newCommands(&interrupted{Streams: m, at: interrupt, by: func() {
					_, mineErr = mine.run(newCommands(m), again(mine.req))
				}}), theirs.req)
				if mineErr != nil || err == nil {
					t.Errorf("the holder: %v; the rival: %v; want the rival refused\n%s", mineErr, err, m)
				}
				m.checkUniqueness(t)
			})
		}
	}
}

// A slug that was given up is in quarantine even if the process died before it
// could say so.
func TestQuarantineNeedsNoRelease(t *testing.T) {
	t.Parallel()
	m := newModel()
	w := newWorld(t, m)
	owner, o := w.organization()
	rival, _ := w.organization()
	if _, err := newCommands(&faulty{Streams: m, at: 3}).UpdateOrganization(testContext, w.request(owner), moved(unique())); err == nil {
		t.Fatal("the process did not die")
	}
	w.now = start.AddDate(0, 0, 90).Add(-time.Millisecond)
	refused(t, must(w.UpdateOrganization(w.Context(), w.request(rival), moved(o.Slug))), organization.ErrSlugTaken)
	w.now = start.AddDate(0, 0, 90)
	must(w.UpdateOrganization(w.Context(), w.request(rival), moved(o.Slug))).in(w)
	m.checkUniqueness(t)
}

// checkUniqueness looks at all that was ever written.
func (m *model) checkUniqueness(t interface{ Errorf(string, ...any) }) {
	slugs, emails, subjects := map[string]string{}, map[string]string{}, map[string]string{}
	claim := func(of map[string]string, kind reservation.Kind, hash, value, owner string) {
		if other, taken := of[value]; taken {
			t.Errorf("%s and %s both have the %s %s\n%s", other, owner, kind, value, m)
		}
		of[value] = owner
		held := foldAll(m.all(reservation.Category)["reservation-"+reservation.ID(kind, hash)], reservation.Apply)
		if held.OwnerID != owner {
			t.Errorf("%s has the %s %s, which is reserved for %s\n%s", owner, kind, value, held.OwnerID, m)
		}
	}
	for _, events := range m.all(organization.Category) {
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
	for _, events := range m.all(user.Category) {
		if u := foldAll(events, user.Apply); u.Status == user.StatusActive {
			claim(emails, reservation.Email, u.EmailHash, u.EmailHash, string(u.ID))
			claim(subjects, reservation.Subject, u.SubjectHash, u.SubjectHash, string(u.ID))
		}
		if n := count[user.Registered](events); n > 1 {
			t.Errorf("%d registrations in one stream\n%s", n, m)
		}
	}
	successors := map[id.APIKey]apikey.State{}
	for _, events := range m.all(apikey.Category) {
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
