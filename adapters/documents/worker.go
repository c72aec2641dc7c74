package documents

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// WorkerCommand is the hidden subcommand of the child process; see [Worker].
const WorkerCommand = "documents-worker"

// request is what the parent asks for, as the child's only argument.
type request struct {
	Operation string    `json:"operation"`
	Format    Format    `json:"format,omitempty"`
	Limits    Limits    `json:"limits"`
	Now       time.Time `json:"now"`
}

// message is one line from the child: progress, and at last a report or an error.
type message struct {
	Progress *progress  `json:"progress,omitempty"`
	Report   *Report    `json:"report,omitempty"`
	Problem  *FileError `json:"problem,omitempty"`
}

type progress struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// lifeline is the descriptor of a pipe that the parent holds open while it lives.
const lifeline = 3

// Worker is the main function of the child process: it limits itself, reads the file from standard input and writes
// messages to standard output. Its result is the exit code. A program that makes an [Engine] calls it when its first
// argument is [WorkerCommand], with the arguments after that.
func Worker(args []string, in io.Reader, out io.Writer) int {
	if len(args) != 1 {
		return 2
	}
	var r request
	if err := json.Unmarshal([]byte(args[0]), &r); err != nil {
		return 2
	}
	if err := limitProcess(r.Limits); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	go endWithParent(os.NewFile(lifeline, "lifeline"))
	buffered := bufio.NewWriter(out)
	lines := json.NewEncoder(buffered)
	send := func(m message) error {
		if err := lines.Encode(m); err != nil {
			return err
		}
		return buffered.Flush()
	}
	report, err := work(r, in, func(done, total int) {
		_ = send(message{Progress: &progress{Done: done, Total: total}}) // the parent is gone: the lifeline ends this
	})
	last := message{Report: report}
	if err != nil {
		var file *FileError
		if !errors.As(err, &file) {
			file = problem(Crashed, "The file could not be analysed: %v.", err)
		}
		last = message{Problem: file}
	}
	if err := send(last); err != nil {
		return 1
	}
	return 0
}

// endWithParent ends the process when the other end of the pipe closes.
func endWithParent(pipe *os.File) {
	if pipe == nil {
		return
	}
	if _, err := pipe.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
		os.Exit(1)
	}
}

// progressInterval is how often progress is told.
const progressInterval = 100 * time.Millisecond

func work(r request, in io.Reader, tell func(done, total int)) (*Report, error) {
	data, err := io.ReadAll(io.LimitReader(in, r.Limits.FileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if int64(len(data)) > r.Limits.FileBytes {
		return nil, problem(TooLarge, "The file is larger than the allowed %d MiB.", r.Limits.FileBytes>>20)
	}
	format := r.Format
	if format == "" {
		if format, err = detect(data); err != nil {
			return nil, err
		}
	}
	told := time.Now()
	throttled := func(done, total int) {
		if time.Since(told) >= progressInterval {
			told = time.Now()
			tell(done, total)
		}
	}
	switch format {
	case PDF:
		return analyzePDF(data, r.Limits, r.Now, throttled)
	case HTML:
		return analyzeHTML(data, r.Now)
	}
	return nil, problem(Unsupported, "The format %q is not supported.", format)
}
