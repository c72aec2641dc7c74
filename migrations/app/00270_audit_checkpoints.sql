-- +goose Up

-- The checkpoints of the event log a second time: they are stored outside the
-- database, and what was changed in one place only shows in the other.
CREATE TABLE audit_checkpoints (
    -- The identity of the log, and the number of the tree over it.
    log      text        NOT NULL,
    tree     integer     NOT NULL,
    -- How many events the checkpoint covers.
    size     bigint      NOT NULL,
    -- The signed text.
    note     text        NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (log, tree, size)
);

-- +goose Down
DROP TABLE audit_checkpoints;
