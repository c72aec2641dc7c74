-- +goose Up
CREATE SCHEMA policy;

-- How far each policy has followed the log. The jobs of the events up to there
-- were inserted in the transactions that moved the position.
CREATE TABLE policy.checkpoints (
    policy           text COLLATE "C" PRIMARY KEY,
    commit_position  numeric(20) NOT NULL CHECK (commit_position BETWEEN 0 AND 18446744073709551615),
    prepare_position numeric(20) NOT NULL CHECK (prepare_position BETWEEN 0 AND 18446744073709551615),
    -- The last event of this system that was seen, whether the policy reacts to
    -- such events or not: a log in which it is not there is another one.
    last_event_id       uuid,
    last_event_commit   numeric(20),
    last_event_prepare  numeric(20),
    last_event_at       timestamptz,
    -- Where the policy began: "now", "beginning" or a position.
    began_from  text NOT NULL,
    began_at    timestamptz NOT NULL DEFAULT now(),
    -- How many jobs it has led to.
    jobs        bigint NOT NULL DEFAULT 0,
    caught_up   boolean NOT NULL DEFAULT false,
    advanced_at timestamptz,
    -- Why it waits for an operator; null while it runs.
    stopped     text,
    stopped_at  timestamptz
) WITH (fillfactor = 50);

-- The process that runs the policies. Each change of owner raises the epoch,
-- which every change of a checkpoint must name.
CREATE TABLE policy.owner (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    process uuid,
    epoch   bigint NOT NULL DEFAULT 0
);

INSERT INTO policy.owner DEFAULT VALUES;

-- +goose Down
DROP SCHEMA policy CASCADE;
