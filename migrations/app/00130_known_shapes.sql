-- +goose Up
ALTER TABLE projection.generations
    -- The newest versions of stored shapes that the program could read which made
    -- the tables, by event type, without those of version 1. They are part of the
    -- fingerprint. Null when not known, and then there were none.
    ADD COLUMN shapes jsonb;

ALTER TABLE projection.parked
    -- The event could be decoded, so that knowing more shapes is of no help.
    ADD COLUMN decoded boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE projection.parked DROP COLUMN decoded;
ALTER TABLE projection.generations DROP COLUMN shapes;
