-- One row for each API key. Empty texts are absent ones.
CREATE TABLE keys (
    id              text PRIMARY KEY,
    organization_id text NOT NULL,
    owner_type      text NOT NULL,
    -- The owner of a user's key; empty for an organization's.
    user_id         text NOT NULL,
    issued_by       text NOT NULL,
    description     text NOT NULL,
    scopes          text[] NOT NULL,
    live            boolean NOT NULL,
    start           text NOT NULL,
    last4           text NOT NULL,
    -- Null: never.
    expire_at       timestamptz,
    -- When the key was revoked, or came to its end with its owner.
    revoked_at      timestamptz,
    predecessor_id  text NOT NULL,
    successor_id    text NOT NULL DEFAULT '',
    revision        bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
