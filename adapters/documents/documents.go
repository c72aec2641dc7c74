// Package documents analyses documents for accessibility, makes accessible versions of them and converts them.
//
// An [Engine] is the port: it takes one file and gives a [Report] in the shape of the Files API, with more beside it,
// or an [Outcome] and another file. Nobody vouches for the files, so the work is done in a child process of the same
// binary with limits on memory, processor time, files and wall-clock time; whatever a file does to that process is an
// error for this file, and nothing else notices.
//
//	isolate     limits of processes
//	pdf         objects and content streams of PDF files, read and written
//	font        font programs and character maps; pdffont how PDF files use them; fontrepair repairs them there;
//	            embedfont has free fonts to embed
//	pdfua       the conditions of PDF/UA-1
//	pagetext    what pages show, and where
//	structure   what a document consists of, from its tags or from its look
//	tagging     makes PDF files accessible
//	pdfhtml     makes HTML of PDF files; pdfimage their images
//	htmlcheck   rules for HTML, from WCAG 2.2
//	htmlfix     makes HTML accessible
//	typeset     makes PDF files of HTML
//	xmp         metadata of PDF files
//	language    which language a text is in
//	engines     other engines, where they are found; router chooses among them
//	command     the command line
//	verapdf     the program that asks veraPDF
//
// Only tests and benchmarks use what is in documentstest: corpustest has sets of documents to measure by, pdftest makes
// single ones, axetest asks axe-core, verapdftest asks veraPDF, and programtest finds other programs.
package documents

import (
	"errors"
	"fmt"

	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// Version is that of the embedded engine; it grows when the same file may give another report.
const Version = "2"

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
	// Protected is a file whose owner does not permit changes, or whose signatures they would void.
	Protected Problem = "protected"
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

// Capabilities say what an engine can do.
type Capabilities struct {
	Engine EngineInfo `json:"engine"`
	// Engines are the optional engines that were found.
	Engines []EngineInfo `json:"engines"`
	Analyze []Format     `json:"analyze"`
	Process []Format     `json:"process"`
	Convert []Conversion `json:"convert"`
	// Isolation is what this system confines the work on a document with.
	Isolation isolate.Confinement `json:"isolation"`
}

// Conversion is from one format to another.
type Conversion struct {
	From Format `json:"from"`
	To   Format `json:"to"`
}

// EngineInfo names an engine.
type EngineInfo struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

var embedded = EngineInfo{Name: "embedded", Version: Version}
