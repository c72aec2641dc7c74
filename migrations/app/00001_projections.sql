-- +goose Up
CREATE SCHEMA projection;

-- A generation is one set of a projection's tables, in a schema of its own: the
-- live one is named as the projection, all others <projection>_g<id>. The row
-- is its checkpoint too.
CREATE TABLE projection.generations (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    projection  text COLLATE "C" NOT NULL,
    version     integer NOT NULL,
    -- A hash of the SQL that made the tables.
    fingerprint text NOT NULL,
    state       text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    -- Whether the indexes have been made: a build makes them last.
    indexed     boolean NOT NULL,
    -- The position reached. EventStoreDB's positions are unsigned 64-bit
    -- numbers, for which bigint is too small; numeric keeps their order and
    -- stays readable.
    commit_position  numeric(20) NOT NULL DEFAULT 0
        CHECK (commit_position BETWEEN 0 AND 18446744073709551615),
    prepare_position numeric(20) NOT NULL DEFAULT 0
        CHECK (prepare_position BETWEEN 0 AND 18446744073709551615),
    -- Raised by whoever changes the generation beside its projector, which then
    -- cannot commit before it has read anew what it keeps in memory.
    epoch       bigint NOT NULL DEFAULT 0,
    -- Whether the end of the log was reached at the last commit.
    caught_up   boolean NOT NULL DEFAULT false,
    events      bigint NOT NULL DEFAULT 0,
    last_event_at timestamptz,
    advanced_at   timestamptz,
    -- Why it does not advance, when it does not.
    failure       text,
    failing_since timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    live_at     timestamptz,
    retired_at  timestamptz
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX generations_live ON projection.generations (projection) WHERE state = 'live';
CREATE UNIQUE INDEX generations_building ON projection.generations (projection) WHERE state = 'building';

-- Events that a generation could not take in, and the later ones of the same
-- stream, which wait behind them so that their order holds. The events are in
-- the log; nothing of their content is here.
CREATE TABLE projection.parked (
    generation_id    bigint NOT NULL REFERENCES projection.generations ON DELETE CASCADE,
    commit_position  numeric(20) NOT NULL,
    prepare_position numeric(20) NOT NULL,
    stream           text COLLATE "C" NOT NULL,
    revision         bigint NOT NULL,
    event_id         uuid NOT NULL,
    event_type       text NOT NULL,
    -- Null for those that only wait.
    failure          text,
    parked_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation_id, commit_position, prepare_position)
);

CREATE INDEX parked_stream ON projection.parked (generation_id, stream, commit_position, prepare_position);

-- advance moves a checkpoint by compare-and-set: a projector whose generation
-- was advanced, replaced or changed by another gets PWF01, and its transaction
-- ends. It is the first statement of that transaction, so that the row's lock
-- keeps a swap away from the statements that follow.
--
-- It also sets, for this transaction: plans made for the size that the tables
-- have now, because they may have been empty a moment ago; and no wait for the
-- disk, because a crash takes the tables back together with their checkpoint,
-- and the log gives the rest again.
-- +goose StatementBegin
CREATE FUNCTION projection.advance(
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
        advanced_at = clock_timestamp(), failure = NULL, failing_since = NULL
    WHERE id = generation AND state = in_state AND epoch = in_epoch
        AND commit_position = from_commit AND prepare_position = from_prepare
        AND (to_commit, to_prepare) >= (from_commit, from_prepare);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'generation % of a projection was advanced or replaced by another process', generation
            USING ERRCODE = 'PWF01';
    END IF;
END
$$;
-- +goose StatementEnd
