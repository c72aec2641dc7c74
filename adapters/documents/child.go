package documents

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// errWall is the cause of a child's end by the wall clock.
var errWall = errors.New("the time allowed for one file is over")

// run has a child process do the work. Out may be nil.
func (e *Engine) run(ctx context.Context, r request, source Source, out *os.File) (_ message, err error) {
	release, err := e.Slot(ctx)
	if err != nil {
		return message{}, err
	}
	defer release()
	var used time.Duration
	if e.Observe != nil {
		var observed func(time.Duration, error)
		ctx, observed = e.Observe(ctx, r.Operation)
		defer func() { observed(used, err) }()
	}
	limited, cancel := context.WithTimeoutCause(ctx, r.Limits.Wall, errWall)
	defer cancel()
	cmd, ended, err := e.child(limited, r, source, out)
	if err != nil {
		return message{}, err
	}
	defer ended()
	last, readErr := receive(cmd.stdout, source.Progress)
	if readErr != nil {
		cancel()
	}
	waitErr := cmd.Wait()
	used = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	switch {
	case ctx.Err() != nil:
		return message{}, ctx.Err()
	case errors.Is(context.Cause(limited), errWall):
		return message{}, problem(TooSlow, "The file takes longer than the allowed %s.", r.Limits.Wall)
	case last.Problem != nil:
		return message{}, last.Problem
	case last.done() && waitErr == nil:
		return last, nil
	}
	if used >= r.Limits.CPU {
		return message{}, problem(TooSlow, "The file takes more than the allowed %s of processor time.", r.Limits.CPU)
	}
	return message{}, e.crash(ctx, r, cmd.said.String(), errors.Join(readErr, waitErr))
}

type child struct {
	*exec.Cmd
	stdout io.Reader
	said   *tail
}

// child starts the child process.
func (e *Engine) child(ctx context.Context, r request, source Source, out *os.File) (*child, func(), error) {
	var answers *os.File
	var err error
	if source.Answers != nil || source.Password != "" {
		r.Answers = true
		k := known{Password: source.Password}
		if source.Answers != nil {
			k.Answers = *source.Answers
		}
		if answers, err = answerPipe(k); err != nil {
			return nil, nil, err
		}
		defer answers.Close()
	}
	argument, err := json.Marshal(r)
	if err != nil {
		return nil, nil, fmt.Errorf("write the request: %w", err)
	}
	cmd := exec.CommandContext(ctx, e.Executable, WorkerCommand, string(argument)) //nolint:gosec // our own program
	cmd.Stdin = source.File
	cmd.ExtraFiles = []*os.File{out, answers}
	// Nothing of the parent's environment is the child's business, least of all its secrets.
	cmd.Env = append([]string{
		"GOMEMLIMIT=" + strconv.FormatInt(r.Limits.Memory*3/4, 10),
		"GOMAXPROCS=2",
		"GOTRACEBACK=single",
	}, detector...)
	said := &tail{}
	cmd.Stderr = said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe from the child process: %w", err)
	}
	started, ended, err := isolate.Child(cmd)
	if err != nil {
		return nil, nil, err
	}
	err = cmd.Start()
	started()
	if err != nil {
		ended()
		return nil, nil, fmt.Errorf("start the child process: %w", err)
	}
	return &child{Cmd: cmd, stdout: stdout, said: said}, ended, nil
}

// answerPipe gives a pipe from which the answers can be read.
func answerPipe(k known) (*os.File, error) {
	text, err := json.Marshal(k) //nolint:gosec // the pipe is what keeps the password from others
	if err != nil {
		return nil, fmt.Errorf("write the answers: %w", err)
	}
	from, to, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the answers: %w", err)
	}
	go func() {
		defer to.Close()
		_, _ = to.Write(text) // a child that reads no more has ended, which shows elsewhere
	}()
	return from, nil
}

// maxAnswer bounds what a child may write: reports are bounded, and so are the images for other engines.
const maxAnswer = 256 << 20

// receive reads messages up to one that is no progress.
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
	return problem(Crashed, "The file made the engine crash; this is a fault of the engine.")
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
