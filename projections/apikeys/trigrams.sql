CREATE INDEX keys_search ON keys USING gin (description_folded gin_trgm_ops, characters_folded gin_trgm_ops);
