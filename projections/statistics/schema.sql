-- One row for each organization with anything to count. Each number is moved by
-- events alone.
CREATE TABLE counts (
    organization_id text PRIMARY KEY CHECK (octet_length(organization_id) <= 64),
    members         bigint NOT NULL DEFAULT 0,
    -- Those that were neither accepted nor revoked, expired ones included.
    invitations     bigint NOT NULL DEFAULT 0,
    -- Those that were not revoked, including those that have ended otherwise.
    api_keys        bigint NOT NULL DEFAULT 0,

    files_uploaded   bigint NOT NULL DEFAULT 0,
    files_processing bigint NOT NULL DEFAULT 0,
    files_processed  bigint NOT NULL DEFAULT 0,
    files_failed     bigint NOT NULL DEFAULT 0,
    files_deleted    bigint NOT NULL DEFAULT 0,
    files_original   bigint NOT NULL DEFAULT 0,
    files_accessible bigint NOT NULL DEFAULT 0,
    files_converted  bigint NOT NULL DEFAULT 0,
    bytes            bigint NOT NULL DEFAULT 0,
    pages_processed  bigint NOT NULL DEFAULT 0,

    tokens_available bigint NOT NULL DEFAULT 0,
    tokens_held      bigint NOT NULL DEFAULT 0,
    tokens_frozen    bigint NOT NULL DEFAULT 0,
    tokens_consumed  bigint NOT NULL DEFAULT 0,
    tokens_debt      bigint NOT NULL DEFAULT 0
);

-- What is counted above and can end without an event of its own: invitations and
-- keys that expire, and keys whose owner goes. Null: does not end by the clock.
CREATE TABLE endings (
    id              text PRIMARY KEY CHECK (octet_length(id) <= 64),
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    -- The owner of a user's key, else empty.
    user_id         text NOT NULL DEFAULT '' CHECK (octet_length(user_id) <= 64),
    -- "invitation" or "key".
    kind            text NOT NULL CHECK (octet_length(kind) <= 16),
    -- Whether the owner has gone.
    orphaned        boolean NOT NULL DEFAULT false,
    end_at          timestamptz
);
