package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/projections"
)

// ReadModels is what operators look after read models with.
type ReadModels struct {
	*projections.Engine

	Acts *Acts
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
	registry := telemetry.NewRegistry()
	c, err := openCore(ctx, settings, data, logger, registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	acts, err := c.openActs(logger, registry)
	if err != nil {
		return err
	}
	return use(&ReadModels{Engine: c.engine, Acts: acts})
}
