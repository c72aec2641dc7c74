package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/files"
)

const (
	// The known client gives up after 30 s where an analysis is asked for, and after
	// 300 s for all else.
	analysisWait  = 25 * time.Second
	operationWait = 280 * time.Second
	// operationMargin is what an operation may take beside the waiting.
	operationMargin = 4 * time.Second
	// requestTimeout bounds the request of an operation, which the client's leaving does
	// not cut short.
	requestTimeout = 15 * time.Second
	// runningRetry is when to come back to an operation that goes on.
	runningRetry = 2 * time.Second
)

// OperationQuote is what an operation costs.
type OperationQuote struct {
	Pages     int64         `json:"pages" doc:"As how many pages the file is paid for." example:"12"`
	Tokens    int64         `json:"tokens" doc:"What the operation costs at most; 0 when the result is there already, or under way." example:"60"`
	Available int64         `json:"available" doc:"The tokens that the organization can spend." example:"940"`
	Grants    []QuotedGrant `json:"grants" doc:"Which grants would be used, in this order."`
}

// QuotedGrant is a part of a quote.
type QuotedGrant struct {
	Reference string `json:"reference" doc:"Names the grant." example:"welcome"`
	Source    string `json:"source" example:"purchase"`
	Tokens    int64  `json:"tokens" example:"60"`
	ExpireAt  *Time  `json:"expireAt" nullable:"true" doc:"Null for tokens that do not expire."`
}

// AnalysedFile is a file after an analysis was requested.
type AnalysedFile struct {
	File
	JobID *string         `json:"jobId,omitempty" doc:"The analysis, when it was not waited for." example:"job_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Quote *OperationQuote `json:"quote,omitempty" doc:"The answer to a dry run."`
}

// ProcessedFile names the file that an operation makes.
type ProcessedFile struct {
	ProcessedFileID string          `json:"processedFileId,omitempty" doc:"The new file. Absent in a dry run." example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	JobID           *string         `json:"jobId,omitempty" doc:"The operation, when it was not waited for." example:"job_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Quote           *OperationQuote `json:"quote,omitempty" doc:"The answer to a dry run."`
}

// errOperationRunning is the answer when an operation takes longer than a caller
// can be kept waiting.
var errOperationRunning = operationRunning("job_01jd9z3q5we8x9v6m2k4t7r1b9")

func operationRunning(job id.Job) *apiError {
	return &apiError{
		status: http.StatusServiceUnavailable, code: "OPERATION_RUNNING",
		message:    "the operation goes on: repeat the request to wait for it, or see /jobs/" + string(job),
		details:    []failure.Detail{{Field: "jobId", Code: "OPERATION_RUNNING", Message: string(job)}},
		retryAfter: runningRetry, header: http.Header{"Location": {basePath + "/jobs/" + string(job)}},
	}
}

// waitingDoc is what the descriptions of operations say of their waiting.
const waitingDoc = "The answer comes when the result is there. When that takes too long it is 503 OPERATION_RUNNING, and repeating the request " +
	"waits for the same operation. With `Prefer: respond-async` the answer is 202 at once, and GET /jobs/{id} tells the rest. " +
	"Closing the connection cancels nothing. What fails or is cancelled costs nothing. "

func (a *API) registerFileOperations(write authorization) {
	fails := slices.Concat([]error{
		file.ErrNotFound, file.ErrInactive, file.ErrNotReady, file.ErrContentFailed, file.ErrBusy,
		tokenaccount.ErrInsufficient, tokenaccount.ErrSuspended, errOperationRunning,
	}, file.Reasons())
	register(a, operation{
		id: "analyseFile", method: http.MethodPost, path: "/files/{fileId}/analysis", tag: tagFiles, tolerant: true, joins: true,
		summary: "Analyse file", timeout: analysisWait + operationMargin,
		description:   waitingDoc + "A file that was analysed is answered from the stored result, free, unless `forceReanalysis` is set.",
		authorization: write, message: "the file was analysed", fails: fails,
		others: []otherAnswer{{http.StatusAccepted, "the analysis was requested"}},
	}, a.analyseFile)
	register(a, operation{
		id: "makeFileAccessible", method: http.MethodPost, path: "/files/{fileId}/accessibility", tag: tagFiles, tolerant: true, joins: true,
		summary: "Make file accessible", timeout: operationWait + operationMargin,
		description:   waitingDoc + "Repeating it for the same file gives the same result, free.",
		authorization: write, message: "the accessible file is ready", fails: fails,
		others: []otherAnswer{{http.StatusAccepted, "the accessible file was requested"}},
	}, a.makeFileAccessible)
	register(a, operation{
		id: "convertFile", method: http.MethodPost, path: "/files/{fileId}/conversion", tag: tagFiles, tolerant: true, joins: true,
		summary: "Convert file", timeout: operationWait + operationMargin,
		description:   waitingDoc + "Repeating it for the same file and format gives the same result, free.",
		authorization: write, message: "the converted file is ready", fails: append(slices.Clone(fails), file.ErrConverted),
		others: []otherAnswer{{http.StatusAccepted, "the converted file was requested"}},
	}, a.convertFile)
}

type analyseFileInput struct {
	FileID string `path:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body   *struct {
		ForceReanalysis *bool `json:"forceReanalysis,omitempty" nullable:"true" doc:"Whether a stored result is not wanted." example:"false"`
		DryRun          *bool `json:"dryRun,omitempty" nullable:"true" doc:"Whether to tell only what it would cost." example:"false"`
	} `nameHint:"AnalysisRequest"`
}

func (a *API) analyseFile(ctx context.Context, x *exchange, in *analyseFileInput) (reply[AnalysedFile], error) {
	c := commands.RequestOperation{FileID: id.File(in.FileID), Kind: file.Analysis}
	if in.Body != nil {
		c.Forced, c.Dry = isTrue(in.Body.ForceReanalysis), isTrue(in.Body.DryRun)
	}
	done, err := a.operate(ctx, x, c, analysisWait)
	if err != nil {
		return reply[AnalysedFile]{}, err
	}
	f := files.Of(done.requested.File)
	if done.waited {
		if f, err = a.queries.Files.Get(ctx, files.Scope{OrganizationID: x.principal.OrganizationID}, f.ID); err != nil {
			return reply[AnalysedFile]{}, err
		}
	}
	data := AnalysedFile{JobID: done.job(), Quote: done.quote}
	if data.File, err = a.fileOf(ctx, x.principal, f); err != nil {
		return reply[AnalysedFile]{}, err
	}
	return answerOf(done, data), nil
}

type makeFileAccessibleInput struct {
	FileID string `path:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body   *struct {
		DryRun *bool `json:"dryRun,omitempty" nullable:"true" doc:"Whether to tell only what it would cost." example:"false"`
	} `nameHint:"AccessibilityRequest"`
}

func (a *API) makeFileAccessible(ctx context.Context, x *exchange, in *makeFileAccessibleInput) (reply[ProcessedFile], error) {
	return a.process(ctx, x, commands.RequestOperation{
		FileID: id.File(in.FileID), Kind: file.Accessibility, Dry: in.Body != nil && isTrue(in.Body.DryRun),
	})
}

type convertFileInput struct {
	FileID string `path:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body   struct {
		TargetFormat string `json:"targetFormat" enum:"pdf,html" example:"html"`
		DryRun       *bool  `json:"dryRun,omitempty" nullable:"true" doc:"Whether to tell only what it would cost." example:"false"`
	} `nameHint:"ConversionRequest"`
}

func (a *API) convertFile(ctx context.Context, x *exchange, in *convertFileInput) (reply[ProcessedFile], error) {
	return a.process(ctx, x, commands.RequestOperation{
		FileID: id.File(in.FileID), Kind: file.Conversion, Target: file.Format(in.Body.TargetFormat), Dry: isTrue(in.Body.DryRun),
	})
}

func isTrue(b *bool) bool { return b != nil && *b }

func (a *API) process(ctx context.Context, x *exchange, c commands.RequestOperation) (reply[ProcessedFile], error) {
	done, err := a.operate(ctx, x, c, operationWait)
	if err != nil {
		return reply[ProcessedFile]{}, err
	}
	return answerOf(done, ProcessedFile{
		ProcessedFileID: string(done.requested.DerivedID), JobID: done.job(), Quote: done.quote,
	}), nil
}

// operated is what became of the request of an operation.
type operated struct {
	requested commands.RequestedOperation
	result    commands.Result[commands.RequestedOperation]
	// accepted says that the caller does not wait, waited that the result is there.
	accepted, waited bool
	quote            *OperationQuote
}

// job is named when the operation was not waited for.
func (o operated) job() *string {
	if !o.accepted {
		return nil
	}
	return optional(string(o.requested.Operation.Work.JobID))
}

func answerOf[T any](o operated, data T) reply[T] {
	out := reply[T]{data: data, position: o.result.Position}
	if o.accepted {
		out.status, out.message = http.StatusAccepted, "the operation was requested"
		out.location = basePath + "/jobs/" + string(o.requested.Operation.Work.JobID)
		out.header = applied(preferAsync)
	}
	return out
}

// operate requests an operation, and waits for its end as long as the client likes
// and can.
func (a *API) operate(ctx context.Context, x *exchange, c commands.RequestOperation, most time.Duration) (operated, error) {
	c.Async = x.preferences.has(preferAsync)
	result, err := a.request(ctx, x, c)
	if err != nil {
		return operated{}, err
	}
	o := operated{requested: result.Value, result: result}
	switch {
	case c.Dry:
		o.quote = quoteOf(result.Value.Quote)
		return o, nil
	case result.Value.Stored:
		return o, nil
	case c.Async:
		o.accepted = true
		return o, nil
	}
	if wish, given := x.preferences.wait(); given {
		most = min(most, wish)
	}
	ended, err := a.awaitOperation(ctx, x, result.Value.Operation.Work.JobID, most)
	if err != nil {
		return operated{}, err
	}
	o.result.Position, o.waited = later(o.result.Position, ended), true
	return o, nil
}

// request issues the command. A client that leaves does not cut it off between what
// it holds and what it records.
func (a *API) request(ctx context.Context, x *exchange, c commands.RequestOperation) (commands.Result[commands.RequestedOperation], error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	return a.commands.RequestOperation(ctx, a.command(ctx, x), c)
}

// awaitOperation waits until an operation has ended and everybody can read what
// became of it. It fails with that which the operation failed with.
func (a *API) awaitOperation(ctx context.Context, x *exchange, job id.Job, most time.Duration) (at event.Position, err error) {
	leave, free := a.waiting.enter(x.principal.ID())
	if !free {
		return at, operationRunning(job)
	}
	defer leave()
	waiting, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	defer context.AfterFunc(stopping(ctx), cancel)()
	err = a.wait(ctx, x, func(context.Context) (err error) {
		at, err = a.fileWork.Wait(waiting, job)
		return err
	})
	switch {
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return at, ctx.Err() // The client has gone.
	case waiting.Err() != nil && at.IsZero():
		return at, operationRunning(job)
	case err != nil:
		return at, err
	}
	if _, err := a.fresh.await(ctx, []string{files.Name}, at); err != nil {
		return at, operationRunning(job)
	}
	ended, err := a.queries.Files.Job(ctx, files.Scope{OrganizationID: x.principal.OrganizationID}, job)
	if err != nil {
		return at, err
	}
	if ended.Phase != file.Completed {
		a.remember(x, at) // The caller's reads show what was released.
		return at, ended.Reason.Failure(ended.Message)
	}
	return at, nil
}

func quoteOf(q commands.Quote) *OperationQuote {
	out := &OperationQuote{Pages: q.Pages, Tokens: q.Tokens, Available: q.Account.Balance.Available, Grants: []QuotedGrant{}}
	for _, allocation := range q.Allocations {
		grant, _ := q.Account.Grant(allocation.Grant)
		out.Grants = append(out.Grants, QuotedGrant{
			Reference: allocation.Grant.ID, Source: string(grant.Source), Tokens: allocation.Amount, ExpireAt: optionalTime(grant.ExpireAt),
		})
	}
	return out
}

// Limits of those who wait for operations. They hold no place among those who work.
// The known client sends ten files at a time, which always fit: callers together
// bound only what each has beyond that.
const (
	alwaysWaiting       = 10
	maxWaiting          = 4096
	maxWaitingPerCaller = 64
)

// crowd counts those who wait for operations.
type crowd struct {
	mu       sync.Mutex
	all      int
	byCaller map[string]int
}

// enter takes a place, until leave is called; free is false when there is none.
func (w *crowd) enter(caller string) (leave func(), free bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if own := w.byCaller[caller]; own >= alwaysWaiting && (w.all >= maxWaiting || own >= maxWaitingPerCaller) {
		return func() {}, false
	}
	if w.byCaller == nil {
		w.byCaller = map[string]int{}
	}
	w.all++
	w.byCaller[caller]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all--
		if w.byCaller[caller]--; w.byCaller[caller] == 0 {
			delete(w.byCaller, caller)
		}
	}, true
}

// Receipt is what was repaired in a document, with its analysis before and after.
type Receipt struct {
	FileID       string          `json:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	ParentFileID string          `json:"parentFileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Before       ReceiptAnalysis `json:"before" doc:"The document as it was."`
	After        ReceiptAnalysis `json:"after" doc:"This file."`
	Repaired     []ReceiptRepair `json:"repaired" doc:"What was repaired."`
	Manual       []ReceiptTask   `json:"manual" doc:"What a person must still do or look at."`
	Warnings     []string        `json:"warnings" doc:"What one should know of the result." example:"The signatures of the document do not hold any more."`
	Engines      []ReceiptEngine `json:"engines" doc:"What took part."`
}

// ReceiptAnalysis sums an analysis up.
type ReceiptAnalysis struct {
	Score      *int              `json:"score" nullable:"true" example:"54"`
	Categories []ReceiptCategory `json:"categories"`
}

// ReceiptCategory sums a category up.
type ReceiptCategory struct {
	Name    string          `json:"name" enum:"accessibility,best_practices,compliance,performance,seo" example:"accessibility"`
	Score   *int            `json:"score" nullable:"true" example:"92"`
	Status  string          `json:"status" enum:"pass,fail,manual,not_applicable" example:"pass"`
	Summary AnalysisSummary `json:"summary"`
}

// ReceiptRepair is a kind of fault that was repaired.
type ReceiptRepair struct {
	Rule   string `json:"rule" example:"7.1-9"`
	Title  string `json:"title" example:"The document has no title"`
	Detail string `json:"detail,omitempty" example:"taken from the first heading"`
	Count  int    `json:"count" example:"1"`
}

// ReceiptTask is something for a person.
type ReceiptTask struct {
	Rule     string            `json:"rule" example:"01-006"`
	Title    string            `json:"title" example:"Does each alternative text say what its image says?"`
	Location *AnalysisLocation `json:"location,omitempty"`
}

// ReceiptEngine is an engine with its version.
type ReceiptEngine struct {
	Name    string `json:"name" example:"embedded"`
	Version string `json:"version" example:"2"`
}

// operationRecord is the record of an operation that made a file.
type operationRecord struct {
	AnalysisResult
	Before   *AnalysisResult `json:"before"`
	Fixed    []ReceiptRepair `json:"fixed"`
	Manual   []ReceiptTask   `json:"manual"`
	Warnings []string        `json:"warnings"`
	Engines  []ReceiptEngine `json:"engines"`
}

func (a *API) getReceipt(ctx context.Context, x *exchange, in *fileInput) (reply[Receipt], error) {
	f, err := a.visibleFile(ctx, x, in.FileID)
	if err != nil {
		return reply[Receipt]{}, err
	}
	if f.Receipt == "" {
		return reply[Receipt]{}, file.ErrReceiptNotFound
	}
	text, err := a.fileWork.Record(ctx, f.Receipt)
	if errors.Is(err, commands.ErrNoObject) {
		err = file.ErrReceiptNotFound
	}
	if err != nil {
		return reply[Receipt]{}, err
	}
	var record operationRecord
	if err := json.Unmarshal(text, &record); err != nil {
		return reply[Receipt]{}, err
	}
	r := Receipt{
		FileID: string(f.ID), ParentFileID: string(f.ParentID), After: receiptAnalysisOf(record.Results),
		Repaired: record.Fixed, Manual: record.Manual, Warnings: record.Warnings, Engines: record.Engines,
	}
	if record.Before != nil {
		r.Before = receiptAnalysisOf(record.Before.Results)
	}
	return reply[Receipt]{data: r}, nil
}

func receiptAnalysisOf(r AnalysisResults) ReceiptAnalysis {
	out := ReceiptAnalysis{Score: r.OverallScore, Categories: []ReceiptCategory{}}
	for _, c := range r.Categories {
		out.Categories = append(out.Categories, ReceiptCategory{Name: c.Name, Score: c.Score, Status: c.Status, Summary: c.Summary})
	}
	return out
}
