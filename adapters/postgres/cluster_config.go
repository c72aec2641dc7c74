package postgres

import (
	"log/slog"
	"path/filepath"
	"time"
)

const (
	clusterUser     = "postgres"
	clusterDatabase = "perfectworks"

	defaultStartTimeout = time.Minute
	defaultStopTimeout  = 30 * time.Second
)

// ClusterConfig says where and how a private cluster runs. Only Dir and Logger
// are required.
type ClusterConfig struct {
	// Dir is the folder of the cluster: absent, empty, or made by an earlier
	// StartCluster. When the server's user (see StartCluster) cannot enter it,
	// Dir becomes a symbolic link to a folder in /var/lib/perfectworks.
	Dir    string
	Logger *slog.Logger
	// Settings are Postgres parameters that go before the defaults, for example
	// those of FastSettings.
	Settings map[string]string
	// Port on 127.0.0.1; zero takes a free one at each start.
	Port int
	// Ephemeral ties the cluster to this process: Dir must not exist yet, and is
	// removed with the server by Stop, or by a watchdog when this process ends
	// in whatever way.
	Ephemeral bool
	// BinDirs are the folders to search for initdb and postgres, the preferred
	// first; nil means BinDirs().
	BinDirs []string
	// Download says how binaries are fetched when BinDirs has none that fit.
	Download Download
	// StartTimeout bounds StartCluster without what a download takes, a minute
	// when zero; StopTimeout bounds the orderly part of Stop, 30 s when zero.
	StartTimeout, StopTimeout time.Duration

	// relocateTo replaces /var/lib/perfectworks in tests.
	relocateTo string
}

// FastSettings are parameters for data that may be lost, such as that of tests:
// nothing waits for the disk. What was committed outlives a crash of the server,
// but not one of the machine, which may leave the cluster broken.
func FastSettings() map[string]string {
	return map[string]string{
		"fsync":              "off",
		"full_page_writes":   "off",
		"wal_level":          "minimal",
		"max_wal_senders":    "0",
		"wal_init_zero":      "off",
		"checkpoint_timeout": "30min",
		"max_wal_size":       "256MB",
		"autovacuum":         "off",
		// In the folder, and not in /dev/shm where a killed server would leave it.
		"dynamic_shared_memory_type": "mmap",
		"jit":                        "off",
		"max_connections":            "400",
	}
}

func (config *ClusterConfig) complete() (err error) {
	if config.StartTimeout <= 0 {
		config.StartTimeout = defaultStartTimeout
	}
	if config.StopTimeout <= 0 {
		config.StopTimeout = defaultStopTimeout
	}
	config.Dir, err = filepath.Abs(config.Dir)
	return err
}
