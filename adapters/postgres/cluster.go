package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
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

// Cluster is a running private Postgres server. Its methods are safe for
// concurrent use.
type Cluster struct {
	config   ClusterConfig
	folder   folder
	user     osUser
	binaries binaries
	password string

	mu       sync.Mutex
	server   *server
	users    *fileLock
	watchdog *watchdog
}

// FastSettings are parameters for data that may be lost, such as that of tests:
// nothing waits for the disk, and a crash of the machine destroys the cluster.
func FastSettings() map[string]string {
	return map[string]string{
		"fsync":                  "off",
		"synchronous_commit":     "off",
		"full_page_writes":       "off",
		"wal_level":              "minimal",
		"max_wal_senders":        "0",
		"checkpoint_timeout":     "30min",
		"max_wal_size":           "1GB",
		"max_connections":        "400",
		"shared_buffers":         "64MB",
		"autovacuum_naptime":     "10s",
		"jit":                    "off",
		"autovacuum_max_workers": "1",
	}
}

// StartCluster starts the cluster in config.Dir, creating it when the folder is
// absent or empty, and returns once it answers. It listens on 127.0.0.1 only and
// asks for a random password, so that no other user of the machine gets in.
//
// The server runs in a process group of its own and so survives a Ctrl-C in the
// terminal, and the death of this process: the next start of the folder adopts
// a server that still runs there. One that runs with other settings is stopped
// and started anew, unless another process uses it. Several processes may start
// one folder: they share the server, and the last one to stop it ends it.
//
// Postgres refuses to run as root. When this process is root, a new cluster runs
// as the user postgres, else nobody; an existing one as the owner of its data.
func StartCluster(ctx context.Context, config ClusterConfig) (*Cluster, error) {
	c := &Cluster{config: config}
	if err := c.start(ctx); err != nil {
		return nil, fmt.Errorf("start the private PostgreSQL in %s: %w", config.Dir, err)
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) (err error) {
	if c.config.StartTimeout <= 0 {
		c.config.StartTimeout = defaultStartTimeout
	}
	if c.config.StopTimeout <= 0 {
		c.config.StopTimeout = defaultStopTimeout
	}
	if c.config.Ephemeral {
		if err := c.createEphemeral(); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, c.removeEphemeral())
			}
		}()
	}
	if c.user, err = serverUser(c.config.Dir); err != nil {
		return err
	}
	if c.binaries, err = findBinaries(ctx, c.config, c.user); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.StartTimeout,
		fmt.Errorf("it did not answer within %s", c.config.StartTimeout))
	defer cancel()

	if c.folder, err = openFolder(ctx, c.config, c.user, c.binaries); err != nil {
		return err
	}
	startLock, err := lockFile(ctx, c.folder.startLock())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, startLock.release()) }()

	if c.password, err = c.folder.initialise(ctx, c.config, c.user, c.binaries); err != nil {
		return err
	}
	users, alone, err := joinUsers(c.folder.usersLock())
	if err != nil {
		return err
	}
	if c.server, err = c.adoptOrLaunch(ctx, alone); err != nil {
		return errors.Join(err, users.release())
	}
	c.users = users
	return users.share()
}

// adoptOrLaunch returns the server that runs in the folder, or a new one. The
// caller holds the start lock; alone says that no other process uses the server.
func (c *Cluster) adoptOrLaunch(ctx context.Context, alone bool) (*server, error) {
	running, err := c.findRunning(ctx)
	if err != nil {
		return nil, err
	}
	if running != nil {
		same := c.sameSettings(running)
		if same || !alone {
			if err := c.awaitAnswer(ctx, running); err != nil {
				return nil, err
			}
			c.config.Logger.Info("adopted the PostgreSQL server that was running in the folder",
				"dir", c.folder.path, "pid", running.pid, "port", running.port, "same_settings", same)
			return running, nil
		}
		c.config.Logger.Info("restarting PostgreSQL: it was left running with other settings",
			"dir", c.folder.path, "pid", running.pid)
		if err := running.stop(ctx, c.config.StopTimeout, stopFast); err != nil {
			return nil, err
		}
	}
	return c.launch(ctx)
}

// URL is the connection string of the cluster's database, for its superuser. It
// holds the password.
func (c *Cluster) URL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url(c.server, clusterDatabase)
}

// Port is the server's TCP port on 127.0.0.1.
func (c *Cluster) Port() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server.port
}

func (c *Cluster) url(s *server, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(clusterUser, c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Stop ends the server by a fast shutdown, which breaks its connections, and
// returns once it is gone; after StopTimeout, or when ctx ends, it is ended the
// hard way, from which Postgres recovers at the next start. A server that other
// processes use is left to them. A second Stop does nothing.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users == nil {
		return nil
	}
	if err := c.stop(ctx); err != nil {
		return fmt.Errorf("stop the private PostgreSQL in %s: %w", c.config.Dir, err)
	}
	return nil
}

func (c *Cluster) stop(ctx context.Context) error {
	users := c.users
	c.users = nil
	if c.config.Ephemeral {
		err := c.server.stop(ctx, c.config.StopTimeout, stopImmediate)
		return errors.Join(err, users.release(), c.removeEphemeral())
	}
	// Without the lock a process that starts the folder now could adopt a server
	// that is about to end.
	startLock, err := lockFile(ctx, c.folder.startLock())
	if err != nil {
		return errors.Join(err, users.release())
	}
	alone, err := users.alone()
	if err == nil && alone {
		err = c.server.stop(ctx, c.config.StopTimeout, stopFast)
	}
	return errors.Join(err, users.release(), startLock.release())
}

func (c *Cluster) createEphemeral() (err error) {
	if err := os.Mkdir(c.config.Dir, folderMode()); err != nil {
		return fmt.Errorf("create the folder: %w", err)
	}
	c.watchdog, err = startWatchdog(c.config.Dir)
	if err != nil {
		return errors.Join(err, os.RemoveAll(c.config.Dir))
	}
	return nil
}

func (c *Cluster) removeEphemeral() error {
	return errors.Join(os.RemoveAll(c.config.Dir), c.watchdog.end())
}
