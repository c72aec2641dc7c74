package act_test

import (
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

type (
	given    = []event.Event
	then     = []event.Event
	decision = func(act.State) ([]event.Event, error)
)

var (
	at    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	began = act.OperatorActBegan{
		ActID: "act_1", Kind: act.SkipParked, Target: "users", Details: map[string]string{"stream": "user-1"},
		Account: personal.New("ada@laptop"), Reason: personal.New("ticket 4711"), OccurredAt: at,
	}
)

func system(roles ...access.SystemRole) access.Principal {
	return access.Principal{Kind: access.KindSystem, UserID: "sysuser_x", SystemRoles: roles}
}

func begin(by access.Principal, kind act.Kind, reason string) decision {
	return func(s act.State) ([]event.Event, error) {
		return s.Begin(by, act.Beginning{
			ID: "act_1", Kind: kind, Target: "users", Details: map[string]string{"stream": "user-1"},
			Account: personal.New("ada@laptop"), Reason: personal.New(reason),
		}, at)
	}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	admin := system(access.SystemAdmin)
	silent := began
	silent.Kind, silent.Reason = act.RetryParked, personal.Text{}
	domaintest.Run(t, act.Apply, []domaintest.Case[act.State]{
		{Name: "by an admin", When: begin(admin, act.SkipParked, " ticket 4711 "), Then: then{began}},
		{
			Name: "by what was given the permission", Then: then{began},
			When: begin(access.ByPolicy("command-line", "", access.ManageOperations), act.SkipParked, "ticket 4711"),
		},
		{Name: "once", Given: given{began}, When: begin(admin, act.SkipParked, "ticket 4711")},
		{Name: "not by support", When: begin(system(access.SystemSupport), act.SkipParked, "ticket 4711"), Fails: access.ErrForbidden},
		{Name: "not by finance", When: begin(system(access.SystemFinance), act.SkipParked, "ticket 4711"), Fails: access.ErrForbidden},
		{Name: "not without a reason", When: begin(admin, act.SkipParked, ""), Fails: domaintest.Invalid, Fields: []string{"reason"}},
		{Name: "not with spaces for a reason", When: begin(admin, act.SkipParked, "     "), Fails: domaintest.Invalid, Fields: []string{"reason"}},
		{
			Name: "not with a long one", When: begin(admin, act.RetryParked, strings.Repeat("x", 501)),
			Fails: domaintest.Invalid, Fields: []string{"reason"},
		},
		{Name: "others need none", When: begin(admin, act.RetryParked, ""), Then: then{silent}},
		{Name: "of a kind", When: begin(admin, "other", "ticket 4711"), Fails: domaintest.Invalid, Fields: []string{"kind"}},
	})
}

func TestEnd(t *testing.T) {
	t.Parallel()
	end := func(how act.Outcome, note string) decision {
		return func(s act.State) ([]event.Event, error) { return s.End(how, note, at) }
	}
	ended := act.OperatorActEnded{ActID: "act_1", Outcome: act.Done, Note: "2 events were taken in", OccurredAt: at}
	long := act.OperatorActEnded{ActID: "act_1", Outcome: act.Failed, Note: strings.Repeat("ü", 500), OccurredAt: at}
	domaintest.Run(t, act.Apply, []domaintest.Case[act.State]{
		{Name: "done", Given: given{began}, When: end(act.Done, "2 events were taken in"), Then: then{ended}},
		{Name: "a long note is cut", Given: given{began}, When: end(act.Failed, strings.Repeat("ü", 600)), Then: then{long}},
		{Name: "once", Given: given{began, ended}, When: end(act.Done, "again")},
		{Name: "not in another way", Given: given{began, ended}, When: end(act.Failed, ""), Fails: act.ErrEnded},
		{Name: "not before it began", When: end(act.Done, ""), Fails: act.ErrEnded},
		{Name: "in a known way", Given: given{began}, When: end(act.Underway, ""), Fails: domaintest.Invalid, Fields: []string{"outcome"}},
	})
}

func TestEveryKindNeedsAPermissionOfTheSystem(t *testing.T) {
	t.Parallel()
	for _, kind := range []act.Kind{act.RebuildProjection, act.RevealParked, act.DiscardJob, act.ExportAudit} {
		if !kind.Valid() || !access.SystemAdmin.May(kind.Permission()) || access.SystemSupport.May(kind.Permission()) {
			t.Errorf("%s needs %q", kind, kind.Permission())
		}
	}
}
