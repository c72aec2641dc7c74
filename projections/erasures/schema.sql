-- What is needed to find the data of a person or an organization in the log. All
-- of it is pseudonymous, and goes with the erasure.

-- Each invitation whose address can be read: it is encrypted for the invitation
-- itself.
CREATE TABLE invitations (
    id              text COLLATE "C" PRIMARY KEY,
    organization_id text NOT NULL,
    email_hash      text NOT NULL,
    invited_at      timestamptz NOT NULL,
    -- When it was accepted or revoked, or else expires.
    over_at         timestamptz NOT NULL,
    -- Who joined by it; empty if nobody did.
    accepted_by     text NOT NULL DEFAULT ''
);

-- Which verified addresses, by their keyed hashes, a person held when.
CREATE TABLE addresses (
    user_id    text,
    email_hash text,
    since      timestamptz,
    -- Null while they hold it.
    until      timestamptz,
    PRIMARY KEY (user_id, email_hash, since)
);

-- The keyed hash of each person's identity.
CREATE TABLE identities (
    user_id      text PRIMARY KEY,
    subject_hash text NOT NULL
);

-- Where a person is, or was, a member.
CREATE TABLE memberships (
    user_id         text,
    organization_id text,
    PRIMARY KEY (user_id, organization_id)
);

-- When the grace of a deactivated person is over.
CREATE TABLE due (
    user_id  text COLLATE "C" PRIMARY KEY,
    purge_at timestamptz NOT NULL
);

CREATE TABLE erasures (
    id           text PRIMARY KEY,
    kind         text NOT NULL,
    keys         bigint NOT NULL,
    begun_at     timestamptz NOT NULL,
    -- Null while it is under way.
    completed_at timestamptz
);
