CREATE INDEX endings_organization ON endings (organization_id, kind, orphaned, end_at);
CREATE INDEX endings_user ON endings (user_id, organization_id);
