-- +goose Up

-- When an API key was last used, to the minute. It is no event: losing a minute
-- of it does no harm, and a million uses a day do not belong into the log.
CREATE TABLE api_key_usage (
    key_id       text        PRIMARY KEY,
    last_used_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE api_key_usage;
