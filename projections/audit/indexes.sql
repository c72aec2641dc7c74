CREATE INDEX entries_organization ON entries (organization_id, position, id);
CREATE INDEX entries_actor ON entries (organization_id, actor_id, position, id);
CREATE INDEX entries_target ON entries (organization_id, target_id, position, id);
CREATE INDEX entries_time ON entries (organization_id, recorded_at);
CREATE INDEX entries_address_key ON entries (address_key);
