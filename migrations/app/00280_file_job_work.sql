-- +goose Up

-- The W3C trace parent of the request, so that the work is part of its trace, and when
-- the work on the document was done: from then on only its end has to be recorded, and
-- the operation takes nothing of its organization's share.
ALTER TABLE file_jobs
    ADD COLUMN trace_parent text NOT NULL DEFAULT '',
    ADD COLUMN worked_at timestamptz;
-- How many operations of an organization are in the queue of jobs is asked each time
-- that one comes or ends, while thousands of others may be held back.
CREATE INDEX file_jobs_queued ON file_jobs (organization_id)
    WHERE queued_at IS NOT NULL AND worked_at IS NULL AND ended_at IS NULL;

-- +goose Down
DROP INDEX file_jobs_queued;
ALTER TABLE file_jobs DROP COLUMN trace_parent, DROP COLUMN worked_at;
