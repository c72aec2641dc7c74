-- +goose Up

-- Keys that wrap other keys. Each is itself wrapped by the key management
-- service that KMS_URL names. The newest wraps what is new.
CREATE TABLE keyring_master_keys (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wrapped    bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Secrets of the whole system, wrapped by a master key (AES-256-GCM).
CREATE TABLE keyring_secrets (
    name       text        PRIMARY KEY,
    master_key bigint      NOT NULL REFERENCES keyring_master_keys,
    wrapped    bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The data key of each subject: who or what personal data is about, by
-- aggregate id. A destroyed key leaves its row, so that the subject never gets
-- another one.
CREATE TABLE subject_keys (
    subject      text        PRIMARY KEY,
    -- Keys made one after the other are needed one after the other when the log
    -- is read again: serial finds the neighbours.
    serial       bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    master_key   bigint      REFERENCES keyring_master_keys,
    wrapped      bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    CONSTRAINT subject_keys_whole_or_destroyed CHECK (
        (destroyed_at IS NULL) = (wrapped IS NOT NULL)
        AND (wrapped IS NULL) = (master_key IS NULL)
    )
);

-- Rotation looks for what an older master key wraps.
CREATE INDEX subject_keys_master_key ON subject_keys (master_key);

-- +goose Down
DROP TABLE subject_keys;
DROP TABLE keyring_secrets;
DROP TABLE keyring_master_keys;
