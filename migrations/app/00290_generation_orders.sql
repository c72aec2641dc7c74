-- +goose Up

-- What an operator asked of a generation that is being built, and what became of
-- that: see Order in package projections. Null where no operator asked.
ALTER TABLE projection.generations ADD COLUMN requested jsonb;

-- The latest verification of each projection that a server does for an operator.
CREATE TABLE projection.verifications (
    projection text COLLATE "C" PRIMARY KEY,
    -- The id of the operator's act.
    act        text NOT NULL,
    -- The process that does it: what is not over when that ends is interrupted.
    process    uuid NOT NULL,
    began_at   timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    -- How many events the comparison has read.
    events     bigint NOT NULL DEFAULT 0,
    -- What it has found, without data about people.
    result     jsonb,
    failure    text
);

-- What a process calls itself, for operators: its machine, number and role.
ALTER TABLE processes ADD COLUMN name text NOT NULL DEFAULT '';

-- +goose Down
DROP TABLE projection.verifications;
ALTER TABLE processes DROP COLUMN name;
ALTER TABLE projection.generations DROP COLUMN requested;
