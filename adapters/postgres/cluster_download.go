package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
)

const (
	defaultRepository   = "https://repo1.maven.org/maven2"
	defaultNewMajor     = 17
	defaultFetchTimeout = 5 * time.Minute
)

var downloadable = map[int]embedded.PostgresVersion{
	14: embedded.V14, 15: embedded.V15, 16: embedded.V16, 17: embedded.V17, 18: embedded.V18,
}

// Download says from where PostgreSQL's programs are fetched, and where they are
// kept. The zero value is ready for use.
type Download struct {
	// Dir keeps the programs for all clusters: perfectworks in the user's cache
	// folder when empty, /var/cache/perfectworks for root, whose own folder the
	// server's user could not enter.
	Dir string
	// RepositoryURL is a Maven repository with the artifacts of
	// io.zonky.test.postgres; Maven Central when empty.
	RepositoryURL string
	// Timeout bounds the download, five minutes when zero.
	Timeout time.Duration
}

// binaries returns the programs of that major version, zero for any.
func (d Download) binaries(ctx context.Context, logger *slog.Logger, major int, user osUser) (_ binaries, err error) {
	if major == 0 {
		major = defaultNewMajor
	}
	version, ok := downloadable[major]
	if !ok {
		return binaries{}, fmt.Errorf("there is no download of version %d", major)
	}
	dir, err := d.dir()
	if err != nil {
		return binaries{}, err
	}
	timeout := d.Timeout
	if timeout <= 0 {
		timeout = defaultFetchTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the download took longer than %s", timeout))
	defer cancel()

	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // others run what is in it
		return binaries{}, fmt.Errorf("create the folder for downloads: %w", err)
	}
	lock, err := lockFile(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return binaries{}, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()

	unpacked := filepath.Join(dir, "postgresql-"+string(version))
	bin := filepath.Join(unpacked, "bin")
	if _, err := os.Stat(unpacked); err != nil {
		logger.Info("downloading PostgreSQL, for this machine has none that fits", "version", string(version), "to", unpacked)
		if err := d.fetch(ctx, version, unpacked); err != nil {
			return binaries{}, fmt.Errorf("download PostgreSQL %s: %w", version, err)
		}
	}
	return inspectBinaries(ctx, bin, user)
}

func (d Download) dir() (string, error) {
	if d.Dir != "" {
		return filepath.Abs(d.Dir)
	}
	if os.Geteuid() == 0 {
		return "/var/cache/perfectworks", nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for downloads: %w", err)
	}
	return filepath.Join(cache, "perfectworks"), nil
}

// fetch downloads and unpacks into target, which appears when it is complete.
func (d Download) fetch(ctx context.Context, version embedded.PostgresVersion, target string) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(target), "download-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	relay, err := startRelay(ctx, cmp.Or(d.RepositoryURL, defaultRepository))
	if err != nil {
		return err
	}
	unpacked := filepath.Join(work, "postgresql")
	err = unpack(ctx, version, relay.url, work, unpacked)
	if relayErr := relay.stop(); relayErr != nil {
		return relayErr // the cause of the other
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(unpacked, 0o755); err != nil { //nolint:gosec // others run what is in it
		return err
	}
	return os.Rename(unpacked, target)
}

// unpack has the library fetch, verify and unpack the programs into target. The
// library has no call for that alone, so it is given a cluster that cannot
// start, and its error only counts when the programs are not there.
func unpack(ctx context.Context, version embedded.PostgresVersion, repository, work, target string) error {
	noCluster := filepath.Join(work, "data")
	if err := os.Mkdir(noCluster, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(noCluster, "PG_VERSION"), []byte(version), 0o600); err != nil {
		return err
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	err = embedded.NewDatabase(embedded.DefaultConfig().
		Version(version).
		Port(uint32(port)). //nolint:gosec // a port fits
		BinaryRepositoryURL(repository).
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(target).
		DataPath(noCluster).
		Logger(io.Discard)).Start()
	for _, program := range []string{"postgres", "initdb"} {
		if _, statErr := os.Stat(filepath.Join(target, "bin", program)); statErr != nil {
			return cmp.Or(err, statErr)
		}
	}
	return nil
}
