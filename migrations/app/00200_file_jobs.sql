-- +goose Up

-- The operations on files that wait for a worker or are worked on, and how far they
-- are. What became of them is in the log; this is what the log is not told.
CREATE TABLE file_jobs (
    job_id          text        PRIMARY KEY,
    file_id         text        NOT NULL,
    organization_id text        NOT NULL,
    -- Nobody waits for it.
    async           boolean     NOT NULL,
    inserted_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When it went into the queue of jobs; null while it is held back, so that one
    -- organization does not fill the queue.
    queued_at       timestamptz,
    pages_done      integer     NOT NULL DEFAULT 0,
    pages_total     integer     NOT NULL DEFAULT 0,
    -- When the operation had ended and all that follows was done, and the position in
    -- the log by then.
    ended_at        timestamptz,
    position        text        NOT NULL DEFAULT ''
);
CREATE INDEX file_jobs_held ON file_jobs (organization_id, async, inserted_at, job_id) WHERE queued_at IS NULL AND ended_at IS NULL;
CREATE INDEX file_jobs_open ON file_jobs (inserted_at) WHERE ended_at IS NULL;
CREATE INDEX file_jobs_ended ON file_jobs (ended_at) WHERE ended_at IS NOT NULL;

-- +goose Down
DROP TABLE file_jobs;
