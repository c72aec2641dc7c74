// Command withpostgres runs a command with a throw-away Postgres at hand.
//
//	withpostgres [-durable] -- COMMAND [ARGUMENT...]
//
// The command finds the server's superuser URL in PERFECTWORKS_TEST_DATABASE_URL.
// Signals are passed on to it and the processes it started; the server and its
// data are gone when it ended, and its exit code is ours.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/perfectworks/backend/adapters/postgres"
)

const variable = "PERFECTWORKS_TEST_DATABASE_URL"

// Exit codes of our own, as shells use them.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 127
	exitSignal   = 128
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	code, err := run(os.Args[1:], signals, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(code)
}

func run(args []string, signals <-chan os.Signal, stderr io.Writer) (code int, err error) {
	flags := flag.NewFlagSet("withpostgres", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: withpostgres [-durable] -- COMMAND [ARGUMENT...]")
		flags.PrintDefaults()
	}
	durable := flags.Bool("durable", false, "wait for the disk as in production, instead of running without fsync")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0, nil
		}
		return exitUsage, nil // the flag package reported it
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return exitUsage, nil
	}

	cluster, err := startCluster(signals, *durable, stderr)
	if err != nil {
		return exitFailure, err
	}
	defer func() {
		if stopErr := cluster.Stop(context.Background()); stopErr != nil {
			code, err = max(code, exitFailure), errors.Join(err, stopErr)
		}
	}()
	return runCommand(flags.Args(), cluster.URL(), signals)
}

// startCluster gives up at a signal.
func startCluster(signals <-chan os.Signal, durable bool, stderr io.Writer) (*postgres.Cluster, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	started := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case s := <-signals:
			cancel(fmt.Errorf("ended by the signal %q", s.String()))
		case <-started:
		}
	}()
	dir, settings := postgres.ScratchDir("withpostgres-"), postgres.FastSettings()
	if durable { // on a disk, to begin with
		dir = filepath.Join(os.TempDir(), filepath.Base(dir))
		settings = map[string]string{"max_connections": settings["max_connections"]}
	}
	cluster, err := postgres.StartCluster(ctx, postgres.ClusterConfig{
		Dir:       dir,
		Logger:    slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Settings:  settings,
		Ephemeral: true,
	})
	close(started)
	<-watched
	return cluster, err
}

// runCommand gives the command a process group of its own, so that a signal
// reaches it once, whether a terminal sent it to us all or a program to us alone.
func runCommand(command []string, url string, signals <-chan os.Signal) (int, error) {
	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...) //nolint:gosec // running it is our purpose
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), variable+"="+url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return exitNotFound, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			passOn(s, cmd.Process.Pid)
		case err := <-ended:
			return exitCode(cmd.ProcessState, err)
		}
	}
}

// passOn signals a process group. That it may have ended at this moment is no
// error, and no other can be: the group is our child's.
func passOn(s os.Signal, group int) {
	if number, ok := s.(syscall.Signal); ok {
		_ = syscall.Kill(-group, number)
	}
}

func exitCode(state *os.ProcessState, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return exitFailure, err
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}
