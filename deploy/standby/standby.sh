#!/bin/bash
# Copies the primary when the folder is empty, then follows it.
set -eu
data=${PGDATA:-/var/lib/postgresql/data}
primary=${PRIMARY_HOST:-postgres}
port=${PRIMARY_PORT:-5432}
export PGPASSWORD=$REPLICATION_PASSWORD
if [ ! -s "$data/PG_VERSION" ]; then
  pg_basebackup --dbname "host=$primary port=$port user=replication sslmode=verify-full sslrootcert=/certificates/ca.crt" \
    --pgdata "$data" --checkpoint fast --wal-method stream --slot standby --write-recovery-conf --progress
  chmod 0700 "$data"
fi
exec postgres -D "$data" -c ssl=on -c ssl_cert_file=/certificates/postgres-standby.crt \
  -c ssl_key_file=/certificates/postgres-standby.key -c max_connections=300 "$@"
