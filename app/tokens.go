package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/readmodels"
	"github.com/perfectworks/backend/projections/tokens"
)

// DefaultWelcomeValidity is how long the tokens that welcome an organization can be
// spent unless it is set.
const DefaultWelcomeValidity = 90 * 24 * time.Hour

// developmentWelcome is how many tokens those are in development: enough to process
// some first documents.
const developmentWelcome = 1000

// welcome is what a new organization is given.
func (s Settings) welcome() commands.Welcome {
	w := commands.Welcome{Validity: cmp.Or(s.WelcomeValidity, DefaultWelcomeValidity)}
	switch {
	case s.WelcomeTokens != nil:
		w.Tokens = *s.WelcomeTokens
	case s.Environment == Development:
		w.Tokens = developmentWelcome
	}
	return w
}

// checkTokens tells what is wrong with the settings of token accounts.
func (s Settings) checkTokens() error {
	var wrong []error
	if w := s.welcome(); w.Tokens < 0 || w.Tokens > tokenaccount.MaxAmount {
		wrong = append(wrong, fmt.Errorf("PERFECTWORKS_WELCOME_TOKENS lies outside 0 to %d", tokenaccount.MaxAmount))
	}
	if s.WelcomeValidity < 0 {
		wrong = append(wrong, errors.New("PERFECTWORKS_WELCOME_VALIDITY is negative"))
	}
	if s.LowBalance < 0 {
		wrong = append(wrong, errors.New("PERFECTWORKS_LOW_BALANCE is negative"))
	}
	return errors.Join(wrong...)
}

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
