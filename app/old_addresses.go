package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi"
	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/domain/event"
)

// addressDays is how far back keys of addresses are looked for: far enough for an
// installation that was stopped for years, or restored from an old backup.
const addressDays = 20 * 366

// auditAddresses is how long client addresses and user agents are kept.
func (s Settings) auditAddresses() time.Duration {
	if s.AuditAddresses <= 0 {
		return httpapi.DefaultAuditAddresses
	}
	return s.AuditAddresses
}

// destroyOldAddresses destroys the keys of client addresses and user agents of days
// that are over for longer than these are kept. It looks at the keys that exist, so
// that it also destroys those that a restored backup brought back.
func destroyOldAddresses(ctx context.Context, keys *keyring.Keyring, kept time.Duration, now time.Time, logger *slog.Logger) error {
	const day = 24 * time.Hour
	last := now.UTC().Add(-kept - day)
	names := make([]string, addressDays)
	for i := range names {
		names[i] = event.AddressKey(last.AddDate(0, 0, -i))
	}
	old, err := keys.Living(ctx, names)
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := keys.Destroy(ctx, name); err != nil {
			return fmt.Errorf("destroy the client addresses of a day: %w", err)
		}
	}
	if len(old) > 0 {
		logger.InfoContext(ctx, "client addresses and user agents of old days were destroyed", slog.Int("days", len(old)))
	}
	return nil
}
