package user_test

import (
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

const grace = 30 * 24 * time.Hour

func TestDeactivate(t *testing.T) {
	t.Parallel()
	deactivate := func(s user.State) ([]event.Event, error) { return s.Deactivate(grace, now) }
	domaintest.Run(t, user.Apply, []domaintest.Case[user.State]{
		{
			Name: "begins the grace", Given: given{registered}, When: deactivate,
			Then: then{user.Deactivated{UserID: "user_1", PurgeAt: now.Add(grace), OccurredAt: now}},
		},
		{Name: "does nothing again", Given: given{registered, deactivated}, When: deactivate},
		{Name: "refuses an erased account", Given: given{registered, deactivated, erased}, When: deactivate, Fails: user.ErrNotFound},
		{Name: "refuses what does not exist", When: deactivate, Fails: user.ErrNotFound},
	})
}

func TestRestore(t *testing.T) {
	t.Parallel()
	restore := func(at time.Time) func(user.State) ([]event.Event, error) {
		return func(s user.State) ([]event.Event, error) { return s.Restore(at) }
	}
	last := deactivated.PurgeAt.Add(-time.Millisecond)
	domaintest.Run(t, user.Apply, []domaintest.Case[user.State]{
		{
			Name: "ends a deactivation in the last instant of the grace", Given: given{registered, deactivated}, When: restore(last),
			Then: then{user.Restored{UserID: "user_1", OccurredAt: last}},
		},
		{
			Name: "refuses at the end of the grace", Given: given{registered, deactivated}, When: restore(deactivated.PurgeAt),
			Fails: user.ErrGraceExpired,
		},
		{Name: "does nothing for an account in use", Given: given{registered}, When: restore(now)},
		{Name: "refuses an erased account", Given: given{registered, deactivated, erased}, When: restore(now), Fails: user.ErrNotFound},
		{Name: "refuses what does not exist", When: restore(now), Fails: user.ErrNotFound},
	})
}

func TestErase(t *testing.T) {
	t.Parallel()
	erase := func(s user.State) ([]event.Event, error) { return s.Erase(now) }
	domaintest.Run(t, user.Apply, []domaintest.Case[user.State]{
		{
			Name: "ends a deactivated account", Given: given{registered, deactivated}, When: erase,
			Then: then{user.Erased{UserID: "user_1", OccurredAt: now}},
		},
		{Name: "refuses an account in use", Given: given{registered}, When: erase, Fails: user.ErrNotDeactivated},
		{Name: "does nothing again", Given: given{registered, deactivated, erased}, When: erase},
		{Name: "refuses what does not exist", When: erase, Fails: user.ErrNotFound},
	})
}

func TestPurgeIsDueByTheClock(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(user.Apply, registered, deactivated)
	for at, want := range map[time.Time]bool{deactivated.PurgeAt.Add(-1): false, deactivated.PurgeAt: true} {
		if s.PurgeDue(at) != want {
			t.Errorf("at %s it is not %t", at, want)
		}
	}
	if domaintest.Fold(user.Apply, registered).PurgeDue(now) {
		t.Error("an account in use is due")
	}
}

// The address that confirms may be spelt in any way that stands for the same one.
func TestConfirmEmail(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(user.Apply, registered)
	for text, want := range map[string]string{
		"ada@example.org": "", " Ada@Example.ORG ": "", "ａda@example.org": "",
		"": "confirmEmail REQUIRED", "ada@example.com": "confirmEmail MISMATCHED", "аda@example.org": "confirmEmail MISMATCHED",
	} {
		if got := domaintest.Broken(s.ConfirmEmail(personal.New(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
