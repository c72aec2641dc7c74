package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/projections/readmodels"
	"github.com/perfectworks/backend/projections/tokens"
)

// statementKeyFile is the file of statements' keys in a data folder.
const statementKeyFile = "statement.pem"

// statementKeys reads the keys of statements: those of PERFECTWORKS_STATEMENT_KEY,
// or those of the data folder, where one is created if there is none.
func statementKeys(settings Settings, dataFolder string) (*statement.Keys, error) {
	if settings.StatementKey == "" {
		return statement.KeysIn(filepath.Join(dataFolder, statementKeyFile))
	}
	keys, err := statement.LoadKeys(settings.StatementKey)
	if err != nil {
		return nil, fmt.Errorf("PERFECTWORKS_STATEMENT_KEY: %w", err)
	}
	return keys, nil
}

// StatementKeys reads the keys of statements without starting anything.
func StatementKeys(settings Settings) (*statement.Keys, error) {
	if settings.StatementKey != "" {
		return statementKeys(settings, "")
	}
	dir, err := settings.existingFolder()
	if err != nil {
		return nil, err
	}
	if !has(dir, statementKeyFile) {
		return nil, named(settings.DataFrom, fmt.Errorf("PERFECTWORKS_STATEMENT_KEY is not set, and no server has kept a key of statements in %s: %w",
			dir, ErrNoDataFolder))
	}
	return statementKeys(settings, dir)
}

// WithTokens hands the token accounts' read model and the keys of statements to
// an operator's tool. A server may run on the same data at the same time; without
// one, the embedded parts are started for as long as the tool runs.
func WithTokens(ctx context.Context, settings Settings, logger *slog.Logger, use func(tokens.Queries, *statement.Keys) error) (err error) {
	if err := settings.Check(); err != nil {
		return fmt.Errorf("the settings are not usable: %w", err)
	}
	keys, err := StatementKeys(settings)
	if err != nil {
		return err
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
	return use(readmodels.NewQueries(postgres.NewReader(c.db.pool)).Tokens, keys)
}
