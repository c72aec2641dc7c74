-- One row for each file, deleted ones included until their organization is purged.
-- Empty texts are absent ones.
CREATE TABLE files (
    id              text PRIMARY KEY CHECK (octet_length(id) <= 64),
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    -- The owner; empty for a file of an organization's key.
    user_id         text NOT NULL CHECK (octet_length(user_id) <= 64),
    parent_id       text NOT NULL DEFAULT '' CHECK (octet_length(parent_id) <= 64),
    type            text NOT NULL CHECK (octet_length(type) <= 16),
    format          text NOT NULL CHECK (octet_length(format) <= 16),
    filename        text NOT NULL,
    -- What is searched, as list.Fold returns it.
    filename_folded text COLLATE "C" NOT NULL,
    status          text NOT NULL CHECK (octet_length(status) <= 16),
    active          boolean NOT NULL DEFAULT true,
    -- Zero and empty until the file has content.
    size            bigint NOT NULL DEFAULT 0,
    pages           bigint NOT NULL DEFAULT 0,
    characters      bigint NOT NULL DEFAULT 0,
    object          text NOT NULL DEFAULT '',
    sha256          text NOT NULL DEFAULT '',
    -- The report of the last analysis.
    report          text NOT NULL DEFAULT '',
    -- The record of the operation that made the file.
    receipt         text NOT NULL DEFAULT '',
    -- The score, or null without an analysis.
    score           integer,
    -- Why there is no content, or why nothing can be done with it.
    problem         text NOT NULL DEFAULT '',
    uploaded_at     timestamptz NOT NULL,
    processed_at    timestamptz,
    deleted_at      timestamptz,
    purge_at        timestamptz,
    purged          boolean NOT NULL DEFAULT false,
    revision        bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

-- How many files of each organization are not deleted: to count a long list takes
-- longer than to read a page of it.
CREATE TABLE totals (
    organization_id text PRIMARY KEY CHECK (octet_length(organization_id) <= 64),
    files           bigint NOT NULL DEFAULT 0
);

-- One row for each operation on a file.
CREATE TABLE jobs (
    id              text PRIMARY KEY CHECK (octet_length(id) <= 64),
    file_id         text NOT NULL CHECK (octet_length(file_id) <= 64),
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    user_id         text NOT NULL CHECK (octet_length(user_id) <= 64),
    derived_id      text NOT NULL CHECK (octet_length(derived_id) <= 64),
    kind            text NOT NULL CHECK (octet_length(kind) <= 16),
    target          text NOT NULL CHECK (octet_length(target) <= 16),
    phase           text NOT NULL CHECK (octet_length(phase) <= 16),
    engine          text NOT NULL,
    -- What was held, and what of it was charged.
    pages           bigint NOT NULL,
    tokens          bigint NOT NULL,
    charged         bigint NOT NULL DEFAULT 0,
    reason          text NOT NULL DEFAULT '',
    message         text NOT NULL DEFAULT '',
    deadline        timestamptz NOT NULL,
    requested_at    timestamptz NOT NULL,
    started_at      timestamptz,
    ended_at        timestamptz,
    revision        bigint NOT NULL
);
