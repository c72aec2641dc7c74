-- +goose Up
CREATE SCHEMA eventnode;

-- The log: one row per event, in the order of commit. Rows are only ever added,
-- by one transaction at a time: a writer takes an advisory lock and then checks
-- that the log still ends where it believes.
CREATE TABLE eventnode.events (
    -- Grows with every event, with gaps: the offset at which a log on disk would end.
    position bigint PRIMARY KEY,
    revision bigint NOT NULL,
    -- 100 ns units since 1970, as the protocol has it.
    created  bigint NOT NULL,
    event_id uuid NOT NULL,
    is_json  boolean NOT NULL,
    stream   text COLLATE "C" NOT NULL,
    type     text COLLATE "C" NOT NULL,
    metadata bytea NOT NULL,
    data     bytea NOT NULL,
    UNIQUE (stream, revision)
);
