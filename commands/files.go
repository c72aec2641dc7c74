package commands

import (
	"cmp"
	"context"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
)

// FileCommands are the use cases of files and of the operations on them.
type FileCommands struct {
	RequestUpload Handler[RequestUpload, IssuedUpload]
	ClaimUpload   Handler[ClaimUpload, file.State]
	UpdateFile    Handler[UpdateFile, file.State]
	DeleteFile    Handler[DeleteFile, file.State]
	LinkFile      Handler[LinkFile, FileLink]

	RequestOperation Handler[RequestOperation, RequestedOperation]
	CancelOperation  Handler[CancelOperation, file.State]

	// The others are for policies and workers.

	EnqueueOperation  Handler[EnqueueOperation, file.State]
	StartOperation    Handler[StartOperation, file.State]
	CompleteOperation Handler[CompleteOperation, file.State]
	FailOperation     Handler[FailOperation, file.State]
	FinishOperation   Handler[FinishOperation, file.State]
	ReleaseHold       Handler[ReleaseHold, file.State]
	PurgeFile         Handler[PurgeFile, file.State]
	ReadFile          Handler[ReadFile, file.State]
	CancelOperations  Handler[CancelOperations, CancelledOperations]
	ExpireFile        Handler[ExpireFile, file.State]
	HoldsObject       Handler[HoldsObject, bool]
}

func (x *executor) fileCommands(o Observer) FileCommands {
	return FileCommands{
		RequestUpload: observed(o, "RequestUpload", x.requestUpload),
		ClaimUpload:   observed(o, "ClaimUpload", x.claimUpload),
		UpdateFile:    observed(o, "UpdateFile", x.updateFile),
		DeleteFile:    observed(o, "DeleteFile", x.deleteFile),
		LinkFile:      observed(o, "LinkFile", x.linkFile),

		RequestOperation: observed(o, "RequestOperation", x.requestOperation),
		CancelOperation:  observed(o, "CancelOperation", x.cancelOperation),

		EnqueueOperation:  observed(o, "EnqueueOperation", x.enqueueOperation),
		StartOperation:    observed(o, "StartOperation", x.startOperation),
		CompleteOperation: observed(o, "CompleteOperation", x.completeOperation),
		FailOperation:     observed(o, "FailOperation", x.failOperation),
		FinishOperation:   observed(o, "FinishOperation", x.finishOperation),
		ReleaseHold:       observed(o, "ReleaseHold", x.releaseHold),
		PurgeFile:         observed(o, "PurgeFile", x.purgeFile),
		ReadFile:          observed(o, "ReadFile", x.readFile),
		CancelOperations:  observed(o, "CancelOperations", x.cancelOperations),
		ExpireFile:        observed(o, "ExpireFile", x.expireFile),
		HoldsObject:       observed(o, "HoldsObject", x.holdsObject),
	}
}

// Files is what the commands of files need beside the streams.
type Files struct {
	Objects   FileObjects
	Documents Documents
	Queue     OperationQueue
	// Seal returns a keyed hash of a text, as letters and digits.
	Seal func(text string) string
	// MaxSize bounds a file, in bytes; DefaultMaxFileSize when zero.
	MaxSize int64
	// Grace is how long the bytes of a deleted file are kept; file.Grace when zero.
	Grace time.Duration
}

// DefaultMaxFileSize is the default of Files.MaxSize, in bytes.
const DefaultMaxFileSize = 100 << 20

func (f Files) withDefaults() Files {
	f.MaxSize = cmp.Or(f.MaxSize, DefaultMaxFileSize)
	f.Grace = cmp.Or(f.Grace, file.Grace)
	return f
}

// FileObjects keeps the bytes of files, and deletes those of a whole file.
type FileObjects interface {
	Objects
	// DeleteAll deletes all objects whose keys begin with a prefix, and says how many
	// they were and their size in bytes.
	DeleteAll(ctx context.Context, prefix string) (objects int, bytes int64, err error)
}

// Documents looks at documents.
type Documents interface {
	// Inspect counts the pages or characters of an object. A document that cannot be
	// worked on is no error: then Problem says why. It fails with ErrNoObject, and
	// with ErrInspectionBusy when there was no time for it.
	Inspect(ctx context.Context, object string, format file.Format) (Inspection, error)
	// Engine names the engine that works on documents, with its version: the same
	// name stands for the same results.
	Engine() string
}

// Inspection is what is known of a document at once.
type Inspection struct {
	Pages, Characters int64
	Problem           file.Reason
}

// OperationQueue is where operations wait for a worker.
type OperationQueue interface {
	// Enqueue puts an operation into the queue, once.
	Enqueue(context.Context, QueuedOperation) error
	// Stop tells those who wait for an operation that it has ended, as the log says at
	// a position, and interrupts the work on it, or keeps it from beginning.
	Stop(ctx context.Context, job id.Job, at event.Position) error
	// Unended returns the operations of an organization that have not ended.
	Unended(context.Context, id.Organization) ([]QueuedOperation, error)
}

// QueuedOperation is an operation in the queue.
type QueuedOperation struct {
	OrganizationID id.Organization
	FileID         id.File
	JobID          id.Job
	// Async operations come after those that a caller waits for.
	Async bool
	// TraceParent is the W3C trace parent of the request; it may be empty.
	TraceParent string
}

// mayRead is nil for those who may see a file: its owner, and those who may read
// the files of others. For all others it does not exist.
func mayRead(p access.Principal, s file.State) error {
	return mayUse(p, s, access.ReadOwnFiles, access.ReadFilesOfOthers)
}

// mayWrite is mayRead for those who may change a file and have it worked on. One who
// may only see it is told so.
func mayWrite(p access.Principal, s file.State) error {
	if mayUse(p, s, access.WriteOwnFiles, access.WriteFilesOfOthers) == nil {
		return nil
	}
	if err := mayRead(p, s); err != nil {
		return err
	}
	return access.ErrForbidden
}

func mayUse(p access.Principal, s file.State, own, others access.Permission) error {
	switch {
	case s.ID == "" || s.OrganizationID != p.OrganizationID:
	case p.UserID != "" && s.UserID == p.UserID && p.May(own), p.May(others):
		return nil
	}
	return file.ErrNotFound
}

// loadFile reads a file as the store has it.
func (x *executor) loadFile(ctx context.Context, name id.File) (outcome[file.State], error) {
	return load(ctx, x, ref(file.Aggregate, name), true)
}

// changeFile carries out a decision of a person or a key about a file.
func (x *executor) changeFile(ctx context.Context, req Request, name id.File, decide func(file.State) ([]event.Event, error)) (outcome[file.State], error) {
	return execute(ctx, x, req, change[file.State]{
		of: ref(file.Aggregate, name), organization: req.Principal.OrganizationID, expected: req.Expected, decide: decide,
	})
}

// settleFile brings a file into a state, for policies and workers: it can be
// repeated with any request.
func (x *executor) settleFile(ctx context.Context, req Request, name id.File, decide func(file.State) ([]event.Event, error)) (outcome[file.State], error) {
	return settle(ctx, x, req, ref(file.Aggregate, name), req.Principal.OrganizationID, decide)
}
