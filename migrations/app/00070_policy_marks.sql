-- +goose Up

-- By what the log is recognised again, beside the last event's id and position:
-- which log it is, and where in its stream the event stands, which tells a loss
-- from what was removed on purpose. All are null when not known.
ALTER TABLE policy.checkpoints
    ADD COLUMN log           text,
    ADD COLUMN last_stream   text,
    ADD COLUMN last_revision bigint;

-- +goose Down
ALTER TABLE policy.checkpoints DROP COLUMN log, DROP COLUMN last_stream, DROP COLUMN last_revision;
