CREATE INDEX invitations_email ON invitations (left(email_hash, 64));
CREATE INDEX invitations_accepted ON invitations (left(accepted_by, 64)) WHERE accepted_by <> '';
CREATE INDEX invitations_organization ON invitations (organization_id);
CREATE INDEX addresses_email ON addresses (left(email_hash, 64));
CREATE INDEX memberships_organization ON memberships (organization_id);
CREATE INDEX due_purge ON due (purge_at);
CREATE INDEX invitations_over ON invitations (over_at, id);
