-- +goose Up

-- Which columns of a generation's tables hold data about people: an array of
-- {"table", "subject", "columns"}. Null for a generation of a program that did
-- not say so yet.
ALTER TABLE projection.generations ADD COLUMN personal jsonb;

-- The subjects whose key was destroyed, and whose data was cleared from all
-- generations. It is cleared once more a while later: another process may have
-- had the key in memory a moment longer.
CREATE TABLE projection.erasures (
    subject      text COLLATE "C" PRIMARY KEY,
    destroyed_at timestamptz NOT NULL,
    cleared_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    again        boolean NOT NULL DEFAULT false
);

CREATE INDEX erasures_destroyed ON projection.erasures (destroyed_at);
CREATE INDEX erasures_due ON projection.erasures (cleared_at) WHERE NOT again;

-- Those destroyed since a time are looked up often.
CREATE INDEX subject_keys_destroyed ON subject_keys (destroyed_at) WHERE destroyed_at IS NOT NULL;

-- +goose Down
DROP INDEX subject_keys_destroyed;
DROP TABLE projection.erasures;
ALTER TABLE projection.generations DROP COLUMN personal;
