-- +goose Up

-- Which journal of erasures belongs to this database, and how many entries it has
-- at least. The journal is a file outside the database.
CREATE TABLE erasure_journal (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    id      uuid NOT NULL,
    entries bigint NOT NULL
);

-- Whose request it is: a user's id, or the keyed hash of an identity without an
-- account. By it stored answers are found when a person is erased. Empty from a
-- release that did not say so; such rows expire within a day.
ALTER TABLE idempotency.requests ADD COLUMN person text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE idempotency.requests DROP COLUMN person;
DROP TABLE erasure_journal;
