-- +goose Up

-- Each time that a job is taken up it gets a fence, greater than all before it.
-- River counts attempts, but not so that they only grow, and a worker's report
-- names the job alone: a worker that hung, and whose job another one took up
-- meanwhile, would end the job under the other's hands. So the fence is in the
-- job's metadata, a worker's report carries the one that it was given, and a
-- report with an older fence than the job's is passed over. A process that does
-- not beat takes up nothing: the job would be taken from it at once.
CREATE SEQUENCE jobs.fences AS bigint;

-- +goose StatementBegin
CREATE FUNCTION jobs.fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'running' AND NEW.state = 'running' THEN
        IF NOT process_alive(NEW.attempted_by[cardinality(NEW.attempted_by)]::uuid) THEN
            RETURN NULL;
        END IF;
        NEW.metadata := NEW.metadata || jsonb_build_object('fence', nextval('jobs.fences'));
    ELSIF (NEW.metadata ->> 'fence')::bigint < (OLD.metadata ->> 'fence')::bigint THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER fence BEFORE UPDATE ON jobs.river_job FOR EACH ROW EXECUTE FUNCTION jobs.fence();

-- Whoever waits for a job hears of its end by its key.
-- +goose StatementBegin
CREATE FUNCTION jobs.ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('jobs_ended', NEW.metadata ->> 'key');
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER ended AFTER UPDATE ON jobs.river_job FOR EACH ROW
    WHEN (OLD.finalized_at IS NULL AND NEW.finalized_at IS NOT NULL AND NEW.metadata ? 'key')
    EXECUTE FUNCTION jobs.ended();

-- What was decided about jobs that had failed, by whom and why. It is kept for
-- good, while the job itself goes.
CREATE TABLE jobs.decisions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint NOT NULL,
    key        uuid,
    kind       text NOT NULL,
    args       jsonb NOT NULL,
    attempts   integer NOT NULL,
    -- Of the last attempt.
    failure    text,
    decision   text NOT NULL CHECK (decision IN ('retry', 'discard')),
    reason     text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE jobs.decisions;
DROP TRIGGER ended ON jobs.river_job;
DROP FUNCTION jobs.ended();
DROP TRIGGER fence ON jobs.river_job;
DROP FUNCTION jobs.fence();
DROP SEQUENCE jobs.fences;
