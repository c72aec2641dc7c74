CREATE INDEX files_search ON files USING gin (filename_folded gin_trgm_ops);
