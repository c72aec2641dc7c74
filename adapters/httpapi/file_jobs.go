package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/perfectworks/backend/commands"

	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/files"
)

// Job is an operation on a file.
type Job struct {
	ID              string           `json:"id" example:"job_01jd9z3q5we8x9v6m2k4t7r1b9"`
	FileID          string           `json:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	ProcessedFileID *string          `json:"processedFileId" nullable:"true" doc:"The file that is made; null for an analysis." example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Kind            string           `json:"kind" enum:"analysis,accessibility,conversion" example:"accessibility"`
	TargetFormat    *string          `json:"targetFormat" nullable:"true" doc:"Of a conversion." example:"html"`
	State           string           `json:"state" enum:"waiting,running,completed,failed,cancelled" example:"running"`
	Progress        JobProgress      `json:"progress"`
	TokensReserved  int64            `json:"tokensReserved" doc:"What the operation costs at most." example:"60"`
	TokensCaptured  int64            `json:"tokensCaptured" doc:"What it cost: 0 until it is completed, and when it failed or was cancelled." example:"0"`
	Error           orNull[JobError] `json:"error" doc:"Why there is no result; null otherwise."`
	Engine          string           `json:"engine" doc:"The engine with its version." example:"embedded/2"`
	CreatedAt       Time             `json:"createdAt"`
	StartedAt       *Time            `json:"startedAt" nullable:"true"`
	EndedAt         *Time            `json:"endedAt" nullable:"true"`
}

// JobProgress is how far an operation is.
type JobProgress struct {
	PagesDone  int `json:"pagesDone" example:"4"`
	PagesTotal int `json:"pagesTotal" doc:"0 until it is known." example:"12"`
}

// JobError is why an operation has no result.
type JobError struct {
	Code    string `json:"code" example:"DOCUMENT_ENCRYPTED"`
	Message string `json:"message" example:"the document is encrypted and opens only with a password"`
}

// unversioned is what of a job changes without an event.
func (j Job) unversioned() string {
	return fmt.Sprintf("%d/%d", j.Progress.PagesDone, j.Progress.PagesTotal)
}

var tagJobs = tag{"Jobs", "Operations on files that were not waited for."}

const whoseJobs = "For those who may use the file."

func (a *API) registerFileJobs(see, write authorization) {
	register(a, operation{
		id: "getFileReceipt", method: http.MethodGet, path: "/files/{fileId}/receipt", tag: tagFiles,
		summary:       "Get receipt",
		description:   "What was repaired in a file that was made accessible or converted, its scores before and after, and what a person must still do. " + whoseFiles,
		authorization: see, reads: []string{files.Name}, message: "the receipt",
		fails: []error{file.ErrNotFound, file.ErrReceiptNotFound},
	}, a.getReceipt)
	register(a, operation{
		id: "getJob", method: http.MethodGet, path: "/jobs/{id}", tag: tagJobs,
		summary: "Get job", description: "An operation on a file. " + whoseJobs,
		authorization: see, reads: []string{files.Name}, conditional: true, message: "the job", fails: []error{file.ErrJobNotFound},
	}, a.getJob)
	register(a, operation{
		id: "followJob", method: http.MethodGet, path: "/jobs/{id}/events", tag: tagJobs,
		summary: "Follow job",
		description: "A stream of server-sent events: each `job` event has the job as it is now, and the last one its end. " +
			"A client that comes back with Last-Event-ID gets what it has not seen. " + whoseJobs,
		authorization: see, reads: []string{files.Name}, produces: []string{mediaEvents}, timeout: streamTimeout, message: "the job",
		fails: []error{file.ErrJobNotFound},
	}, a.followJob)
	register(a, operation{
		id: "cancelJob", method: http.MethodDelete, path: "/jobs/{id}", tag: tagJobs,
		summary: "Cancel job", description: "Also while it is worked on. It costs nothing then. A job that has ended stays as it is. " + whoseJobs,
		authorization: write, message: "the job was cancelled", fails: []error{file.ErrJobNotFound, file.ErrNotFound},
	}, a.cancelJob)
}

// streamTimeout bounds a stream of events; clients come back.
const streamTimeout = 15 * time.Minute

func (a *API) jobOf(ctx context.Context, j files.Job) (Job, error) {
	out := Job{
		ID: string(j.ID), FileID: string(j.FileID), ProcessedFileID: optional(string(j.DerivedID)), Kind: string(j.Kind),
		TargetFormat: optional(string(j.Target)), State: string(j.Phase), TokensReserved: j.Tokens, TokensCaptured: j.Charged, Engine: j.Engine,
		CreatedAt: Time{j.RequestedAt}, StartedAt: optionalTime(j.StartedAt), EndedAt: optionalTime(j.EndedAt),
	}
	if j.Reason != "" {
		f := j.Reason.Failure(j.Message)
		out.Error.value = &JobError{Code: f.Code, Message: f.Message}
	}
	p, err := a.fileWork.Progress(ctx, j.ID)
	if err != nil {
		return Job{}, err
	}
	out.Progress = JobProgress{PagesDone: p.Done, PagesTotal: p.Total}
	if j.Phase == file.Completed && p.Total > 0 {
		out.Progress.PagesDone = p.Total
	}
	return out, nil
}

type jobInput struct {
	ID string `path:"id" example:"job_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) visibleJob(ctx context.Context, x *exchange, name string) (files.Job, error) {
	if !id.Valid(id.Job(name)) {
		return files.Job{}, file.ErrJobNotFound
	}
	return a.queries.Files.Job(ctx, visibleFiles(x.principal), id.Job(name))
}

func (a *API) getJob(ctx context.Context, x *exchange, in *jobInput) (reply[Job], error) {
	j, err := a.visibleJob(ctx, x, in.ID)
	if err != nil {
		return reply[Job]{}, err
	}
	data, err := a.jobOf(ctx, j)
	return reply[Job]{data: data, revision: &j.Revision}, err
}

func (a *API) cancelJob(ctx context.Context, x *exchange, in *jobInput) (reply[Job], error) {
	// It may have been requested just now.
	if _, err := a.fresh.await(ctx, []string{files.Name}, a.fresh.of(x.caller).later(a.fresh.of(string(x.principal.UserID))).written); err != nil {
		return reply[Job]{}, err
	}
	j, err := a.visibleJob(ctx, x, in.ID)
	if err != nil {
		return reply[Job]{}, err
	}
	result, err := a.commands.CancelOperation(ctx, a.command(ctx, x), commands.CancelOperation{FileID: j.FileID, JobID: j.ID})
	if err != nil {
		return reply[Job]{}, err
	}
	if _, err := a.fresh.await(ctx, []string{files.Name}, result.Position); err != nil {
		return reply[Job]{}, err
	}
	if j, err = a.visibleJob(ctx, x, in.ID); err != nil {
		return reply[Job]{}, err
	}
	data, err := a.jobOf(ctx, j)
	return reply[Job]{data: data, position: result.Position}, err
}

// jobTick is how often a stream looks for what is new of a job.
const jobTick = 300 * time.Millisecond

func (a *API) followJob(ctx context.Context, x *exchange, in *jobInput) (reply[Job], error) {
	if _, err := a.visibleJob(ctx, x, in.ID); err != nil {
		return reply[Job]{}, err
	}
	return reply[Job]{raw: a.eventsOf(func(ctx context.Context, seen string, send func(sentEvent) error) error {
		tick := time.NewTicker(jobTick)
		defer tick.Stop()
		for {
			j, err := a.visibleJob(ctx, x, in.ID)
			if err != nil {
				return err
			}
			data, err := a.jobOf(ctx, j)
			if err != nil {
				return err
			}
			// The id says all that can change: who has seen it has seen the job as it is.
			id := fmt.Sprintf("%d-%d-%d", j.Revision, data.Progress.PagesDone, data.Progress.PagesTotal)
			if id != seen || j.Phase.Ended() {
				if err := send(sentEvent{id: id, name: "job", data: data}); err != nil {
					return err
				}
				seen = id
			}
			if j.Phase.Ended() {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	})}, nil
}
