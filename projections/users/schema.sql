-- One row for each person with an account. Empty texts are absent ones.
CREATE TABLE profiles (
    id                     text PRIMARY KEY,
    status                 text NOT NULL,
    subject_hash           text NOT NULL,
    email                  text NOT NULL,
    email_verified         boolean NOT NULL,
    first_name             text NOT NULL,
    last_name              text NOT NULL,
    locale                 text NOT NULL,
    avatar_url             text NOT NULL DEFAULT '',
    active_organization_id text NOT NULL DEFAULT '',
    -- Null but for a deactivated account.
    purge_at               timestamptz,
    revision               bigint NOT NULL,
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL
);
