package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/commands"
)

// openObjects opens the store of files: the one of BLOB_URL, or a folder in the data
// folder. Which services are known is a matter of the build: see adapters/blob.
func openObjects(ctx context.Context, settings Settings, dataFolder string, keys blob.Hasher, publicURL string) (*blob.Store, error) {
	store, err := blob.Open(ctx, blob.Config{
		URL: settings.BlobURL, Folder: filepath.Join(dataFolder, objectsFolder), Keys: keys, PublicURL: publicURL,
	})
	if settings.BlobURL != "" {
		err = named("BLOB_URL", err)
	}
	return store, err
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

// measureTransfers lets operators see what is uploaded and downloaded at the moment.
func measureTransfers(registry prometheus.Registerer, transfers func() (int, int64)) {
	registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "perfectworks_object_transfers", Help: "Uploads and downloads by signed URLs that are under way in this process.",
		}, func() float64 { n, _ := transfers(); return float64(n) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "perfectworks_object_upload_bytes", Help: "Bytes that the uploads under way in this process have announced.",
		}, func() float64 { _, bytes := transfers(); return float64(bytes) }),
	)
}
