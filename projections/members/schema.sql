-- One row for each member, and for each invitation that was neither accepted nor
-- revoked. The names of members stand in the read model of users.
CREATE TABLE members (
    organization_id text CHECK (octet_length(organization_id) <= 64),
    -- The id of the user, or of the invitation.
    id              text CHECK (octet_length(id) <= 64),
    -- Empty for an invitation.
    user_id         text NOT NULL DEFAULT '',
    role            text NOT NULL CHECK (octet_length(role) <= 32),
    status          text NOT NULL CHECK (octet_length(status) <= 32),
    -- When the member joined, or was invited.
    joined_at       timestamptz NOT NULL,
    -- What only an invitation has: the address, who invited, and the first instant
    -- at which it is over; null for a member.
    email           text NOT NULL DEFAULT '',
    invited_by      text NOT NULL DEFAULT '',
    expire_at       timestamptz,
    PRIMARY KEY (organization_id, id)
);

-- One row for each invitation that ever was, by which the organization of an
-- invitation is found, and a person's own invitations by their verified address.
CREATE TABLE invitations (
    id              text PRIMARY KEY CHECK (octet_length(id) <= 64),
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    email_hash      text NOT NULL CHECK (octet_length(email_hash) <= 128),
    role            text NOT NULL,
    invited_by      text NOT NULL,
    invited_at      timestamptz NOT NULL,
    expire_at       timestamptz NOT NULL,
    -- Whether it was accepted or revoked.
    ended           boolean NOT NULL DEFAULT false
);

-- The revision of each organization's stream, which is that of its members.
CREATE TABLE streams (
    organization_id text PRIMARY KEY,
    revision        bigint NOT NULL
);
