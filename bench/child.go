package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/gorilla/mux"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/httpapi"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/app"
)

// What is measured runs in a process of its own: the load comes from outside, as
// it would, and its collector and scheduler are not those of what is measured.

// childVariable makes the program a child; it holds childConfig.
const childVariable = "PERFECTWORKS_BENCH_CHILD"

// Kinds of children.
const (
	nodeChild    = "node"    // an event node
	serverChild  = "server"  // the whole server
	emptyChild   = "empty"   // the router with handlers that do nothing
	rebuildChild = "rebuild" // rebuilds all read models
	uploadChild  = "upload"  // a handler that copies bodies to a file
)

type childConfig struct {
	Kind        string
	DatabaseURL string
	Data        string
	// Role is that of a server; all when it is empty.
	Role string
	// Node is the event node of one that rebuilds, and Throttle is its pace.
	Node     *childHello
	Throttle int
	// Profile is where profiles are written to, if anywhere: one of the processors
	// to this path, and one of what goroutines wait for to the same with ".block".
	Profile string
}

// childHello is the first line that a child prints.
type childHello struct {
	Address string
	// DatabaseURL is that of a server.
	DatabaseURL string
	Username    string
	Password    string
	Authority   []byte
}

// child is a running process. It ends when its input does.
type child struct {
	childHello

	cmd    *exec.Cmd
	input  io.WriteCloser
	output *bufio.Reader
}

// withChild runs a benchmark beside a child.
func withChild(ctx context.Context, config childConfig, run func(*child) error) (err error) {
	if dir := profileDir; dir != "" {
		config.Profile = filepath.Join(dir, config.Kind+".pprof")
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	c := &child{cmd: exec.CommandContext(ctx, program)} //nolint:gosec // It is this program.
	c.cmd.Env = append(os.Environ(), childVariable+"="+string(encoded))
	c.cmd.Stderr = os.Stderr
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	c.output = bufio.NewReader(output)
	if err := c.cmd.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.input.Close(), c.cmd.Wait()) }()
	if err := c.receive(&c.childHello); err != nil {
		return fmt.Errorf("start the %s: %w", config.Kind, err)
	}
	return run(c)
}

// ask sends a line and receives the answer.
func (c *child) ask(question string, answer any) error {
	if _, err := fmt.Fprintln(c.input, question); err != nil {
		return err
	}
	return c.receive(answer)
}

func (c *child) receive(answer any) error {
	line, err := c.output.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, answer)
}

// runChild is the main program of a child.
func runChild(ctx context.Context, encoded string) (err error) {
	var config childConfig
	if err := json.Unmarshal([]byte(encoded), &config); err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if config.Kind != emptyChild {
		app.TuneMemory(logger)
	}
	if config.Profile != "" {
		stop, err := startProfiles(config.Profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	switch config.Kind {
	case nodeChild:
		return runNode(ctx, config)
	case serverChild:
		return runServer(ctx, config, logger)
	case emptyChild:
		return runEmpty(ctx)
	case rebuildChild:
		return runRebuild(ctx, config)
	case uploadChild:
		return runUpload(ctx, config)
	}
	return errors.New("unknown kind of child: " + config.Kind)
}

// startProfiles returns what ends and writes them.
func startProfiles(path string) (stop func() error, err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	const nanosecondsPerSample = 100_000
	runtime.SetBlockProfileRate(nanosecondsPerSample)
	return func() error {
		pprof.StopCPUProfile()
		waits, err := os.Create(path + ".block")
		if err != nil {
			return errors.Join(err, file.Close())
		}
		return errors.Join(file.Close(), pprof.Lookup("block").WriteTo(waits, 0), waits.Close())
	}, nil
}

// answerQuestions prints the greeting, answers line by line, and returns at the end
// of the input.
func answerQuestions(hello childHello, answer func(string) (any, error)) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(hello); err != nil { //nolint:gosec // Only the parent reads it.
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		reply, err := answer(lines.Text())
		if err != nil {
			return err
		}
		if err := out.Encode(reply); err != nil {
			return err
		}
	}
	return nil
}

func nothingToAsk(question string) (any, error) { return nil, errors.New("no answer to " + question) }

// runNode serves the embedded node as the server does: over TLS, on loopback.
func runNode(ctx context.Context, config childConfig) error {
	pool, err := postgres.Open(ctx, config.DatabaseURL, postgres.Options{MaxConns: 8})
	if err != nil {
		return err
	}
	defer pool.Close()
	node, err := eventnode.StartLoopback(ctx, eventnode.Config{Pool: pool})
	if err != nil {
		return err
	}
	defer stopWithin(ctx, node.Stop)
	return answerQuestions(childHello{
		Address: node.Address, Username: node.Username, Password: node.Password, Authority: node.Authority,
	}, nothingToAsk)
}

func runServer(ctx context.Context, config childConfig, logger *slog.Logger) (err error) {
	// What other engines are found depends on the machine.
	if err := os.Setenv("DOCUMENTS_ENGINES", "embedded"); err != nil {
		return err
	}
	settings, err := app.SettingsFromEnvironment()
	if err != nil {
		return err
	}
	settings.Environment, settings.Addr, settings.Data, settings.DatabaseURL = app.Development, "127.0.0.1:0", config.Data, config.DatabaseURL
	settings.AdminAddr, settings.Role = "127.0.0.1:0", app.Role(config.Role)
	// One caller sends all the load.
	const unlimited = 1 << 30
	settings.RequestsPerCaller, settings.RequestsPerOrganization, settings.RequestsPerAddress = unlimited, unlimited, unlimited
	settings.MaxAPIKeys = 100_000
	settings.ConcurrentRequests = 4 * connections
	settings.MaxAPIKeys = 100_000 // the most that is allowed
	tokens := int64(10_000_000)
	settings.WelcomeTokens, settings.DocumentWorkers = &tokens, 2
	server, err := app.New(ctx, settings, logger)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	var runs errgroup.Group
	runs.Go(func() error { return server.Run(running) })
	defer func() {
		stop()
		err = errors.Join(err, runs.Wait())
	}()
	if err := server.WaitReady(ctx); err != nil {
		return err
	}
	return answerQuestions(childHello{Address: server.Addr().String(), DatabaseURL: config.DatabaseURL}, func(key string) (any, error) {
		return checkTime(ctx, server, key)
	})
}

// runEmpty serves what the router and the HTTP server do without us.
func runEmpty(ctx context.Context) error {
	router := mux.NewRouter()
	router.HandleFunc("/api/v0/users/active-organization", func(http.ResponseWriter, *http.Request) {}).Methods(http.MethodGet)
	router.HandleFunc("/api/v0/referral-links/{code}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://app.example.com/pricing")
		w.WriteHeader(http.StatusFound)
	}).Methods(http.MethodGet)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	var runs errgroup.Group
	runs.Go(func() error {
		return httpapi.Server{Handler: router, Logger: slog.New(slog.DiscardHandler)}.Serve(running, listener)
	})
	err = answerQuestions(childHello{Address: listener.Addr().String()}, nothingToAsk)
	stop()
	return errors.Join(err, runs.Wait())
}

func stopWithin(ctx context.Context, stop func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	stop(ctx)
}
