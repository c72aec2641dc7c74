package faults

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Variables that change a run: see the package's documentation. binaryVariable
// names a built program; without it one is built, with the race detector if the
// tests have it.
const (
	fullVariable   = "FAULTS"
	killsVariable  = "FAULTS_KILLS"
	onlyVariable   = "FAULTS_ONLY"
	seedVariable   = "FAULTS_SEED"
	binaryVariable = "PERFECTWORKS_BINARY"
)

// program is the path of the program under test.
var program string

// seed is where the random choices of this run begin.
var seed uint64

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	const failed = 1
	seed = uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return failed, fmt.Errorf("%s: %w", seedVariable, err)
		}
	}
	if program = os.Getenv(binaryVariable); program != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "perfectworks-faults-")
	if err != nil {
		return failed, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "perfectworks")
	if err := build(context.Background(), program); err != nil {
		return failed, err
	}
	return m.Run(), nil
}

// build builds the program as the tests are built.
func build(ctx context.Context, path string, flags ...string) error {
	args := append([]string{"build", "-o", path}, flags...)
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/perfectworks")...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// full tells whether all faults are tried.
func full() bool { return os.Getenv(fullVariable) == "full" }

// choices are the random choices of one test.
func choices(t *testing.T) *rand.Rand {
	t.Helper()
	t.Logf("to repeat the random choices: %s=%d", seedVariable, seed)
	hash := fnv.New64()
	_, _ = hash.Write([]byte(t.Name())) // It never fails.
	return rand.New(rand.NewPCG(seed, hash.Sum64()))
}

// eventually waits for a condition, within a bound for a machine that is busy with
// other tests.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, 2*time.Minute, what, ok)
}

func within(t *testing.T, bound time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(bound); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen within %v: %s", bound, what)
		}
	}
}
