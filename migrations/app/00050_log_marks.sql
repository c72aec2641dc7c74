-- +goose Up

-- By what the log is recognised again: which log it is, and the last event of
-- this system that the generation has taken in. All are null when not known.
ALTER TABLE projection.generations
    ADD COLUMN log                   text,
    ADD COLUMN last_commit_position  numeric(20),
    ADD COLUMN last_prepare_position numeric(20),
    ADD COLUMN last_event_id         uuid,
    ADD COLUMN last_stream           text,
    ADD COLUMN last_revision         bigint,
    -- Since when the log is known to lack events that the tables show. Such
    -- tables are never built further; only a rebuild replaces them.
    ADD COLUMN log_went_back_at      timestamptz;

-- advance as before, for this release, with what the log is recognised by. A
-- batch without an event of this system leaves the last one as it was.
-- +goose StatementBegin
CREATE FUNCTION projection.advance(
    generation bigint, in_state text, in_epoch bigint,
    from_commit numeric, from_prepare numeric, to_commit numeric, to_prepare numeric,
    now_caught_up boolean, more_events bigint, newest_event_at timestamptz,
    log_id text, seen_commit numeric, seen_prepare numeric, seen_id uuid, seen_stream text, seen_revision bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true),
            set_config('synchronous_commit', 'off', true);
    UPDATE projection.generations SET
        commit_position = to_commit, prepare_position = to_prepare,
        caught_up = now_caught_up, events = events + more_events,
        last_event_at = coalesce(newest_event_at, last_event_at),
        advanced_at = clock_timestamp(), failure = NULL, failing_since = NULL,
        log = coalesce(log_id, log),
        last_commit_position = coalesce(seen_commit, last_commit_position),
        last_prepare_position = coalesce(seen_prepare, last_prepare_position),
        last_event_id = coalesce(seen_id, last_event_id),
        last_stream = coalesce(seen_stream, last_stream),
        last_revision = coalesce(seen_revision, last_revision)
    WHERE id = generation AND state = in_state AND epoch = in_epoch
        AND commit_position = from_commit AND prepare_position = from_prepare
        AND (to_commit, to_prepare) >= (from_commit, from_prepare)
        AND log_went_back_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'generation % of a projection was advanced or replaced by another process', generation
            USING ERRCODE = 'PWF01';
    END IF;
END
$$;
-- +goose StatementEnd

-- The release before this one calls the shorter advance, which does not know the
-- last event: it becomes unknown, so that an older one is not taken for it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION projection.advance(
    generation bigint, in_state text, in_epoch bigint,
    from_commit numeric, from_prepare numeric, to_commit numeric, to_prepare numeric,
    now_caught_up boolean, more_events bigint, newest_event_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true),
            set_config('synchronous_commit', 'off', true);
    UPDATE projection.generations SET
        commit_position = to_commit, prepare_position = to_prepare,
        caught_up = now_caught_up, events = events + more_events,
        last_event_at = coalesce(newest_event_at, last_event_at),
        advanced_at = clock_timestamp(), failure = NULL, failing_since = NULL,
        last_commit_position = NULL, last_prepare_position = NULL,
        last_event_id = NULL, last_stream = NULL, last_revision = NULL
    WHERE id = generation AND state = in_state AND epoch = in_epoch
        AND commit_position = from_commit AND prepare_position = from_prepare
        AND (to_commit, to_prepare) >= (from_commit, from_prepare)
        AND log_went_back_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'generation % of a projection was advanced or replaced by another process', generation
            USING ERRCODE = 'PWF01';
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION projection.advance(bigint, text, bigint, numeric, numeric, numeric, numeric, boolean, bigint, timestamptz,
    text, numeric, numeric, uuid, text, bigint);
ALTER TABLE projection.generations
    DROP COLUMN log, DROP COLUMN last_commit_position, DROP COLUMN last_prepare_position, DROP COLUMN last_event_id,
    DROP COLUMN last_stream, DROP COLUMN last_revision, DROP COLUMN log_went_back_at;
