CREATE INDEX keys_organization ON keys (organization_id, created_at, id);
CREATE INDEX keys_user ON keys (user_id, organization_id, created_at, id);
