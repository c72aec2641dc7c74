package file

import (
	"time"

	"github.com/perfectworks/backend/domain/id"
)

// Type is where a file comes from.
type Type string

// The types.
const (
	Original   Type = "original"
	Accessible Type = "accessible"
	Converted  Type = "converted"
)

// Types returns all types.
func Types() []Type { return []Type{Original, Accessible, Converted} }

// Format is how a document is written.
type Format string

// The formats.
const (
	PDF  Format = "pdf"
	HTML Format = "html"
)

// Formats returns all formats.
func Formats() []Format { return []Format{PDF, HTML} }

// MIME returns the media type of a format; empty for no format.
func (f Format) MIME() string {
	switch f {
	case PDF:
		return "application/pdf"
	case HTML:
		return "text/html"
	}
	return ""
}

// FormatOf returns the format of a media type without parameters; false when files
// of the type are not accepted.
func FormatOf(mime string) (Format, bool) {
	for _, f := range Formats() {
		if f.MIME() == mime {
			return f, true
		}
	}
	return "", false
}

// Status is how far a file is. An original is processed once it has an analysis; a
// derived file, once it has its content.
type Status string

// The statuses.
const (
	Uploaded   Status = "uploaded"
	Processing Status = "processing"
	Processed  Status = "processed"
	Failed     Status = "failed"
	Deleted    Status = "deleted"
)

// Statuses returns all statuses.
func Statuses() []Status { return []Status{Uploaded, Processing, Processed, Failed, Deleted} }

// Kind is a kind of operation.
type Kind string

// The kinds.
const (
	Analysis      Kind = "analysis"
	Accessibility Kind = "accessibility"
	Conversion    Kind = "conversion"
)

// Phase is how far an operation is.
type Phase string

// The phases.
const (
	Waiting   Phase = "waiting"
	Running   Phase = "running"
	Completed Phase = "completed"
	// Broken is an operation that failed, by whatever reason.
	Broken    Phase = "failed"
	Cancelled Phase = "cancelled"
)

// Ended tells whether the operation is over.
func (p Phase) Ended() bool { return p == Completed || p == Broken || p == Cancelled }

// Content is a document as it is stored. It never changes.
type Content struct {
	// Object is the key in the object store.
	Object string `json:"object"`
	Format Format `json:"format"`
	// Size is in bytes; SHA256 is in lower-case hexadecimal.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Pages are those of a PDF, Characters those of the text of an HTML document.
	Pages      int64 `json:"pages,omitempty"`
	Characters int64 `json:"characters,omitempty"`
}

// CharactersPerPage is how many characters of HTML are paid for as one page.
const CharactersPerPage = 3000

// BilledPages is how many pages the content is paid for as: those of a PDF, and
// one for each started 3,000 characters of HTML. It is at least one.
func (c Content) BilledPages() int64 {
	pages := c.Pages
	if c.Format == HTML {
		pages = (c.Characters + CharactersPerPage - 1) / CharactersPerPage
	}
	return max(1, pages)
}

// Findings sum up the analysis of a content. The report itself is an object.
type Findings struct {
	// Report is the key of the report in the object store.
	Report string `json:"report"`
	// Engine names the engine and its version.
	Engine string `json:"engine"`
	// Score is from 0 to 100.
	Score      int        `json:"score"`
	Categories []Category `json:"categories"`
	AnalysedAt time.Time  `json:"analysedAt"`
}

// Category sums up one category of findings.
type Category struct {
	Name string `json:"name"`
	// Score is nil where the category does not apply.
	Score    *int   `json:"score,omitempty"`
	Status   string `json:"status"`
	Errors   int    `json:"errors"`
	Warnings int    `json:"warnings"`
	Infos    int    `json:"infos"`
}

// Work is what an operation was requested with.
type Work struct {
	JobID id.Job `json:"jobId"`
	// UserID is the person on whose behalf it is; empty for an organization's key.
	UserID id.User `json:"userId,omitempty"`
	// Pages are those to be paid for, and Tokens what is held for them: zero where
	// the operation is free.
	Pages  int64 `json:"pages"`
	Tokens int64 `json:"tokens"`
	// Rate is the price of a page, in tokens.
	Rate int64 `json:"rate"`
	// HeldAt is the time of the reservation's reference, whose id is JobID.
	HeldAt time.Time `json:"heldAt"`
	// Deadline is the first instant at which the operation cannot complete.
	Deadline time.Time `json:"deadline"`
	// Engine names the engine and its version.
	Engine string `json:"engine"`
	// Async says that nobody waited for it when it was requested.
	Async bool `json:"async,omitempty"`
}

// Done is how an operation was completed.
type Done struct {
	// Fence is that of the worker.
	Fence int64 `json:"fence"`
	// Pages of the result are paid for with Tokens.
	Pages  int64 `json:"pages"`
	Tokens int64 `json:"tokens"`
	// Findings are about the result: of an analysis, about the file itself.
	Findings Findings `json:"findings"`
}
