package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/commands"
)

// openObjects opens the store of files: the one of BLOB_URL, or a folder in the data
// folder. Which services are known is a matter of the build: see adapters/blob.
func openObjects(ctx context.Context, settings Settings, dataFolder string, keys blob.Hasher, publicURL string) (*blob.Store, error) {
	return blob.Open(ctx, blob.Config{
		URL: settings.BlobURL, Folder: filepath.Join(dataFolder, objectsFolder), Keys: keys, PublicURL: publicURL,
	})
}

// unclaimedLife is how long an upload may wait to become a file.
const unclaimedLife = 24 * time.Hour

// collectUploads deletes uploads that never became files.
func collectUploads(ctx context.Context, objects *blob.Store, now time.Time, logger *slog.Logger) error {
	collected, err := objects.CollectUnclaimed(ctx, commands.UploadsPrefix, now.Add(-unclaimedLife))
	if collected > 0 {
		logger.InfoContext(ctx, "uploads that never became files were deleted", "uploads", collected)
	}
	return err
}
