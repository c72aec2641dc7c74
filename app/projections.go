package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections"
)

// ReadModels is what operators look after read models with.
type ReadModels struct {
	*projections.Engine

	Acts *Acts

	core *core
}

func (c *core) readModels() *ReadModels { return &ReadModels{Engine: c.engine, Acts: c.acts, core: c} }

// StartVerification has this process verify a projection on behalf of an act, and
// returns at once: see projections.Engine.StartVerification.
func (m *ReadModels) StartVerification(ctx context.Context, projection string, o projections.VerifyOptions, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.core.running.Add(1)
	err := m.Engine.StartVerification(m.core.background, projection, o, name, func(err error) {
		defer m.core.running.Done()
		failure := ""
		if err != nil {
			failure = err.Error()
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(m.core.background), clientStop)
		defer cancel()
		if err := m.Acts.ended(ctx, name, failure); err != nil {
			m.core.logger.WarnContext(ctx, "the end of a verification is not recorded", slog.Any("error", err))
		}
	})
	if err != nil {
		m.core.running.Done()
	}
	return err
}

// CancelBuild is Cancel, and ends the act that ordered the build.
func (m *ReadModels) CancelBuild(ctx context.Context, projection string) (projections.Generation, error) {
	g, err := m.Cancel(ctx, projection)
	if err != nil || g.Order == nil || !g.Order.Server || g.Order.Told || g.Order.Act == "" {
		return g, err
	}
	return g, m.Acts.end(ctx, commands.EndAct{ActID: id.Act(g.Order.Act), Outcome: act.Interrupted, Note: "cancelled"})
}

// WithReadModels hands the projection engine to an operator's tool. A server may
// run on the same data at the same time; without one, the embedded parts are
// started for as long as the tool runs.
func WithReadModels(ctx context.Context, settings Settings, logger *slog.Logger, use func(*ReadModels) error) (err error) {
	if err := settings.Check(); err != nil {
		return fmt.Errorf("the settings are not usable: %w", err)
	}
	data, err := settings.toolsFolder()
	if err != nil {
		return err
	}
	c, err := openCore(ctx, settings, data, logger, telemetry.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return use(c.readModels())
}
