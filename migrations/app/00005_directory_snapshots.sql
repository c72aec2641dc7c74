-- +goose Up

-- What the directory of users, members and keys knew at a position of the log,
-- so that a server need not read all of the log when it starts. A snapshot can
-- be deleted at any time.
CREATE TABLE directory_snapshots (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Of the rules that made it.
    fingerprint     text        NOT NULL,
    commit_position numeric(20) NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE directory_snapshot_parts (
    snapshot_id bigint  NOT NULL REFERENCES directory_snapshots ON DELETE CASCADE,
    part        integer NOT NULL,
    data        bytea   NOT NULL,
    PRIMARY KEY (snapshot_id, part)
);

-- +goose Down
DROP TABLE directory_snapshot_parts, directory_snapshots;
