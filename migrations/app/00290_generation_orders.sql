-- +goose Up

-- What an operator asked of a generation that is being built, and what became of
-- that: see Order in package projections. Null where no operator asked.
ALTER TABLE projection.generations ADD COLUMN requested jsonb;

-- What a process calls itself, for operators: its machine, number and role.
ALTER TABLE processes ADD COLUMN name text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE processes DROP COLUMN name;
ALTER TABLE projection.generations DROP COLUMN requested;
