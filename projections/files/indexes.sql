-- Counting and filtering a list reads these indexes only, not the table.
CREATE INDEX files_organization ON files (organization_id, created_at, id)
    INCLUDE (user_id, type, format, status, deleted_at);
CREATE INDEX files_user ON files (organization_id, user_id, created_at, id)
    INCLUDE (type, format, status, deleted_at);

-- The other orders of the list.
CREATE INDEX files_updated ON files (organization_id, updated_at, id);
CREATE INDEX files_name ON files (organization_id, left(filename_folded, 100), id);
CREATE INDEX files_size ON files (organization_id, size, id);
CREATE INDEX files_score ON files (organization_id, coalesce(score, -1), id);

CREATE INDEX files_parent ON files (parent_id);
CREATE INDEX files_purge ON files (purged, purge_at, id);

CREATE INDEX jobs_file ON jobs (file_id);
CREATE INDEX jobs_organization ON jobs (organization_id, phase, requested_at);
CREATE INDEX jobs_phase ON jobs (phase, requested_at, id);
