-- +goose Up
CREATE SCHEMA idempotency;

-- A request that came with an Idempotency-Key, from its arrival until the key
-- expires. The row is there before the command runs, so that whoever repeats
-- the request after a crash runs the same command again, which then finds what
-- it wrote the first time.
CREATE TABLE idempotency.requests (
    -- A hash of caller, route and key.
    scope        bytea PRIMARY KEY CHECK (length(scope) = 32),
    -- A hash of the request's content, keyed with the seed.
    fingerprint  bytea NOT NULL CHECK (length(fingerprint) = 32),
    command_id   uuid NOT NULL,
    started_at   timestamptz NOT NULL,
    -- Encrypted: new API keys are made from it.
    seed         bytea NOT NULL,
    -- Who runs the command, and until when nobody else may take it over.
    lease        uuid NOT NULL,
    locked_until timestamptz NOT NULL,
    -- The answer, encrypted, for it may hold a new API key. Null until there is
    -- one that is worth repeating.
    answer       bytea,
    expires_at   timestamptz NOT NULL
);

CREATE INDEX requests_expiry ON idempotency.requests (expires_at);

-- Sealed bytes do not compress; the server need not try.
ALTER TABLE idempotency.requests ALTER COLUMN answer SET STORAGE EXTERNAL;

-- +goose Down
DROP SCHEMA idempotency CASCADE;
