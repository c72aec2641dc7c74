-- +goose Up

-- Every running process has a row, which it renews with each beat. A process
-- that hangs or was killed stops beating: what it holds for itself, such as the
-- ownership of projections or the lease of a request, may then be taken over.
CREATE TABLE processes (
    id          uuid PRIMARY KEY,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Until when the process counts as alive without another beat.
    alive_until timestamptz NOT NULL
);

-- process_alive tells whether a process beats. A process without a row, for it
-- has ended, does not.
-- +goose StatementBegin
CREATE FUNCTION process_alive(process uuid) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT EXISTS (SELECT FROM processes WHERE id = process AND alive_until > clock_timestamp())
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION process_alive(uuid);
DROP TABLE processes;
