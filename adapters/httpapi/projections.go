package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/projections"
)

// Operations is what operators do to read models: see projections.Engine.
type Operations interface {
	Names() []string
	Inspect(ctx context.Context) ([]projections.Status, error)
	Generations(ctx context.Context) ([]projections.Generation, error)
	Builds(ctx context.Context) ([]projections.Build, error)
	OrderRebuild(ctx context.Context, names []string, o projections.RebuildOptions) ([]projections.Generation, error)
	OrderConfirm(ctx context.Context, name string) (projections.Generation, error)
	OrderRollback(ctx context.Context, name string, generation int64, act string) (projections.Generation, error)
	CancelBuild(ctx context.Context, name string) (projections.Generation, error)
	Diff(ctx context.Context, name string) (projections.Verification, error)
	DropRetired(ctx context.Context, age time.Duration) (int, error)
	StartVerification(ctx context.Context, name string, o projections.VerifyOptions, act string) error
	LastVerification(ctx context.Context, name string) (projections.ServerVerification, error)
	Parked(ctx context.Context, name string, limit int) (first []projections.Parked, all int64, err error)
	ShowParked(ctx context.Context, name, stream string, limit int, each func(projections.Parked, event.Recorded, error) error) error
	RetryParked(ctx context.Context, name, stream string) (int, error)
	SkipParked(ctx context.Context, name, stream string) (int, error)
}

var (
	errProjectionNotFound = failure.New(failure.NotFound, "PROJECTION_NOT_FOUND",
		"there is no read model of this name")
	errProjectionBusy = failure.New(failure.Conflict, "PROJECTION_BUSY",
		"this read model is being rebuilt or verified already")
	errProjectionBehind = failure.New(failure.Unavailable, "PROJECTION_BEHIND",
		"the read model does not follow the log at the moment: see its state")
	errProjectionOutdated = failure.New(failure.Conflict, "PROJECTION_OUTDATED",
		"the read model shows what the log no longer holds: it has to be rebuilt")
	errProjectionUnsupported = failure.New(failure.Conflict, "PROJECTION_UNSUPPORTED",
		"the tables are of another version, which this program has no reducers for")
	errRebuildNotFound = failure.New(failure.NotFound, "REBUILD_NOT_FOUND",
		"this read model is not being rebuilt")
	errRebuildUnfinished = failure.New(failure.Conflict, "REBUILD_UNFINISHED",
		"the rebuild does not wait for a confirmation")
	errGenerationNotFound = failure.New(failure.NotFound, "GENERATION_NOT_FOUND",
		"there is no such retired generation to go back to")
	errVerificationNotFound = failure.New(failure.NotFound, "VERIFICATION_NOT_FOUND",
		"this read model was not verified yet")
	errParkedNotFound = failure.New(failure.NotFound, "PARKED_EVENT_NOT_FOUND",
		"no event of this stream is parked")
	errParkedOutdated = failure.New(failure.Conflict, "PARKED_EVENT_OUTDATED",
		"other events have changed the same rows since: rebuild the read model instead")
)

// refusalsOfProjections are what the errors of the engine mean to callers.
var refusalsOfProjections = []struct{ is, means error }{
	{projections.ErrUnknownProjection, errProjectionNotFound},
	{projections.ErrBuilding, errProjectionBusy},
	{projections.ErrLagging, errProjectionBehind},
	{event.ErrLogWentBack, errProjectionOutdated},
	{projections.ErrNoReducers, errProjectionUnsupported},
	{projections.ErrNotBuilding, errRebuildNotFound},
	{projections.ErrNotReady, errRebuildUnfinished},
	{projections.ErrNotRetired, errGenerationNotFound},
	{projections.ErrNotVerified, errVerificationNotFound},
	{projections.ErrNothingParked, errParkedNotFound},
	{projections.ErrSharedRows, errParkedOutdated},
}

// ofProjections is an error of the engine as callers get it.
func ofProjections(err error) error {
	for _, r := range refusalsOfProjections {
		if errors.Is(err, r.is) {
			return r.means
		}
	}
	return err
}

type (
	// ProjectionState is a read model as operators see it.
	ProjectionState struct {
		Name            string            `json:"name" example:"members"`
		Version         int               `json:"version" doc:"That of the tables that are served." example:"3"`
		State           string            `json:"state" doc:"live, catching up, stuck, stopped or log went back." example:"live"`
		Outdated        bool              `json:"outdated" doc:"Whether the tables are of another version than this program's."`
		Pinned          bool              `json:"pinned" doc:"Whether an operator has gone back to this generation."`
		Owner           *string           `json:"owner" doc:"The process that projects it." example:"web-1/4711 (projector)"`
		Position        string            `json:"position" example:"C:4711/P:4711"`
		Head            string            `json:"head" doc:"The end of the log." example:"C:4711/P:4711"`
		LagEvents       int64             `json:"lagEvents" doc:"How many events it has not taken in." example:"0"`
		LagEstimated    bool              `json:"lagEstimated" doc:"Whether that number is estimated."`
		LagSeconds      float64           `json:"lagSeconds" doc:"For how long the oldest of them has waited." example:"0"`
		Events          int64             `json:"events" doc:"How many events it has taken in." example:"4711"`
		EventsPerSecond *float64          `json:"eventsPerSecond" doc:"How many of late; null when this is not known yet." example:"12"`
		Parked          int               `json:"parked" doc:"How many events are parked." example:"0"`
		Failure         *string           `json:"failure" doc:"Why it does not advance." example:"the database cannot be reached"`
		FailingSince    *Time             `json:"failingSince"`
		Build           *ProjectionBuild  `json:"build" doc:"The rebuild that is under way or waits."`
		Generations     []ModelGeneration `json:"generations" doc:"All sets of tables."`
	}
	// ProjectionBuild is a rebuild.
	ProjectionBuild struct {
		Projection       string  `json:"projection" example:"members"`
		Generation       int64   `json:"generation" example:"17"`
		Phase            string  `json:"phase" example:"reading the log"`
		Done             float64 `json:"done" doc:"Which part of the log is read, from 0 to 1." example:"0.42"`
		Events           int64   `json:"events" example:"4711"`
		EventsPerSecond  float64 `json:"eventsPerSecond" example:"31000"`
		RemainingSeconds float64 `json:"remainingSeconds" doc:"Zero when unknown." example:"12"`
		Ready            bool    `json:"ready" doc:"Whether it waits for a confirmation."`
		Failure          *string `json:"failure" example:"the database cannot be reached"`
		ActID            *string `json:"actId" doc:"The act of the operator who asked for it." example:"act_01jd9z3q5we8x9v6m2k4t7r1b9"`
	}
	// ModelGeneration is one set of tables.
	ModelGeneration struct {
		ID        int64  `json:"id" example:"17"`
		Version   int    `json:"version" example:"3"`
		State     string `json:"state" doc:"live, building, retired or scratch." example:"retired"`
		Events    int64  `json:"events" example:"4711"`
		Position  string `json:"position" example:"C:4711/P:4711"`
		Parked    int    `json:"parked" example:"0"`
		CreatedAt Time   `json:"createdAt"`
	}
	// ModelDifferences are rows that differ.
	ModelDifferences struct {
		Position    string            `json:"position" doc:"Where in the log both were compared." example:"C:4711/P:4711"`
		Events      int64             `json:"events" example:"4711"`
		Rows        int64             `json:"rows" doc:"How many rows were compared." example:"815"`
		Different   int64             `json:"different" doc:"How many of them differ." example:"1"`
		Repaired    int64             `json:"repaired" example:"0"`
		NotCompared []string          `json:"notCompared" doc:"Tables and columns that only one of both has."`
		Differences []ModelDifference `json:"differences" doc:"The first 1,000 of them."`
	}
	// ModelDifference is a row that differs.
	ModelDifference struct {
		Table   string   `json:"table" example:"members"`
		Key     []string `json:"key" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
		Cause   *string  `json:"cause" doc:"The likely cause." example:"missed event: MemberJoined"`
		Live    any      `json:"live" doc:"The row as it is; null where there is none."`
		Rebuilt any      `json:"rebuilt" doc:"The row as a rebuild has it."`
	}
)

func projectionOf(s projections.Status, builds []projections.Build, generations []projections.Generation) ProjectionState {
	out := ProjectionState{
		Name: s.Projection, Version: s.Version, State: string(s.State), Outdated: s.Outdated, Pinned: s.Pinned,
		Position: s.Position.String(), Head: s.Head.String(), LagEvents: s.LagEvents, LagEstimated: s.LagEstimated, LagSeconds: s.Lag.Seconds(),
		Events: s.Events, Parked: s.Parked, Failure: optional(s.Failure), FailingSince: optionalTime(s.FailingSince),
		Generations: []ModelGeneration{},
	}
	if s.Owner.Process != "" {
		out.Owner = new(s.Owner.Name)
	}
	if s.EventsPerSecond >= 0 {
		out.EventsPerSecond = &s.EventsPerSecond
	}
	for _, b := range builds {
		if b.Projection == s.Projection {
			out.Build = new(buildOf(b))
		}
	}
	for _, g := range generations {
		if g.Projection == s.Projection {
			out.Generations = append(out.Generations, ModelGeneration{
				ID: g.ID, Version: g.Version, State: string(g.State), Events: g.Events, Position: g.Position.String(), Parked: g.Parked, CreatedAt: Time{g.CreatedAt},
			})
		}
	}
	return out
}

func buildOf(b projections.Build) ProjectionBuild {
	p := b.Progress
	out := ProjectionBuild{
		Projection: p.Projection, Generation: p.Generation, Phase: string(p.Phase), Done: p.Done(), Events: p.Events,
		EventsPerSecond: p.EventsPerSecond, RemainingSeconds: p.Remaining.Seconds(), Ready: p.Phase == projections.PhaseReady,
		Failure: optional(p.Failure),
	}
	if b.Order != nil {
		out.ActID = optional(b.Order.Act)
	}
	return out
}

func differencesOf(v projections.Verification) ModelDifferences {
	out := ModelDifferences{
		Position: v.Position.String(), Events: v.Events, Rows: v.Rows, Different: v.Different, Repaired: v.Repaired,
		NotCompared: append([]string{}, v.NotCompared...), Differences: make([]ModelDifference, len(v.Differences)),
	}
	for i, d := range v.Differences {
		out.Differences[i] = ModelDifference{Table: d.Table, Key: d.Key, Cause: optional(d.Cause), Live: rowOf(d.Live), Rebuilt: rowOf(d.Rebuilt)}
	}
	return out
}

func rowOf(row json.RawMessage) any {
	if row == nil {
		return nil
	}
	return row
}

func (a *API) registerProjections() {
	read, manage := permitted(access.ReadOperations), permitted(access.ManageOperations)
	op := func(method, id, path, summary, message string, authorization authorization, fails ...error) operation {
		return operation{
			id: id, method: method, path: "/admin/projections" + path, tag: tagAdmin, hidden: true,
			summary: summary, message: message, authorization: authorization, fails: fails,
		}
	}
	accepted := func(o operation) operation { o.status = http.StatusAccepted; return o }
	get, post := http.MethodGet, http.MethodPost
	register(a, op(get, "listProjections", "", "List read models with their states", "the read models", read), a.listProjections)
	register(a, op(get, "getProjection", "/{name}", "Get read model with its state", "the read model", read, errProjectionNotFound), a.getProjection)
	register(a, accepted(op(post, "rebuildProjections", "/rebuild", "Rebuild read models", "the rebuild was ordered", manage,
		errProjectionNotFound, errProjectionBusy)), a.rebuildProjections)
	register(a, op(get, "getRebuild", "/{name}/rebuild", "Get progress of rebuild", "the rebuild", read,
		errProjectionNotFound, errRebuildNotFound), a.getRebuild)
	register(a, op(get, "getRebuildChanges", "/{name}/rebuild/changes", "Get what a rebuild would change", "what would change", read,
		errProjectionNotFound, errProjectionBusy, errRebuildNotFound, errRebuildUnfinished, errProjectionBehind, errProjectionOutdated, errProjectionUnsupported), a.getRebuildChanges)
	register(a, accepted(op(post, "confirmRebuild", "/{name}/rebuild/confirm", "Confirm rebuild", "the rebuild was confirmed", manage,
		errProjectionNotFound, errProjectionBusy, errRebuildNotFound, errRebuildUnfinished)), a.confirmRebuild)
	register(a, op(post, "cancelRebuild", "/{name}/rebuild/cancel", "Cancel rebuild", "the rebuild was cancelled", manage,
		errProjectionNotFound, errProjectionBusy, errRebuildNotFound), a.cancelRebuild)
	register(a, accepted(op(post, "rollBackProjection", "/{name}/rollback", "Go back to an earlier generation", "the rollback was ordered", manage,
		errProjectionNotFound, errProjectionBusy, errGenerationNotFound, errProjectionUnsupported, errProjectionOutdated)), a.rollBackProjection)
	register(a, op(post, "pruneProjections", "/prune", "Delete retired generations", "the generations were deleted", manage), a.pruneProjections)
	register(a, accepted(op(post, "verifyProjection", "/{name}/verify", "Compare read model with a rebuild", "the verification was begun", manage,
		errProjectionNotFound, errProjectionBusy)), a.verifyProjection)
	register(a, op(get, "getVerification", "/{name}/verification", "Get latest verification", "the verification", read,
		errProjectionNotFound, errVerificationNotFound), a.getVerification)
	register(a, op(get, "listParkedEvents", "/{name}/parked", "List parked events", "the parked events", read, errProjectionNotFound), a.listParked)
	register(a, op(get, "showParkedEvents", "/{name}/parked/{stream}", "Show parked events of a stream", "the parked events", read,
		errProjectionNotFound, errParkedNotFound), a.showParked)
	register(a, op(post, "revealParkedEvents", "/{name}/parked/{stream}/reveal", "Show parked events with data about people", "the parked events", manage,
		errProjectionNotFound, errParkedNotFound), a.revealParked)
	parked := []error{errProjectionNotFound, errParkedNotFound, errParkedOutdated, errProjectionUnsupported, errProjectionOutdated}
	register(a, op(post, "retryParkedEvents", "/{name}/parked/{stream}/retry", "Retry parked events", "the events were retried", manage, parked...), a.retryParked)
	register(a, op(post, "skipParkedEvent", "/{name}/parked/{stream}/skip", "Skip parked event", "the event was skipped", manage, parked...), a.skipParked)
}

// acting carries out an act of the caller, and records it.
func (a *API) acting(ctx context.Context, x *exchange, begin commands.BeginAct, reason string, work func(ctx context.Context, act string) (note string, err error)) error {
	req := a.command(ctx, x)
	if reason != "" {
		begin.Reason = personal.New(reason)
	}
	name, err := commands.ActID(req)
	if err != nil {
		return err
	}
	return a.commands.Act(ctx, req, begin, func(ctx context.Context) (string, error) {
		note, err := work(ctx, string(name))
		return note, ofProjections(err)
	})
}

// ordering is acting for what servers carry out later: the act ends then.
func (a *API) ordering(ctx context.Context, x *exchange, begin commands.BeginAct, reason string, order func(ctx context.Context, act string) error) error {
	req := a.command(ctx, x)
	if reason != "" {
		begin.Reason = personal.New(reason)
	}
	return a.commands.OrderAct(ctx, req, begin, func(ctx context.Context, name string) error { return ofProjections(order(ctx, name)) })
}

// ProjectionInput names a read model.
type ProjectionInput struct {
	Name string `path:"name" maxLength:"40" example:"members"`
}

// known refuses a name that no read model has.
func (a *API) knownProjection(name string) error {
	for _, known := range a.models.Names() {
		if known == name {
			return nil
		}
	}
	return errProjectionNotFound
}

// ProjectionStates is the list of read models.
type ProjectionStates struct {
	Items []ProjectionState `json:"items"`
}

func (a *API) projectionStates(ctx context.Context) ([]ProjectionState, error) {
	states, err := a.models.Inspect(ctx)
	if err != nil {
		return nil, err
	}
	builds, err := a.models.Builds(ctx)
	if err != nil {
		return nil, err
	}
	generations, err := a.models.Generations(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]ProjectionState, len(states))
	for i, s := range states {
		all[i] = projectionOf(s, builds, generations)
	}
	return all, nil
}

func (a *API) listProjections(ctx context.Context, _ *exchange, _ *struct{}) (reply[ProjectionStates], error) {
	all, err := a.projectionStates(ctx)
	return reply[ProjectionStates]{data: ProjectionStates{all}}, err
}

func (a *API) getProjection(ctx context.Context, _ *exchange, in *ProjectionInput) (reply[ProjectionState], error) {
	all, err := a.projectionStates(ctx)
	if err != nil {
		return reply[ProjectionState]{}, err
	}
	for _, s := range all {
		if s.Name == in.Name {
			return reply[ProjectionState]{data: s}, nil
		}
	}
	return reply[ProjectionState]{}, errProjectionNotFound
}

type rebuildProjectionsInput struct {
	Body struct {
		Projections []string `json:"projections,omitempty" nullable:"true" maxItems:"100" doc:"Which ones; without it, all." example:"members"`
		Throttle    *int     `json:"throttle,omitempty" nullable:"true" doc:"How many events a second at most; 0 for no limit. Without it, the rebuild rests as long as it works." example:"20000"`
		Confirm     bool     `json:"confirm,omitempty" doc:"Whether it waits for a confirmation before readers see it." example:"true"`
		Reason      string   `json:"reason,omitempty" maxLength:"2000" doc:"From 3 to 500 characters." example:"ticket 4711"`
	} `nameHint:"RebuildOrder"`
}

// ProjectionBuilds are rebuilds.
type ProjectionBuilds struct {
	Items []ProjectionBuild `json:"items"`
}

func (a *API) rebuildProjections(ctx context.Context, x *exchange, in *rebuildProjectionsInput) (reply[ProjectionBuilds], error) {
	o := projections.RebuildOptions{Confirm: in.Body.Confirm}
	switch t := in.Body.Throttle; {
	case t == nil:
	case *t < 0:
		var wrong failure.Fields
		wrong.Add("throttle", input.CodeRange, "must not be negative")
		return reply[ProjectionBuilds]{}, wrong.Err()
	case *t == 0:
		o.Throttle = projections.Unthrottled
	default:
		o.Throttle = *t
	}
	for _, name := range in.Body.Projections {
		if err := a.knownProjection(name); err != nil {
			return reply[ProjectionBuilds]{}, err
		}
	}
	target := strings.Join(in.Body.Projections, " ")
	if target == "" {
		target = strings.Join(a.models.Names(), " ")
	}
	begin := commands.BeginAct{Kind: act.RebuildProjection, Target: target, Details: map[string]string{"throttle": fmt.Sprint(o.Throttle), "confirm": fmt.Sprint(o.Confirm)}}
	var all ProjectionBuilds
	err := a.ordering(ctx, x, begin, in.Body.Reason, func(ctx context.Context, name string) error {
		o.Act = name
		ordered, err := a.models.OrderRebuild(ctx, in.Body.Projections, o)
		for _, g := range ordered {
			all.Items = append(all.Items, buildOf(projections.Build{Generation: g, Progress: projections.BuildProgress{
				Projection: g.Projection, Generation: g.ID, Phase: projections.PhaseReading, Head: event.Position{Commit: 1},
			}}))
		}
		return err
	})
	return reply[ProjectionBuilds]{data: all}, err
}

func (a *API) build(ctx context.Context, name string) (projections.Build, error) {
	if err := a.knownProjection(name); err != nil {
		return projections.Build{}, err
	}
	builds, err := a.models.Builds(ctx)
	if err != nil {
		return projections.Build{}, err
	}
	for _, b := range builds {
		if b.Projection == name {
			return b, nil
		}
	}
	return projections.Build{}, errRebuildNotFound
}

func (a *API) getRebuild(ctx context.Context, _ *exchange, in *ProjectionInput) (reply[ProjectionBuild], error) {
	b, err := a.build(ctx, in.Name)
	if err != nil {
		return reply[ProjectionBuild]{}, err
	}
	return reply[ProjectionBuild]{data: buildOf(b)}, nil
}

func (a *API) getRebuildChanges(ctx context.Context, _ *exchange, in *ProjectionInput) (reply[ModelDifferences], error) {
	v, err := a.models.Diff(ctx, in.Name)
	if err != nil {
		return reply[ModelDifferences]{}, ofProjections(err)
	}
	return reply[ModelDifferences]{data: differencesOf(v)}, nil
}

type projectionActInput struct {
	ProjectionInput
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"2000" doc:"From 3 to 500 characters." example:"ticket 4711"`
	} `nameHint:"ProjectionAct" required:"false"`
}

func (a *API) confirmRebuild(ctx context.Context, x *exchange, in *projectionActInput) (reply[ProjectionBuild], error) {
	b, err := a.build(ctx, in.Name)
	if err != nil {
		return reply[ProjectionBuild]{}, err
	}
	err = a.acting(ctx, x, commands.BeginAct{Kind: act.ConfirmRebuild, Target: in.Name}, in.Body.Reason, func(ctx context.Context, _ string) (string, error) {
		g, err := a.models.OrderConfirm(ctx, in.Name)
		b.Generation, b.Progress.Phase = g, projections.PhaseDraining
		return fmt.Sprintf("generation %d was confirmed", g.ID), err
	})
	return reply[ProjectionBuild]{data: buildOf(b)}, err
}

func (a *API) cancelRebuild(ctx context.Context, x *exchange, in *projectionActInput) (reply[ProjectionBuild], error) {
	b, err := a.build(ctx, in.Name)
	if err != nil {
		return reply[ProjectionBuild]{}, err
	}
	err = a.acting(ctx, x, commands.BeginAct{Kind: act.CancelRebuild, Target: in.Name}, in.Body.Reason, func(ctx context.Context, _ string) (string, error) {
		g, err := a.models.CancelBuild(ctx, in.Name)
		return fmt.Sprintf("generation %d was deleted", g.ID), err
	})
	return reply[ProjectionBuild]{data: buildOf(b)}, err
}

type rollBackInput struct {
	ProjectionInput
	Body struct {
		Generation int64  `json:"generation,omitempty" doc:"Which one; without it, the one that was retired last." example:"17"`
		Reason     string `json:"reason,omitempty" maxLength:"2000" doc:"From 3 to 500 characters." example:"ticket 4711"`
	} `nameHint:"RollbackOrder" required:"false"`
}

// ModelRollback is a rollback.
type ModelRollback struct {
	Projection string `json:"projection" example:"members"`
	Generation int64  `json:"generation" doc:"The one that is to be live." example:"17"`
}

func (a *API) rollBackProjection(ctx context.Context, x *exchange, in *rollBackInput) (reply[ModelRollback], error) {
	if err := a.knownProjection(in.Name); err != nil {
		return reply[ModelRollback]{}, err
	}
	begin := commands.BeginAct{Kind: act.RollBackProjection, Target: in.Name, Details: map[string]string{"generation": fmt.Sprint(in.Body.Generation)}}
	out := ModelRollback{Projection: in.Name}
	err := a.ordering(ctx, x, begin, in.Body.Reason, func(ctx context.Context, name string) error {
		g, err := a.models.OrderRollback(ctx, in.Name, in.Body.Generation, name)
		out.Generation = g.ID
		return err
	})
	return reply[ModelRollback]{data: out}, err
}

type pruneInput struct {
	Body struct {
		OlderThanHours int64  `json:"olderThanHours,omitempty" doc:"Those that were retired later are kept." example:"24"`
		Reason         string `json:"reason,omitempty" maxLength:"2000" doc:"From 3 to 500 characters." example:"ticket 4711"`
	} `nameHint:"PruneOrder" required:"false"`
}

// PrunedGenerations tells how many generations were deleted.
type PrunedGenerations struct {
	Deleted int `json:"deleted" example:"2"`
}

// longestAge bounds an age in hours, so that it fits a duration.
const longestAge = 24 * 365 * 100

func (a *API) pruneProjections(ctx context.Context, x *exchange, in *pruneInput) (reply[PrunedGenerations], error) {
	if in.Body.OlderThanHours < 0 || in.Body.OlderThanHours > longestAge {
		var wrong failure.Fields
		wrong.Add("olderThanHours", input.CodeRange, fmt.Sprintf("must be from 0 to %d", longestAge))
		return reply[PrunedGenerations]{}, wrong.Err()
	}
	age := time.Duration(in.Body.OlderThanHours) * time.Hour
	var out PrunedGenerations
	begin := commands.BeginAct{Kind: act.PruneGenerations, Details: map[string]string{"olderThan": age.String()}}
	err := a.acting(ctx, x, begin, in.Body.Reason, func(ctx context.Context, _ string) (note string, err error) {
		out.Deleted, err = a.models.DropRetired(ctx, age)
		return fmt.Sprintf("%d generations were deleted", out.Deleted), err
	})
	return reply[PrunedGenerations]{data: out}, err
}

type verifyInput struct {
	ProjectionInput
	Body struct {
		Sample int64  `json:"sample,omitempty" doc:"How many rows of each table to compare, about; without it, all." example:"10000"`
		Repair bool   `json:"repair,omitempty" doc:"Whether rows that differ are written as the rebuild has them."`
		Reason string `json:"reason,omitempty" maxLength:"2000" doc:"From 3 to 500 characters." example:"ticket 4711"`
	} `nameHint:"VerificationOrder" required:"false"`
}

// ModelVerification is a verification by a server.
type ModelVerification struct {
	Projection string            `json:"projection" example:"members"`
	State      string            `json:"state" enum:"running,done,failed,interrupted" example:"done"`
	ActID      string            `json:"actId" doc:"The act of the operator who asked for it." example:"act_01jd9z3q5we8x9v6m2k4t7r1b9"`
	BeganAt    Time              `json:"beganAt"`
	EndedAt    *Time             `json:"endedAt"`
	Events     int64             `json:"events" doc:"How many events were read." example:"4711"`
	Failure    *string           `json:"failure" example:"the database cannot be reached"`
	Result     *ModelDifferences `json:"result" doc:"What was found; null before the end."`
}

func verificationOf(name string, v projections.ServerVerification) ModelVerification {
	out := ModelVerification{
		Projection: name, State: string(v.State), ActID: v.Act, BeganAt: Time{v.BeganAt}, EndedAt: optionalTime(v.EndedAt),
		Events: v.Events, Failure: optional(v.Failure),
	}
	if v.Result != nil {
		out.Result = new(differencesOf(*v.Result))
	}
	return out
}

func (a *API) verifyProjection(ctx context.Context, x *exchange, in *verifyInput) (reply[ModelVerification], error) {
	if err := a.knownProjection(in.Name); err != nil {
		return reply[ModelVerification]{}, err
	}
	if in.Body.Sample < 0 {
		var wrong failure.Fields
		wrong.Add("sample", input.CodeRange, "must not be negative")
		return reply[ModelVerification]{}, wrong.Err()
	}
	begin := commands.BeginAct{Kind: act.VerifyProjection, Target: in.Name, Details: map[string]string{"sample": fmt.Sprint(in.Body.Sample)}}
	if in.Body.Repair {
		begin.Kind = act.RepairProjection
	}
	var out ModelVerification
	err := a.ordering(ctx, x, begin, in.Body.Reason, func(ctx context.Context, name string) error {
		if err := a.models.StartVerification(ctx, in.Name, projections.VerifyOptions{Sample: in.Body.Sample, Repair: in.Body.Repair}, name); err != nil {
			return err
		}
		v, err := a.models.LastVerification(ctx, in.Name)
		out = verificationOf(in.Name, v)
		return err
	})
	return reply[ModelVerification]{data: out}, err
}

func (a *API) getVerification(ctx context.Context, _ *exchange, in *ProjectionInput) (reply[ModelVerification], error) {
	v, err := a.models.LastVerification(ctx, in.Name)
	if err != nil {
		return reply[ModelVerification]{}, ofProjections(err)
	}
	return reply[ModelVerification]{data: verificationOf(in.Name, v)}, nil
}

type (
	// ParkedEvent is an event that a read model could not take in, or that waits
	// behind such a one.
	ParkedEvent struct {
		Generation int64   `json:"generation" example:"17"`
		Position   string  `json:"position" example:"C:4711/P:4711"`
		Stream     string  `json:"stream" example:"organization-org_01jd9z3q5we8x9v6m2k4t7r1b9"`
		Revision   int64   `json:"revision" example:"3"`
		EventType  string  `json:"eventType" doc:"Empty when it could not be read." example:"MemberJoined"`
		Failure    *string `json:"failure" doc:"Why; null for one that waits behind another." example:"a panic at members.joined"`
		ParkedAt   Time    `json:"parkedAt"`
	}
	// ParkedEvents are the first parked events.
	ParkedEvents struct {
		Items []ParkedEvent `json:"items" doc:"The first 100, in the order of their positions."`
		Total int64         `json:"total" doc:"How many there are." example:"1"`
	}
	// ShownEvent is a parked event with what it holds.
	ShownEvent struct {
		ParkedEvent

		Event any `json:"event" doc:"What the log holds."`
	}
	// ShownEvents are the first parked events with what they hold.
	ShownEvents struct {
		Items []ShownEvent `json:"items" doc:"The first 100, in their order."`
	}
	// RetriedEvents tells how many events were taken in.
	RetriedEvents struct {
		Taken int `json:"taken" example:"2"`
	}
)

// parkedShown is how many parked events an answer has at most: all others of a stream
// wait for the first.
const parkedShown = 100

func parkedOf(p projections.Parked) ParkedEvent {
	return ParkedEvent{
		Generation: p.Generation, Position: p.Position.String(), Stream: p.Stream, Revision: int64(p.Revision), EventType: p.EventType,
		Failure: optional(p.Failure), ParkedAt: Time{p.ParkedAt},
	}
}

func (a *API) listParked(ctx context.Context, _ *exchange, in *ProjectionInput) (reply[ParkedEvents], error) {
	first, all, err := a.models.Parked(ctx, in.Name, parkedShown)
	if err != nil {
		return reply[ParkedEvents]{}, ofProjections(err)
	}
	out := ParkedEvents{Items: make([]ParkedEvent, len(first)), Total: all}
	for i, p := range first {
		out.Items[i] = parkedOf(p)
	}
	return reply[ParkedEvents]{data: out}, nil
}

// ParkedInput names a stream with parked events.
type ParkedInput struct {
	ProjectionInput
	Stream string `path:"stream" maxLength:"300" example:"organization-org_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) readParked(ctx context.Context, in *ParkedInput, reveal bool) (ShownEvents, error) {
	out := ShownEvents{Items: []ShownEvent{}}
	err := a.models.ShowParked(ctx, in.Name, in.Stream, parkedShown, func(p projections.Parked, r event.Recorded, err error) error {
		out.Items = append(out.Items, ShownEvent{parkedOf(p), auditlog.EntryOf(r, err, reveal)})
		return nil
	})
	return out, ofProjections(err)
}

func (a *API) showParked(ctx context.Context, _ *exchange, in *ParkedInput) (reply[ShownEvents], error) {
	out, err := a.readParked(ctx, in, false)
	return reply[ShownEvents]{data: out}, err
}

type parkedActInput struct {
	ParkedInput
	Body struct {
		Reason string `json:"reason" maxLength:"2000" doc:"From 3 to 500 characters." example:"ticket 4711"`
	} `nameHint:"ParkedEventDecision"`
}

func (a *API) revealParked(ctx context.Context, x *exchange, in *parkedActInput) (reply[ShownEvents], error) {
	var out ShownEvents
	err := a.acting(ctx, x, parkedAct(act.RevealParked, &in.ParkedInput), in.Body.Reason, func(ctx context.Context, _ string) (note string, err error) {
		out, err = a.readParked(ctx, &in.ParkedInput, true)
		return fmt.Sprintf("%d events were shown", len(out.Items)), err
	})
	return reply[ShownEvents]{data: out}, err
}

func parkedAct(kind act.Kind, in *ParkedInput) commands.BeginAct {
	return commands.BeginAct{Kind: kind, Target: in.Name, Details: map[string]string{"stream": in.Stream}}
}

type retryParkedInput struct {
	ParkedInput
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"2000" doc:"From 3 to 500 characters." example:"ticket 4711"`
	} `nameHint:"ParkedEventRetry" required:"false"`
}

func (a *API) retryParked(ctx context.Context, x *exchange, in *retryParkedInput) (reply[RetriedEvents], error) {
	return a.decideParked(ctx, x, &in.ParkedInput, act.RetryParked, in.Body.Reason, a.models.RetryParked)
}

func (a *API) skipParked(ctx context.Context, x *exchange, in *parkedActInput) (reply[RetriedEvents], error) {
	return a.decideParked(ctx, x, &in.ParkedInput, act.SkipParked, in.Body.Reason, a.models.SkipParked)
}

func (a *API) decideParked(ctx context.Context, x *exchange, in *ParkedInput, kind act.Kind, reason string,
	decide func(ctx context.Context, name, stream string) (int, error),
) (reply[RetriedEvents], error) {
	var out RetriedEvents
	err := a.acting(ctx, x, parkedAct(kind, in), reason, func(ctx context.Context, _ string) (note string, err error) {
		out.Taken, err = decide(ctx, in.Name, in.Stream)
		return fmt.Sprintf("%d events were taken in", out.Taken), err
	})
	return reply[RetriedEvents]{data: out}, err
}
