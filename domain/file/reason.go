package file

import (
	"slices"

	"github.com/perfectworks/backend/domain/failure"
)

// Reason is why an operation has no result, as a code that programs branch on.
type Reason string

// The reasons. Those about the document would come again.
const (
	DocumentEncrypted   Reason = "DOCUMENT_ENCRYPTED"
	DocumentProtected   Reason = "DOCUMENT_CHANGE_FORBIDDEN"
	DocumentUnreadable  Reason = "DOCUMENT_UNREADABLE"
	DocumentUnsupported Reason = "DOCUMENT_UNSUPPORTED"
	DocumentTooLarge    Reason = "DOCUMENT_TOO_LARGE"
	DocumentTooSlow     Reason = "DOCUMENT_TIMED_OUT"
	EngineFailed        Reason = "ENGINE_FAILED"
	ResultTooLarge      Reason = "RESULT_TOO_LARGE"
	ContentMissing      Reason = "FILE_CONTENT_MISSING"
	StorageFull         Reason = "WORKER_STORAGE_FULL"
	HoldEnded           Reason = "OPERATION_HOLD_EXPIRED"
	OperationTimedOut   Reason = "OPERATION_TIMED_OUT"
	OperationCancelled  Reason = "OPERATION_CANCELLED"
	OperationLost       Reason = "OPERATION_FAILED"
)

// Refusals of this package.
var (
	ErrNotFound = failure.New(failure.NotFound, "FILE_NOT_FOUND",
		"there is no such file")
	ErrUploadNotFound = failure.New(failure.NotFound, "UPLOAD_NOT_FOUND",
		"there is no upload of this key: ask for an upload URL and send the bytes first")
	ErrClaimed = failure.New(failure.Conflict, "UPLOAD_CLAIMED",
		"this upload has become a file already")
	ErrUploadMismatched = failure.New(failure.Unprocessable, "UPLOAD_MISMATCHED",
		"what was uploaded is not what was announced")
	ErrInactive = failure.New(failure.Conflict, "FILE_DEACTIVATED",
		"the file is not active: set isActive to true first")
	ErrNotReady = failure.New(failure.Conflict, "FILE_CONTENT_UNAVAILABLE",
		"the file has no content yet: wait until its status is processed")
	ErrContentFailed = failure.New(failure.Conflict, "FILE_FAILED",
		"the file has no content, because the operation that was to create it failed")
	ErrBusy = failure.New(failure.Conflict, "FILE_BUSY",
		"too many operations on this file are under way: wait until one of them ends")
	ErrConverted = failure.New(failure.Unprocessable, "TARGET_FORMAT_DUPLICATED",
		"the file has this format already")
	// ErrFenceExpired refuses the work of a worker that another one has replaced, and of
	// one whose operation is over.
	ErrFenceExpired = failure.New(failure.Conflict, "OPERATION_FENCE_EXPIRED",
		"the operation is not this worker's any more")
	ErrReceiptNotFound = failure.New(failure.NotFound, "RECEIPT_NOT_FOUND",
		"there is no receipt: the file was not made from another one, or is not ready")
	ErrJobNotFound = failure.New(failure.NotFound, "JOB_NOT_FOUND",
		"there is no such job")
)

// The failures that reasons become.
var byReason = map[Reason]*failure.Failure{
	DocumentEncrypted: failure.New(failure.Unprocessable, "DOCUMENT_ENCRYPTED",
		"the document is encrypted and opens only with a password"),
	DocumentProtected: failure.New(failure.Unprocessable, "DOCUMENT_CHANGE_FORBIDDEN",
		"the owner of the document does not permit changes, or its signatures would become void"),
	DocumentUnreadable: failure.New(failure.Unprocessable, "DOCUMENT_UNREADABLE",
		"the document is damaged, or has no pages that can be read"),
	DocumentUnsupported: failure.New(failure.Unprocessable, "DOCUMENT_UNSUPPORTED",
		"the document is written in a way that is not supported"),
	DocumentTooLarge: failure.New(failure.Unprocessable, "DOCUMENT_TOO_LARGE",
		"the document goes beyond a limit of pages, memory or nesting"),
	DocumentTooSlow: failure.New(failure.Unprocessable, "DOCUMENT_TIMED_OUT",
		"the document takes more time than is allowed"),
	EngineFailed: failure.New(failure.Unprocessable, "ENGINE_FAILED",
		"the work on the document failed for a reason on our side: it cost nothing"),
	ResultTooLarge: failure.New(failure.Unprocessable, "RESULT_TOO_LARGE",
		"the result would be larger than a file may be"),
	ContentMissing: failure.New(failure.Unprocessable, "FILE_CONTENT_MISSING",
		"the bytes of the file are not there any more"),
	StorageFull: failure.New(failure.Unprocessable, "WORKER_STORAGE_FULL",
		"there was no space for the work on the document: request it again later"),
	HoldEnded: failure.New(failure.Conflict, "OPERATION_HOLD_EXPIRED",
		"the tokens for the operation were released before it was done: request it again"),
	OperationTimedOut: failure.New(failure.Unprocessable, "OPERATION_TIMED_OUT",
		"the operation was not done in time: request it again"),
	OperationCancelled: failure.New(failure.Conflict, "OPERATION_CANCELLED",
		"the operation was cancelled"),
	OperationLost: failure.New(failure.Unprocessable, "OPERATION_FAILED",
		"the operation failed for a reason on our side: it cost nothing"),
}

// Failure returns the refusal that a reason becomes, with a more exact sentence
// unless that is empty.
func (r Reason) Failure(message string) *failure.Failure {
	f, known := byReason[r]
	if !known {
		f = byReason[OperationLost]
	}
	if message == "" {
		return f
	}
	exact := *f
	exact.Message = message
	return &exact
}

// AboutDocument tells whether the reason lies in the document, so that it would
// come again.
func (r Reason) AboutDocument() bool {
	return slices.Contains([]Reason{
		DocumentEncrypted, DocumentProtected, DocumentUnreadable, DocumentUnsupported, DocumentTooLarge, DocumentTooSlow,
	}, r)
}

// Reasons returns the failures that all reasons become.
func Reasons() []error {
	var all []error
	for _, f := range byReason {
		all = append(all, f)
	}
	return all
}
