-- Counting and filtering a list reads this index only, not the table.
CREATE INDEX members_joined ON members (organization_id, joined_at, id) INCLUDE (role, status, expire_at);
CREATE INDEX invitations_address ON invitations (email_hash, invited_at, id);
CREATE INDEX invitations_organization ON invitations (organization_id);
