package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
)

// Cluster is a private Postgres server. Its methods are safe for concurrent use.
type Cluster struct {
	config   ClusterConfig
	folder   folder
	user     osUser
	binaries binaries
	password string

	lifecycle  sync.Mutex // one start or stop at a time
	users      *fileLock  // nil once stopped
	watchdog   *watchdog
	supervisor *supervisor // nil while the server is not to run

	mu     sync.Mutex
	server *server // the latest, running or not
}

// StartCluster starts the cluster in config.Dir, creating it when the folder is
// absent or empty, and returns once it answers. It listens on 127.0.0.1 only and
// asks for a random password, so that no other user of the machine gets in. URL
// leads to a socket in a folder that only the server's user and root can enter,
// where the path of one is short enough, and demands SCRAM: another program that
// takes the port of a stopped server learns nothing.
//
// A server that ends unasked is started again on the same port, until Stop.
//
// The server runs in a process group of its own and so survives a Ctrl-C in the
// terminal, and the death of this process: the next start of the folder adopts
// a server that still runs there. One that runs with other settings is stopped
// and started anew, unless another process uses it. Several processes may start
// one folder: they share the server, and the last one to stop it ends it.
//
// A folder that a process of another container uses is refused, for its server
// cannot be seen. Postgres refuses to run as root. When this process is root, a new cluster runs
// as the user postgres, else nobody; an existing one as the owner of its data.
func StartCluster(ctx context.Context, config ClusterConfig) (*Cluster, error) {
	c := &Cluster{config: config}
	if err := c.start(ctx); err != nil {
		return nil, fmt.Errorf("start the private PostgreSQL in %s: %w", config.Dir, err)
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) (err error) {
	if err := c.config.complete(); err != nil {
		return err
	}
	if c.config.Ephemeral {
		if err := c.createEphemeral(); err != nil { //nolint:contextcheck // the watchdog outlives the start
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
	if err := checkOwners(c.config.Dir, c.user); err != nil {
		return err
	}
	if c.binaries, err = findBinaries(ctx, c.config, c.user); err != nil {
		return err
	}
	ctx, cancel := c.startTimeout(ctx)
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
	server, err := c.adoptOrLaunch(ctx, c.config.Port, alone, alone)
	if err == nil {
		err = users.share()
	}
	if err != nil {
		return errors.Join(err, users.release())
	}
	c.users = users
	c.use(server)
	c.supervisor = c.supervise() //nolint:contextcheck // it outlives the start
	return nil
}

func (c *Cluster) startTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.config.StartTimeout,
		fmt.Errorf("PostgreSQL did not answer within %s", c.config.StartTimeout))
}

// URL is the connection string of the cluster's database, for its superuser. It
// holds the password, and stays the same until Stop.
//
// It names 127.0.0.1 also where it leads to the socket, for tools that know
// nothing of sockets: the parameter host goes before it.
func (c *Cluster) URL() string { return c.url(c.current(), clusterDatabase) }

// PID is the process of the server, as of its latest start.
func (c *Cluster) PID() int { return c.current().pid }

func (c *Cluster) url(s *server, database string) string {
	query := url.Values{"sslmode": {"disable"}, "require_auth": {"scram-sha-256"}}
	if s.socket != "" {
		query.Set("host", s.socket)
	}
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(clusterUser, c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: query.Encode(),
	}
	return u.String()
}

func (c *Cluster) current() *server {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server
}

func (c *Cluster) use(s *server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = s
}

// Stop ends the server by a fast shutdown, which breaks its connections, and
// returns once it is gone; after StopTimeout, or when ctx ends, it is ended the
// hard way, from which Postgres recovers at the next start. A server that other
// processes use is left to them. An ephemeral cluster is removed. A second Stop
// does nothing.
func (c *Cluster) Stop(ctx context.Context) error {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	if c.users == nil {
		return nil
	}
	c.endSupervision()
	err := c.locked(ctx, func() error {
		alone, err := c.users.alone()
		if err != nil || !alone {
			return err
		}
		return c.endServer(ctx)
	})
	err = errors.Join(err, c.users.release())
	c.users = nil
	if c.config.Ephemeral {
		err = errors.Join(err, c.removeEphemeral())
	}
	return c.wrap("stop", err)
}

// StopServer ends the server, even if it is in use, and keeps the cluster: for what
// needs the server away for a time, such as a test of its loss.
func (c *Cluster) StopServer(ctx context.Context) error {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	c.endSupervision()
	return c.wrap("stop", c.locked(ctx, func() error { return c.endServer(ctx) }))
}

// StartServer starts the server that StopServer ended, on the same port. It does
// nothing when the server was not ended.
func (c *Cluster) StartServer(ctx context.Context) error {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	if c.users == nil {
		return c.wrap("start", errors.New("the cluster was stopped"))
	}
	if c.supervisor != nil {
		return nil
	}
	if err := c.revive(ctx); err != nil {
		return c.wrap("start", err)
	}
	c.supervisor = c.supervise() //nolint:contextcheck // it outlives the start
	return nil
}

func (c *Cluster) wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s the private PostgreSQL in %s: %w", what, c.config.Dir, err)
	}
	return nil
}

// locked runs f under the start lock, so that no process adopts a server that is
// about to end.
func (c *Cluster) locked(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.StartTimeout+c.config.StopTimeout)
	defer cancel()
	lock, err := lockFile(ctx, c.folder.startLock())
	if err != nil {
		return err
	}
	return errors.Join(f(), lock.release())
}

// endServer ends what runs in the folder, which may be another server than ours:
// an operator can have restarted it.
func (c *Cluster) endServer(ctx context.Context) error {
	signal := stopFast
	if c.config.Ephemeral {
		signal = stopImmediate
	}
	if err := c.current().stop(ctx, c.config.StopTimeout, signal); err != nil {
		return err
	}
	running, err := c.findRunning(ctx)
	if err != nil || running == nil {
		return err
	}
	return running.stop(ctx, c.config.StopTimeout, signal)
}
