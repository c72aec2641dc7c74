-- +goose Up

-- When the tables from which somebody was erased were last written anew.
ALTER TABLE erasure_journal ADD COLUMN rewritten_at timestamptz NOT NULL DEFAULT now();

-- +goose Down
ALTER TABLE erasure_journal DROP COLUMN rewritten_at;
