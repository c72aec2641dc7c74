CREATE INDEX payments_session ON payments (session_id);
CREATE INDEX payments_organization ON payments (organization_id, created_at, id);
CREATE INDEX payments_created ON payments (created_at, id);
CREATE INDEX payments_quarantine ON payments (quarantine, parked, created_at, id);
