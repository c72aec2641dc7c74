-- +goose Up

-- When a process beat last. The clock of the server may go back, by a correction or
-- a failover: what a process that died before said of its end would then count for
-- as long as the clock went back. Null from a release that does not write it.
ALTER TABLE processes ADD COLUMN beat_at timestamptz;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION process_alive(process uuid) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT EXISTS (SELECT FROM processes WHERE id = process AND alive_until > clock_timestamp()
        AND (beat_at IS NULL OR beat_at < clock_timestamp() + interval '5 seconds'))
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION process_alive(process uuid) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT EXISTS (SELECT FROM processes WHERE id = process AND alive_until > clock_timestamp())
$$;
-- +goose StatementEnd
ALTER TABLE processes DROP COLUMN beat_at;
