CREATE INDEX members_user ON members (user_id);
CREATE INDEX slugs_organization ON slugs (organization_id);
CREATE INDEX organizations_purge_at ON organizations (purge_at, id);
CREATE INDEX organizations_retention ON organizations (id) WHERE file_retention > 0;
