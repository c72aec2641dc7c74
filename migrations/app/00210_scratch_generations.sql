-- +goose Up

-- A scratch generation is filled from a part of the log for an operator to look
-- at. It is never read by queries and never becomes live.
ALTER TABLE projection.generations DROP CONSTRAINT generations_state_check;
ALTER TABLE projection.generations ADD CONSTRAINT generations_state_check
    CHECK (state IN ('building', 'live', 'retired', 'scratch'));

-- A repair writes rows of the live tables anew that a rebuild would not give.
ALTER TABLE projection.decisions DROP CONSTRAINT decisions_decision_check;
ALTER TABLE projection.decisions ADD CONSTRAINT decisions_decision_check
    CHECK (decision IN ('retry', 'skip', 'drop', 'rollback', 'repair'));

-- +goose Down
DELETE FROM projection.decisions WHERE decision = 'repair';
ALTER TABLE projection.decisions DROP CONSTRAINT decisions_decision_check;
ALTER TABLE projection.decisions ADD CONSTRAINT decisions_decision_check
    CHECK (decision IN ('retry', 'skip', 'drop', 'rollback'));
DELETE FROM projection.generations WHERE state = 'scratch';
ALTER TABLE projection.generations DROP CONSTRAINT generations_state_check;
ALTER TABLE projection.generations ADD CONSTRAINT generations_state_check
    CHECK (state IN ('building', 'live', 'retired'));
