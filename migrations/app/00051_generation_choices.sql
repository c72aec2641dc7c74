-- +goose Up
ALTER TABLE projection.generations
    -- The types of events that its reducers know; null when not known.
    ADD COLUMN event_types text[],
    -- An operator chose this generation: no program builds another in its place.
    ADD COLUMN pinned boolean NOT NULL DEFAULT false;

-- What operators decided about parked events. An event that was skipped stays
-- skipped for the version of the projection that could not take it in.
CREATE TABLE projection.decisions (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decided_at    timestamptz NOT NULL DEFAULT now(),
    -- Who decided, as the database knows them.
    decided_by    text NOT NULL DEFAULT session_user,
    decision      text NOT NULL CHECK (decision IN ('retry', 'skip', 'drop', 'rollback')),
    projection    text COLLATE "C" NOT NULL,
    version       integer NOT NULL,
    generation_id bigint NOT NULL,
    stream        text COLLATE "C",
    revision      bigint,
    event_id      uuid,
    -- Why the event was parked.
    failure       text
);

CREATE INDEX decisions_skipped ON projection.decisions (projection, version) WHERE decision = 'skip';

-- +goose Down
DROP TABLE projection.decisions;
ALTER TABLE projection.generations DROP COLUMN event_types, DROP COLUMN pinned;
