package documents

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Engine analyses documents in child processes. It is safe for concurrent use; as many files as there are processors
// are worked on at a time, the others wait.
type Engine struct {
	// Executable is the program to run as the child process; it must call [Worker]. The default is this program.
	Executable string
	// Limits bound the work on each file.
	Limits Limits
	// Now gives the time of analysis; nil is the system's clock.
	Now func() time.Time
	// Log gets what a crashed child said; nil is nowhere.
	Log *slog.Logger

	slots chan struct{}
}

// New gives an engine with default limits that runs this program as its child process.
func New(log *slog.Logger) (*Engine, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return &Engine{Executable: executable, Log: log, slots: make(chan struct{}, runtime.NumCPU())}, nil
}

// Source is a file to work on.
type Source struct {
	// File is read from its current offset to its end.
	File *os.File
	// Format is told by the caller, or found by the content if empty.
	Format Format
	// Progress, if not nil, is called now and then with the pages done and their number.
	Progress func(done, total int)
}

// Capabilities say what this engine can do.
func (e *Engine) Capabilities() Capabilities {
	return Capabilities{Engine: embedded, Analyze: []Format{PDF, HTML}}
}

// Analyze reports on the accessibility of a file. Its error is a [*FileError] if the file is at fault, or the
// context's.
func (e *Engine) Analyze(ctx context.Context, source Source) (*Report, error) {
	now := time.Now
	if e.Now != nil {
		now = e.Now
	}
	r := request{
		Operation: "analyze", Format: source.Format, Limits: e.Limits.withDefaults(),
		Now: now().UTC().Truncate(time.Millisecond),
	}
	m, err := e.run(ctx, r, source)
	if err != nil {
		return nil, err
	}
	return m.Report, nil
}

// errWall is the cause of a child's end by the wall clock.
var errWall = errors.New("the time allowed for one file is over")

func (e *Engine) run(ctx context.Context, r request, source Source) (message, error) {
	if e.slots != nil {
		select {
		case e.slots <- struct{}{}:
			defer func() { <-e.slots }()
		case <-ctx.Done():
			return message{}, ctx.Err()
		}
	}
	argument, err := json.Marshal(r)
	if err != nil {
		return message{}, fmt.Errorf("write the request: %w", err)
	}
	limited, cancel := context.WithTimeoutCause(ctx, r.Limits.Wall, errWall)
	defer cancel()
	theirs, ours, err := os.Pipe()
	if err != nil {
		return message{}, fmt.Errorf("make a pipe for the child process: %w", err)
	}
	defer ours.Close()
	cmd := exec.CommandContext(limited, e.Executable, WorkerCommand, string(argument)) //nolint:gosec // our own program
	cmd.Stdin = source.File
	cmd.ExtraFiles = []*os.File{theirs}
	// Nothing of the parent's environment is the child's business, least of all its secrets.
	cmd.Env = []string{
		"GOMEMLIMIT=" + strconv.FormatInt(r.Limits.Memory*3/4, 10),
		"GOMAXPROCS=2",
		"GOTRACEBACK=single",
	}
	isolate(cmd)
	var stderr tail
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		theirs.Close()
		return message{}, fmt.Errorf("make a pipe from the child process: %w", err)
	}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return message{}, fmt.Errorf("start the child process: %w", err)
	}
	last, readErr := receive(stdout, source.Progress)
	if readErr != nil {
		cancel()
	}
	waitErr := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return message{}, ctx.Err()
	case errors.Is(context.Cause(limited), errWall):
		return message{}, problem(TooSlow, "The file takes longer than the allowed %s.", r.Limits.Wall)
	case last.Problem != nil:
		return message{}, last.Problem
	case last.Report != nil && waitErr == nil:
		return last, nil
	}
	if used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); used >= r.Limits.CPU {
		return message{}, problem(TooSlow, "The file takes more than the allowed %s of processor time.", r.Limits.CPU)
	}
	return message{}, e.crash(ctx, r, stderr.String(), errors.Join(readErr, waitErr))
}

// maxAnswer bounds what a child may write.
const maxAnswer = 256 << 20

// receive reads messages up to the report or the problem.
func receive(out io.Reader, tell func(done, total int)) (message, error) {
	decoder := json.NewDecoder(bufio.NewReader(io.LimitReader(out, maxAnswer)))
	for {
		var m message
		if err := decoder.Decode(&m); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return message{}, fmt.Errorf("read from the child process: %w", err)
		}
		if m.Progress == nil {
			return m, nil
		}
		if tell != nil {
			tell(m.Progress.Done, m.Progress.Total)
		}
	}
}

// crash says why a child ended without an answer.
func (e *Engine) crash(ctx context.Context, r request, said string, err error) error {
	switch {
	case strings.Contains(said, "out of memory") || strings.Contains(said, "cannot allocate memory"):
		return problem(TooLarge, "The file takes more than the allowed %d MiB of memory.", r.Limits.Memory>>20)
	case strings.Contains(said, "stack exceeds"):
		return problem(TooLarge, "The file is nested too deeply.")
	}
	if e.Log != nil {
		e.Log.ErrorContext(ctx, "the child process for a document crashed", "error", err, "said", said)
	}
	return problem(Crashed, "The file made the analysis crash; this is a fault of the engine.")
}

// tail keeps the first and drops the rest of what a child says.
type tail struct{ bytes.Buffer }

// maxSaid bounds what is kept of a child's standard error.
const maxSaid = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	if free := maxSaid - t.Len(); free > 0 {
		t.Buffer.Write(p[:min(len(p), free)])
	}
	return len(p), nil
}
