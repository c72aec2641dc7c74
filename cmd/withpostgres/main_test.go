package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

// mainVariable makes the test binary behave as the command.
const mainVariable = "WITHPOSTGRES_MAIN"

// showSettings, as its only argument, makes it a command that uses the server.
const showSettings = "show-settings"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == showSettings {
		if err := printSettings(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(7)
	}
	if os.Getenv(mainVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

func printSettings(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, os.Getenv(variable))
	if err != nil {
		return err
	}
	for _, name := range []string{"fsync", "max_connections", "is_superuser"} {
		var value string
		if err := conn.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value); err != nil {
			return err
		}
		fmt.Printf("%s=%s ", name, value)
	}
	return conn.Close(ctx)
}

// withpostgres prepares the command with a folder of its own for all that it
// creates.
func withpostgres(t *testing.T, args ...string) (cmd *exec.Cmd, temp string) {
	t.Helper()
	temp = postgrestest.Dir(t)
	cmd = exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), mainVariable+"=1", "TMPDIR="+temp)
	cmd.WaitDelay = 20 * time.Second
	return cmd, temp
}

// wantNothingLeft waits, for the end of a killed command is not the end of all.
func wantNothingLeft(t *testing.T, temp string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		files, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		links, err := filepath.Glob("/proc/[0-9]*/cwd")
		if err != nil {
			t.Fatal(err)
		}
		var processes []string
		for _, link := range links {
			if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, temp) {
				processes = append(processes, link)
			}
		}
		if len(files)+len(processes) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: files %v, processes %v", files, processes)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestCommandFindsAServerAndGivesItsCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		code int
		want string // in the output
	}{
		"fast":           {[]string{"--", os.Args[0], showSettings}, 7, "fsync=off max_connections=400 is_superuser=on"},
		"durable":        {[]string{"-durable", "--", os.Args[0], showSettings}, 7, "fsync=on max_connections=400 is_superuser=on"},
		"signal":         {[]string{"--", "sh", "-c", "kill -TERM $$"}, 128 + int(syscall.SIGTERM), ""},
		"not found":      {[]string{"--", "no-such-command"}, 127, "no-such-command"},
		"no command":     {nil, 2, "usage: withpostgres"},
		"unknown flag":   {[]string{"-slow", "--", "true"}, 2, "-slow"},
		"help":           {[]string{"-help"}, 0, "usage: withpostgres"},
		"without dashes": {[]string{"true"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, temp := withpostgres(t, test.args...)
			output, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(output), test.want) {
				t.Errorf("exit code %d, want %d, and %q in the output:\n%s", code, test.code, test.want, output)
			}
			wantNothingLeft(t, temp)
		})
	}
}

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	var outputs [2]bytes.Buffer
	var cmds [2]*exec.Cmd
	for i := range cmds {
		var temp string
		cmds[i], temp = withpostgres(t, "--", "sh", "-c", "echo $"+variable)
		cmds[i].Stdout = &outputs[i]
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
		defer wantNothingLeft(t, temp)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if outputs[0].Len() == 0 || outputs[0].String() == outputs[1].String() {
		t.Error("the two share a server, or have none")
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	// The shell can miss a signal that arrives just before it starts a program,
	// and then waits for that program to end: each one must be short.
	const script = `trap 'echo caught; exit 5' INT TERM; echo ready; while :; do sleep 0.1; done`
	for name, test := range map[string]struct {
		signal syscall.Signal
		script string
		code   int
		want   string
	}{
		"interrupt": {syscall.SIGINT, script, 5, "caught"},
		"terminate": {syscall.SIGTERM, script, 5, "caught"},
		"kill":      {syscall.SIGKILL, "echo ready; read line", -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, temp := withpostgres(t, "--", "sh", "-c", test.script)
			input, err := cmd.StdinPipe() // ends the command that is not reached
			if err != nil {
				t.Fatal(err)
			}
			defer input.Close()
			output, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ready := make([]byte, len("ready\n"))
			if _, err := io.ReadFull(output, ready); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			if test.signal == syscall.SIGKILL {
				wantNothingLeft(t, temp)
				_ = input.Close()
			}
			rest, err := io.ReadAll(output)
			if err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(rest), test.want) {
				t.Errorf("exit code %d, want %d; output %q, want %q", code, test.code, rest, test.want)
			}
			wantNothingLeft(t, temp)
		})
	}
}

func TestSignalWhileTheServerStarts(t *testing.T) {
	t.Parallel()
	cmd, temp := withpostgres(t, "--", "true")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		files, err := os.ReadDir(temp)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("no start: %v", err)
		}
		if len(files) > 0 {
			break
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailure || !strings.Contains(stderr.String(), "terminated") {
		t.Errorf("exit code %d, want %d:\n%s", code, exitFailure, stderr.String())
	}
	wantNothingLeft(t, temp)
}
