-- +goose Up

-- The folded states of long streams, so that they need not be read from their
-- beginning. A row can be deleted at any time, and holds nothing personal.
CREATE TABLE state_snapshots (
    stream   text        NOT NULL,
    -- How the state was folded and is stored.
    form     text        NOT NULL,
    -- Of the last event that was folded, by which the log is recognized.
    revision bigint      NOT NULL,
    event_id uuid        NOT NULL,
    data     bytea       NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, form)
);

-- +goose Down
DROP TABLE state_snapshots;
