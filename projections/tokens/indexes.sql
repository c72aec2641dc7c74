CREATE INDEX transactions_id ON transactions (id);
CREATE INDEX transactions_user ON transactions (organization_id, user_id, sequence);
CREATE INDEX transactions_file ON transactions (organization_id, file_id, sequence);
-- The balance at a time or a position. Times never go back within an account.
CREATE INDEX transactions_time ON transactions (organization_id, occurred_at, sequence);
CREATE INDEX transactions_position ON transactions (organization_id, commit_position, sequence);

-- What is due.
CREATE INDEX grants_due ON grants (due_at);
CREATE INDEX holds_deadline ON holds (deadline);
