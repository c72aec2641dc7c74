-- One row for each organization that has not been purged. Empty texts are
-- absent ones.
CREATE TABLE organizations (
    id          text PRIMARY KEY,
    status      text NOT NULL,
    name        text NOT NULL,
    slug        text NOT NULL,
    email       text NOT NULL,
    website     text NOT NULL,
    description text NOT NULL,
    logo_url    text NOT NULL,
    country     text NOT NULL,
    timezone    text NOT NULL,
    -- After how many days files are deleted; zero for never.
    file_retention integer NOT NULL DEFAULT 0,
    -- Null but for a deleted organization.
    purge_at    timestamptz,
    -- Members are part of the stream: their events move it too.
    revision    bigint NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE TABLE members (
    organization_id text,
    user_id         text,
    role            text NOT NULL,
    joined_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);

-- Where a slug leads: to the organization that has it, or had it last.
CREATE TABLE slugs (
    slug            text PRIMARY KEY,
    organization_id text NOT NULL
);
