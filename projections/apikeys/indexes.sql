-- Counting and filtering a list reads this index only, not the table.
CREATE INDEX keys_organization ON keys (organization_id, created_at, id)
    INCLUDE (owner_type, expire_at, revoked_at, suspended, updated_at, description_folded, characters_folded);
CREATE INDEX keys_user ON keys (user_id, organization_id, created_at, id);

-- The other orders of the list.
CREATE INDEX keys_updated ON keys (organization_id, updated_at, id);
CREATE INDEX keys_description ON keys (organization_id, left(lower(description), 100), id);
CREATE INDEX keys_expire ON keys (organization_id, coalesce(expire_at, '9999-12-31T23:59:59Z'), id);
