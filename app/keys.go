package app

import (
	"context"
	"fmt"
	"path/filepath"

	"gocloud.dev/secrets"

	"github.com/perfectworks/backend/adapters/keyring"
)

// openKeeper opens what wraps the encryption keys: the key management service
// of KMS_URL, or a key file in the data folder. Which services are known is a
// matter of the build: see cmd/perfectworks.
func openKeeper(ctx context.Context, settings Settings, dataFolder string) (*secrets.Keeper, error) {
	if settings.KMSURL == "" {
		return keyring.LocalKeeper(filepath.Join(dataFolder, masterKeyFile))
	}
	keeper, err := secrets.OpenKeeper(ctx, settings.KMSURL)
	if err != nil {
		return nil, fmt.Errorf("open the key management service of KMS_URL: %w", err)
	}
	return keeper, nil
}
