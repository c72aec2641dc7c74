// Package documents analyses documents for accessibility.
//
// An [Engine] is the port: it takes one file and gives a [Report] in the shape of the Files API, with more beside it.
// Nobody vouches for the files, so the work is done in a child process of the same binary with limits on memory,
// processor time, files and wall-clock time; whatever a file does to that process is an error for this file, and
// nothing else notices.
//
//	adapters/documents          the port, the child process, the report and its score
//	adapters/documents/pdf      objects and content streams of PDF files
//	adapters/documents/font     font programs and character maps
//	adapters/documents/pdfua    the conditions of PDF/UA-1
//	adapters/documents/htmlcheck  rules for HTML, from WCAG 2.2
//	adapters/documents/command  the command line
package documents

import (
	"errors"
	"fmt"
	"time"
)

// Version is that of the embedded engine; it grows when the same file may give another report.
const Version = "1"

// Format is how a document is written.
type Format string

// The formats.
const (
	PDF  Format = "pdf"
	HTML Format = "html"
)

// Problem is why a file could not be worked on.
type Problem string

// The problems.
const (
	// Unsupported is a file that is neither PDF nor HTML, or one written in a way that is not supported.
	Unsupported Problem = "unsupported"
	// Damaged is a file that cannot be read.
	Damaged Problem = "damaged"
	// Encrypted is a file that opens only with a password.
	Encrypted Problem = "encrypted"
	// TooLarge is a file that goes beyond a limit.
	TooLarge Problem = "too_large"
	// TooSlow is a file that takes more time than is allowed.
	TooSlow Problem = "too_slow"
	// Crashed is a fault of the engine.
	Crashed Problem = "crashed"
)

// FileError says in one sentence why a file could not be worked on. It is about this file alone: the same engine can
// take the next one.
type FileError struct {
	Problem Problem `json:"problem"`
	Message string  `json:"message"`
}

// Error is the sentence.
func (e *FileError) Error() string { return e.Message }

// Is compares the problem, so that errors.Is(err, ErrUnsupported) works.
func (e *FileError) Is(target error) bool {
	var other *FileError
	return errors.As(target, &other) && other.Message == "" && other.Problem == e.Problem
}

// ErrUnsupported is matched by the errors for what no engine can do.
var ErrUnsupported = &FileError{Problem: Unsupported}

func problem(p Problem, format string, args ...any) *FileError {
	return &FileError{Problem: p, Message: fmt.Sprintf(format, args...)}
}

// Limits bound the work on one file. Zero means the default.
type Limits struct {
	// FileBytes is how large a file may be.
	FileBytes int64 `json:"fileBytes"`
	// Memory is how many bytes the work may take beside the program itself.
	Memory int64 `json:"memory"`
	// CPU and Wall are how long it may take, in processor and in wall-clock time.
	CPU  time.Duration `json:"cpu"`
	Wall time.Duration `json:"wall"`
	// Pages is how many pages a PDF may have.
	Pages int `json:"pages"`
	// DecodedBytes is how many bytes all streams of a PDF together may decode to.
	DecodedBytes int64 `json:"decodedBytes"`
	// Operations is how many content operations of a PDF are looked at.
	Operations int `json:"operations"`
}

// DefaultLimits suit documents of a few hundred megabytes and a few thousand pages.
func DefaultLimits() Limits {
	return Limits{
		FileBytes: 512 << 20, Memory: 1536 << 20, CPU: 2 * time.Minute, Wall: 3 * time.Minute,
		Pages: 9_999, DecodedBytes: 1 << 30, Operations: 50_000_000,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.FileBytes == 0 {
		l.FileBytes = d.FileBytes
	}
	if l.Memory == 0 {
		l.Memory = d.Memory
	}
	if l.CPU == 0 {
		l.CPU = d.CPU
	}
	if l.Wall == 0 {
		l.Wall = d.Wall
	}
	if l.Pages == 0 {
		l.Pages = d.Pages
	}
	if l.DecodedBytes == 0 {
		l.DecodedBytes = d.DecodedBytes
	}
	if l.Operations == 0 {
		l.Operations = d.Operations
	}
	return l
}

// Capabilities say what an engine can do.
type Capabilities struct {
	Engine  EngineInfo `json:"engine"`
	Analyze []Format   `json:"analyze"`
}

// EngineInfo names an engine.
type EngineInfo struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

var embedded = EngineInfo{Name: "embedded", Version: Version}
