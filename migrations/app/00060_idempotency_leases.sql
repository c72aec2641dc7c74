-- +goose Up

-- The process that runs the command. Once it beats no more, another may take the
-- request over before locked_until: see process_alive. Null from a release that
-- did not say so.
ALTER TABLE idempotency.requests ADD COLUMN process uuid;

-- The organization that the request was first carried out in; empty outside of
-- one. Each further attempt is carried out, and each answer given again, in the
-- same one or not at all.
ALTER TABLE idempotency.requests ADD COLUMN organization_id text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE idempotency.requests DROP COLUMN process, DROP COLUMN organization_id;
