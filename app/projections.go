package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/projections"
)

// WithEngine hands the projection engine to an operator's tool. A server may
// run on the same data at the same time; without one, the embedded parts are
// started for as long as the tool runs.
func WithEngine(ctx context.Context, settings Settings, logger *slog.Logger, use func(*projections.Engine) error) (err error) {
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
	return use(c.engine)
}
