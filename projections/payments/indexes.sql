CREATE INDEX payments_session ON payments (session_id);
CREATE INDEX payments_organization ON payments (organization_id, created_at, id);
CREATE INDEX payments_created ON payments (created_at, id);
CREATE INDEX payments_unfulfilled ON payments (created_at, id) WHERE paid_at IS NOT NULL AND fulfilled_at IS NULL AND NOT rejected;
CREATE INDEX payments_quarantine ON payments (quarantine, parked, created_at, id);
