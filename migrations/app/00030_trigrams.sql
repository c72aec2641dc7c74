-- +goose Up

-- Searching lists for a part of a text is quick with trigrams. They need an
-- extension that comes with Postgres, but not with every installation of it, and
-- that not every role may create. Without it the searches are slower.
-- +goose StatementBegin
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
EXCEPTION
    WHEN insufficient_privilege OR feature_not_supported OR undefined_file OR undefined_object THEN
        RAISE NOTICE 'searching is slower without the extension pg_trgm: %', SQLERRM;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- The extension stays: it may have been there before, and indexes depend on it.
SELECT 1;
