#!/bin/bash
# Runs once, when the database of the cluster is created: the role and database of the
# product, and the role by which the standby follows.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$PERFECTWORKS_PASSWORD" -v replication="$REPLICATION_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE perfectworks LOGIN PASSWORD :'password';
CREATE DATABASE perfectworks OWNER perfectworks ENCODING 'UTF8' TEMPLATE template0;
CREATE ROLE replication LOGIN REPLICATION PASSWORD :'replication';
SELECT pg_create_physical_replication_slot('standby');
\connect perfectworks
CREATE EXTENSION IF NOT EXISTS pg_trgm;
SQL
echo "hostssl replication replication all scram-sha-256" >> "$PGDATA/pg_hba.conf"
