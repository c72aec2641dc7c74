-- One row for each API key. Empty texts are absent ones.
CREATE TABLE keys (
    id              text PRIMARY KEY CHECK (octet_length(id) <= 64),
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    owner_type      text NOT NULL CHECK (octet_length(owner_type) <= 32),
    -- The owner of a user's key; empty for an organization's.
    user_id         text NOT NULL CHECK (octet_length(user_id) <= 64),
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
    updated_at      timestamptz NOT NULL,
    -- What is searched, as list.Fold returns it. The characters are those by
    -- which a key is known. With the collation "C" a search looks at bytes.
    description_folded text COLLATE "C" NOT NULL,
    characters_folded  text COLLATE "C" NOT NULL CHECK (octet_length(characters_folded) <= 128),
    -- Whether the owner is suspended as a member.
    suspended          boolean NOT NULL DEFAULT false
);
