package documents

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/isolate"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// WorkerCommand is the command of the child process; see [Worker] and [isolate.Main].
const WorkerCommand = "documents-worker"

func init() { //nolint:gochecknoinits // see isolate.Main
	isolate.Main(WorkerCommand, func(args []string) int { return Worker(args, os.Stdin, os.Stdout) })
}

// request is what the parent asks for, as the child's only argument.
type request struct {
	Operation string `json:"operation"`
	Format    Format `json:"format,omitempty"`
	// To is the format to convert to.
	To             Format    `json:"to,omitempty"`
	DropSignatures bool      `json:"dropSignatures,omitempty"`
	Folder         string    `json:"folder,omitempty"`
	Limits         Limits    `json:"limits"`
	Now            time.Time `json:"now"`
	Answers        bool      `json:"answers,omitempty"`
}

// message is one line from the child: progress, and at last a result or a problem.
type message struct {
	Progress *progress       `json:"progress,omitempty"`
	Report   *Report         `json:"report,omitempty"`
	Outcome  *Outcome        `json:"outcome,omitempty"`
	Wanted   *tagging.Wanted `json:"wanted,omitempty"`
	Count    *Count          `json:"count,omitempty"`
	Problem  *FileError      `json:"problem,omitempty"`
}

func (m message) done() bool {
	return m.Report != nil || m.Outcome != nil || m.Wanted != nil || m.Count != nil
}

type progress struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// The descriptors of the files that a child gets beside standard input and output, where it gets them.
const (
	outputFile  = 4
	answersFile = 5
)

// openFiles is how many files a child may have open.
const openFiles = 32

// Worker is the main function of the child process: it limits itself, reads the file from standard input and writes
// messages to standard output. Its result is the exit code.
func Worker(args []string, in io.Reader, out io.Writer) int {
	if len(args) != 1 {
		return 2
	}
	var r request
	if err := json.Unmarshal([]byte(args[0]), &r); err != nil {
		return 2
	}
	if err := isolate.Apply(r.isolation()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := isolate.Seal(r.readable()...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	go isolate.EndWithParent(func() { os.Exit(1) })
	tuneCollector()
	buffered := bufio.NewWriter(out)
	lines := json.NewEncoder(buffered)
	send := func(m message) error {
		if err := lines.Encode(m); err != nil {
			return err
		}
		return buffered.Flush()
	}
	last, err := work(r, in, func(done, total int) {
		_ = send(message{Progress: &progress{Done: done, Total: total}}) // the parent is gone: the lifeline ends this
	})
	if err != nil {
		var file *FileError
		if !errors.As(err, &file) {
			file = problem(Crashed, "The file could not be worked on: %v.", err)
		}
		last = message{Problem: file}
	}
	if err := send(last); err != nil {
		return 1
	}
	return 0
}

// isolation gives the limits of the process. Only the output is a file that it may write.
func (r request) isolation() isolate.Limits {
	l := isolate.Limits{Memory: r.Limits.Memory, CPU: r.Limits.CPU, Files: openFiles}
	if r.writes() {
		l.FileBytes = r.Limits.OutputBytes
	}
	return l
}

// readable are the folders that the process may read beside the files that it gets: those of fonts, and that in which the
// images of a document lie.
func (r request) readable() []string {
	folders := embedfont.SystemFolders()
	if r.Folder != "" {
		folders = append(folders, r.Folder)
	}
	return folders
}

func (r request) writes() bool {
	return r.Operation == "process" || r.Operation == "prepare" || r.Operation == "convert"
}

// progressInterval is how often progress is told.
const progressInterval = 100 * time.Millisecond

// throttle tells progress no more often than people can see it.
func throttle(tell func(done, total int)) func(done, total int) {
	told := time.Now()
	return func(done, total int) {
		if time.Since(told) >= progressInterval {
			told = time.Now()
			tell(done, total)
		}
	}
}

// work does what the request asks for.
func work(r request, in io.Reader, tell func(done, total int)) (message, error) {
	data, err := io.ReadAll(io.LimitReader(in, r.Limits.FileBytes+1))
	if err != nil {
		return message{}, fmt.Errorf("read the file: %w", err)
	}
	if int64(len(data)) > r.Limits.FileBytes {
		return message{}, problem(TooLarge, "The file is larger than the allowed %d MiB.", r.Limits.FileBytes>>20)
	}
	if r.Format == "" {
		if r.Format, err = detect(data); err != nil {
			return message{}, err
		}
	}
	j := job{request: r, data: data, tell: throttle(tell)}
	if r.Answers {
		if err := json.NewDecoder(os.NewFile(answersFile, "answers")).Decode(&j.answers); err != nil {
			return message{}, fmt.Errorf("read the answers: %w", err)
		}
	}
	return j.do()
}
