package commands_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	operatoract "github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/personal"
)

// An act is recorded before it is done, and its end afterwards, whatever that is.
func TestOperatorsActsAreRecorded(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		admin := access.Principal{Kind: access.KindSystem, UserID: "sysuser_x", SystemRoles: []access.SystemRole{access.SystemAdmin}}
		support := admin
		support.SystemRoles = []access.SystemRole{access.SystemSupport}
		skip := commands.BeginAct{Kind: operatoract.SkipParked, Target: "users", Reason: personal.New("ticket 4711")}
		broken := errors.New("the tables are gone")

		read := func(req commands.Request) operatoract.State {
			w.Helper()
			name, err := commands.ActID(req)
			if err != nil {
				w.Fatal(err)
			}
			fold := commands.Fold{Zero: operatoract.State{}, Apply: func(s any, e event.Event) any { return operatoract.Apply(s.(operatoract.State), e) }}
			snapshot, err := w.store.Load(w.Context(), operatoract.Aggregate.Stream(name), fold, true)
			if err != nil {
				w.Fatal(err)
			}
			return snapshot.State.(operatoract.State)
		}
		for name, c := range map[string]struct {
			work    func(context.CancelFunc) (string, error)
			outcome operatoract.Outcome
			note    string
			fails   error
		}{
			"done":        {func(context.CancelFunc) (string, error) { return "2 events", nil }, operatoract.Done, "2 events", nil},
			"failed":      {func(context.CancelFunc) (string, error) { return "", broken }, operatoract.Failed, broken.Error(), broken},
			"interrupted": {func(stop context.CancelFunc) (string, error) { stop(); return "", context.Canceled }, operatoract.Interrupted, "", context.Canceled},
		} {
			req := w.request(admin)
			ctx, cancel := context.WithCancel(w.Context())
			err := w.Act(ctx, req, skip, func(context.Context) (string, error) {
				if s := read(req); s.Outcome != operatoract.Underway || s.Kind != operatoract.SkipParked || s.Target != "users" {
					w.Errorf("%s: meanwhile it is %+v", name, s)
				}
				return c.work(cancel)
			})
			cancel()
			if s := read(req); !errors.Is(err, c.fails) || s.Outcome != c.outcome || s.Note != c.note || s.EndedAt.Before(s.BeganAt) {
				w.Errorf("%s: %v, %+v", name, err, s)
			}
		}
		for name, c := range map[string]struct {
			by     access.Principal
			reason string
			says   string
		}{
			"support":         {support, "ticket 4711", "FORBIDDEN"},
			"nobody":          {access.Principal{}, "ticket 4711", "FORBIDDEN"},
			"without reason":  {admin, "", "VALIDATION_FAILED"},
			"with a bad one":  {admin, strings.Repeat("x", 501), "VALIDATION_FAILED"},
			"with no letters": {admin, "\x1b[2J\x00", "VALIDATION_FAILED"},
		} {
			req := w.request(c.by)
			err := w.Act(w.Context(), req, commands.BeginAct{Kind: operatoract.SkipParked, Reason: personal.New(c.reason)}, func(context.Context) (string, error) {
				w.Errorf("%s: it was done", name)
				return "", nil
			})
			if f := failure.Of(err); f == nil || f.Code != c.says {
				w.Errorf("%s: %v", name, err)
			}
			if s := read(req); !s.BeganAt.IsZero() {
				w.Errorf("%s: it is recorded: %+v", name, s)
			}
		}
	})
}
