package documents

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/perfectworks/backend/adapters/documents/isolate"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// Engine is the embedded engine: it works on documents in child processes and needs nothing installed. It is safe for
// concurrent use; as many files as there are processors are worked on at a time, the others wait.
type Engine struct {
	// Executable is the program to run as the child process; it must call [Worker]. The default is this program.
	Executable string
	// Limits bound the work on each file.
	Limits Limits
	// Now gives the time of analysis; nil is the system's clock.
	Now func() time.Time
	// Log gets what a crashed child said; nil is nowhere.
	Log *slog.Logger
	// Observe, if not nil, sees each child process begin, after it has waited for its turn, and returns what is told of its
	// end: the processor time that it took, and the error of the work.
	Observe func(ctx context.Context, operation string) (context.Context, func(cpu time.Duration, err error))

	slots chan struct{}
}

// New gives an engine with default limits that runs this program as its child process.
func New(log *slog.Logger) (*Engine, error) { return NewWith(log, runtime.NumCPU()) }

// NewWith is New for an engine that works on so many files at a time.
func NewWith(log *slog.Logger, files int) (*Engine, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return &Engine{Executable: executable, Log: log, slots: make(chan struct{}, files)}, nil
}

// Slot waits until one more child process may work, and keeps its place until release is called. It is for processes that
// work on documents beside those of the engine, whose own methods wait by themselves. Its error is the context's.
func (e *Engine) Slot(ctx context.Context) (release func(), err error) {
	if e.slots == nil {
		return func() {}, nil
	}
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Source is a file to work on.
type Source struct {
	// File is read from its current offset to its end.
	File *os.File
	// Format is told by the caller, or found by the content if empty.
	Format Format
	// Progress, if not nil, is called now and then with the pages done and their number.
	Progress func(done, total int)
	// DropSignatures lets a signed PDF be processed, whose signatures are void afterwards.
	DropSignatures bool
	// Folder, if not empty, is where the images and style sheets of an HTML document may lie: those that it names and that
	// are below the folder become part of a PDF. Without it, nothing but the file is read.
	Folder string
	// Answers are what other engines know of the document.
	Answers *Answers
	// Password opens an encrypted PDF: that of its owner, or that of its user if the owner permits what is to be done. It
	// goes to the child process by a pipe, and into no argument, log, report or error.
	Password string
}

// known is what a child process gets to know beside the file, by a pipe.
type known struct {
	Answers
	Password string `json:"password,omitempty"`
}

// Answers are what other engines found out about a document: see [Engine.Wanted].
type Answers struct {
	// Words are the text of scanned pages, by page number.
	Words map[int][]tagging.Word `json:"words,omitempty"`
	// Alternatives are alternative texts, by the key of a figure.
	Alternatives map[string]string `json:"alternatives,omitempty"`
}

// Capabilities say what this engine can do.
func (e *Engine) Capabilities() Capabilities {
	both := []Format{PDF, HTML}
	return Capabilities{
		Engine: embedded, Engines: []EngineInfo{}, Analyze: both, Process: both,
		Convert:   []Conversion{{From: HTML, To: PDF}, {From: PDF, To: HTML}},
		Isolation: isolate.Available(),
	}
}

// Analyze reports on the accessibility of a file. Its error is a [*FileError] if the file is at fault, or the
// context's.
func (e *Engine) Analyze(ctx context.Context, source Source) (*Report, error) {
	m, err := e.run(ctx, e.request("analyze", source), source, nil)
	if err != nil {
		return nil, err
	}
	return m.Report, nil
}

// Process writes an accessible version of a file to out, in the same format. Errors are as for [Engine.Analyze]; what
// out holds after one means nothing.
func (e *Engine) Process(ctx context.Context, source Source, out *os.File) (*Outcome, error) {
	m, err := e.run(ctx, e.request("process", source), source, out)
	if err != nil {
		return nil, err
	}
	return m.Outcome, nil
}

// Convert writes a file to out in the other format, accessible as far as what it says allows. Errors are as for
// [Engine.Process]; a conversion to the format that the file has already is [Unsupported].
func (e *Engine) Convert(ctx context.Context, source Source, to Format, out *os.File) (*Outcome, error) {
	r := e.request("convert", source)
	r.To = to
	m, err := e.run(ctx, r, source, out)
	if err != nil {
		return nil, err
	}
	return m.Outcome, nil
}

// Prepare writes an HTML document to out as an engine that prints it wants it: repaired, and with what lies beside it in
// it. The outcome's report is still that on the file. Errors are as for [Engine.Process].
func (e *Engine) Prepare(ctx context.Context, source Source, out *os.File) (*Outcome, error) {
	m, err := e.run(ctx, e.request("prepare", source), source, out)
	if err != nil {
		return nil, err
	}
	return m.Outcome, nil
}

// Wanted tells what other engines could add before a file is processed: the text of scanned pages, and alternative
// texts of figures. Errors are as for [Engine.Analyze].
func (e *Engine) Wanted(ctx context.Context, source Source) (*tagging.Wanted, error) {
	m, err := e.run(ctx, e.request("wanted", source), source, nil)
	if err != nil {
		return nil, err
	}
	return m.Wanted, nil
}

// Count tells how long a document is, without working on it. Errors are as for [Engine.Analyze].
func (e *Engine) Count(ctx context.Context, source Source) (*Count, error) {
	m, err := e.run(ctx, e.request("count", source), source, nil)
	if err != nil {
		return nil, err
	}
	return m.Count, nil
}

func (e *Engine) request(operation string, source Source) request {
	now := time.Now
	if e.Now != nil {
		now = e.Now
	}
	return request{
		Operation: operation, Format: source.Format, DropSignatures: source.DropSignatures, Folder: source.Folder, Limits: e.Limits.withDefaults(),
		Now: now().UTC().Truncate(time.Millisecond),
	}
}
