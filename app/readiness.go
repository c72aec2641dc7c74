package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/httpapi"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/projections"
)

// readyBeat is how often WaitReady asks.
const readyBeat = 20 * time.Millisecond

// WaitReady returns nil once all parts work, or ctx's error.
func (a *App) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(readyBeat)
	defer tick.Stop()
	for {
		if !slices.ContainsFunc(a.ready(ctx), func(c httpapi.Check) bool { return c.State != httpapi.StateOK }) {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// ready asks all parts how they are.
func (a *App) ready(ctx context.Context) []httpapi.Check {
	checks := []httpapi.Check{
		check("postgres", a.db.pool.Ping(ctx)),
		check("eventstore", a.log.check(ctx)),
	}
	if a.settings.Role.api() {
		checks = append(checks, check("identity", a.tokens.Ready()), check("directory", a.directory.Ready()))
	}
	if !a.settings.Role.api() && !a.settings.Role.projector() {
		return checks
	}
	statuses, err := a.engine.Status(ctx)
	if err != nil {
		return append(checks, check("projections", err))
	}
	for _, s := range statuses {
		checks = append(checks, projectionCheck(s))
	}
	return checks
}

// check tells a part that works from one that does not. What a failure says is
// meant for people; of other errors the log has the text, not the public.
func check(name string, err error) httpapi.Check {
	c := httpapi.Check{Name: name, State: httpapi.StateOK}
	if err == nil {
		return c
	}
	c.State, c.Detail = httpapi.StateDown, "it does not answer"
	if errors.Is(err, eventstore.ErrWrongLog) {
		c.Detail = "it holds another event log than before"
	} else if f := failure.Of(err); f != nil {
		c.Detail = f.Message
	} else if errors.Is(err, context.DeadlineExceeded) {
		c.Detail = "it did not answer in time"
	}
	return c
}

// projectionCheck is a projection's state for readiness. Tables of another
// version that are served while those of this version are built are no reason
// to turn callers away.
func projectionCheck(s projections.Status) httpapi.Check {
	c := httpapi.Check{Name: "projection " + s.Projection, Detail: s.Failure}
	switch s.State {
	case projections.StateLive:
		c.State = httpapi.StateOK
	case projections.StateCatchingUp:
		c.State = httpapi.StateLagging
		if s.Outdated && s.Building {
			c.State, c.Detail = httpapi.StateOK, fmt.Sprintf("version %d is served while this program's is built", s.Version)
		}
	case projections.StateStuck:
		c.State = httpapi.StateStuck
	case projections.StateStopped:
		c.State, c.Detail = httpapi.StateDown, "no process projects it"
	case projections.StateLogWentBack:
		c.State = httpapi.StateDown
		c.Detail = "the event log went back: what is served is no longer in the log"
	}
	return c
}
