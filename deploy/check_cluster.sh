#!/bin/bash
# Starts what docker-compose.cluster.yml describes, without containers, as far as the
# engines are programs of Debian: Postgres with its standby and certificates, two
# processes of each role on it, and the proxy. Not EventStoreDB, nor the store of files.
# Then it calls the API through the proxy, kills a process of the API, and lets the
# standby take over.
#
#   check_cluster.sh PROGRAM      as root, with Debian's postgresql and haproxy
set -eu -o pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
bin=$(find /usr/lib/postgresql -name pg_basebackup -printf '%h\n' | sort -V | tail -1)
work=$(mktemp -d)
chmod 0755 "$work"
started=()
declare -A api admin pid
cleanup() {
  for each in "${started[@]}"; do kill -9 "$each" 2>/dev/null || true; done
  for data in "$work/primary" "$work/standby-data"; do as_postgres "$bin/pg_ctl -D $data -m immediate stop" >/dev/null 2>&1 || true; done
  rm -rf "$work"
}
as_postgres() { su postgres -s /bin/bash -c "PATH=$bin:\$PATH $1"; }
trap cleanup EXIT
fail() {
  echo "FAILED: $*" >&2
  tail -n 5 "$work"/*.log >&2
  exit 1
}
# until_true SECONDS COMMAND...
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "this did not come true: $*"
    sleep 0.3
  done
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

"$here/certificates.sh" "$work/certificates" >/dev/null
chown postgres "$work"/certificates/postgres*.key
cp -r "$here/postgres" "$here/standby" "$work/"
# The paths of the containers.
sed -i "s#/certificates#$work/certificates#g" "$work/standby/standby.sh"
install -d -o postgres "$work/primary" "$work/standby-data" "$work/run"
chmod 0777 "$work/run"
primary=$(free_port)
standby=$(free_port)
tls="-c ssl=on -c ssl_cert_file=$work/certificates/postgres.crt -c ssl_key_file=$work/certificates/postgres.key"
as_postgres "initdb -D $work/primary -U postgres --auth-local trust --auth-host scram-sha-256" >/dev/null
echo "hostssl all all all scram-sha-256" >> "$work/primary/pg_hba.conf"
as_postgres "pg_ctl -D $work/primary -w -l $work/run/primary.log start -o '-p $primary -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work/run -c max_connections=300 $tls'" >/dev/null
as_postgres "PGHOST=$work/run PGPORT=$primary PGDATA=$work/primary POSTGRES_USER=postgres PERFECTWORKS_PASSWORD=app REPLICATION_PASSWORD=replication bash $work/postgres/10-roles.sh" >/dev/null
as_postgres "pg_ctl -D $work/primary reload" >/dev/null
as_postgres "PGDATA=$work/standby-data PRIMARY_HOST=localhost PRIMARY_PORT=$primary REPLICATION_PASSWORD=replication $work/standby/standby.sh -p $standby -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work/run" > "$work/standby.log" 2>&1 &
on_standby() { psql -qAt "host=$work/run port=$standby user=postgres dbname=perfectworks" -c "$1"; }
until_true 60 on_standby "SELECT 1"
[ "$(on_standby 'SELECT pg_is_in_recovery()')" = t ] || fail "the standby is none"
echo "Postgres and its standby run, over TLS"

url() { echo "postgres://perfectworks:app@localhost:$1/perfectworks?sslmode=verify-full&sslrootcert=$work/certificates/ca.crt"; }
export LOG_LEVEL=warn DOCUMENTS_ENGINES=embedded PERFECTWORKS_SANDBOX_ADDR=127.0.0.1:0
export PERFECTWORKS_ERASURE_JOURNAL=$work/journal/erasures.journal
mkdir -m 0700 "$work/journal"
# run NAME ROLE DATABASE-PORT
run() {
  api[$1]=$(free_port)
  admin[$1]=$(free_port)
  DATABASE_URL=$(url "$3") PERFECTWORKS_ADMIN_ADDR=127.0.0.1:${admin[$1]} "$program" serve --role "$2" --addr "127.0.0.1:${api[$1]}" \
    --data "$work/data" > "$work/$1.log" 2>&1 &
  pid[$1]=$!
  started+=($!)
  disown
}
ready() { "$program" ready --addr "127.0.0.1:${admin[$1]}"; }
all() {
  local database=$1 name
  for name in projector1 projector2 worker1 worker2 api1 api2; do run "$name" "${name%?}" "$database"; done
  for name in projector1 projector2 worker1 worker2 api1 api2; do until_true 180 ready "$name"; done
}
all "$primary"
echo "two processes of each role are ready"

proxy=$(free_port)
sed -e "s#bind :8443#bind 127.0.0.1:$proxy#" -e "s#api1:8080#127.0.0.1:${api[api1]}#" -e "s#api2:8080#127.0.0.1:${api[api2]}#" "$here/haproxy.cfg" > "$work/haproxy.cfg"
export FILES_HOST=files.example.com CERTIFICATES=$work/certificates
haproxy -f "$work/haproxy.cfg" > "$work/haproxy.log" 2>&1 &
started+=($!)
disown
token=$("$program" token --subject ada --email ada@example.org --verified --data "$work/data")
# call CODE PATH [CURL-ARGUMENT...]
call() {
  local want=$1 path=$2 code
  shift 2
  code=$(curl --silent --output "$work/answer" --write-out '%{http_code}' --cacert "$work/certificates/ca.crt" \
    --resolve "app.example.com:$proxy:127.0.0.1" --header "Authorization: Bearer $token" --header 'Content-Type: application/json' \
    "https://app.example.com:$proxy$path" "$@")
  [ "$code" = "$want" ]
}
until_true 30 call 200 /healthz
call 201 /api/v0/users/client --data '{"firstName": "Ada", "lastName": "Lovelace"}' || fail "register: $(cat "$work/answer")"
call 201 /api/v0/organizations --data '{"name": "Engines"}' || fail "organization: $(cat "$work/answer")"
for n in 1 2 3 4 5; do call 201 /api/v0/api-keys --data "{\"description\": \"key $n\"}" || fail "key: $(cat "$work/answer")"; done
call 200 /api/v0/api-keys || fail "keys: $(cat "$work/answer")"
[ "$(grep -o '"description":"key' "$work/answer" | wc -l)" = 5 ] || fail "a caller does not read their own writes: $(cat "$work/answer")"
echo "calls through the proxy are answered, and read their own writes"

kill -9 "${pid[api1]}"
until_true 30 call 200 /api/v0/api-keys
kill -9 "${pid[projector1]}" "${pid[worker1]}"
until_true 30 call 201 /api/v0/api-keys --data '{"description": "after the kills"}'
until_true 30 call 200 /api/v0/api-keys
echo "one process of each role was killed, and the others go on"

position=$(psql -qAt "host=$work/run port=$primary user=postgres" -c "SELECT pg_current_wal_flush_lsn()")
replayed() { [ "$(on_standby "SELECT pg_last_wal_replay_lsn() >= '$position'")" = t ]; }
until_true 30 replayed
for each in "${started[@]}"; do kill -9 "$each" 2>/dev/null || true; done
as_postgres "pg_ctl -D $work/primary -m immediate stop" >/dev/null
as_postgres "pg_ctl promote -D $work/standby-data" >/dev/null
run api1 all "$standby"
until_true 180 ready api1
DATABASE_URL=$(url "$standby") PERFECTWORKS_ADMIN_ADDR=127.0.0.1:0 "$program" doctor --data "$work/data" > "$work/doctor.log" || fail "the doctor is not content: $(cat "$work/doctor.log")"
code=$(curl --silent --output "$work/answer" --write-out '%{http_code}' --header "Authorization: Bearer $("$program" token --subject ada --email ada@example.org --verified --data "$work/data")" "http://127.0.0.1:${api[api1]}/api/v0/api-keys")
if [ "$code" != 200 ] || [ "$(grep -o '"description":"' "$work/answer" | wc -l)" != 6 ]; then fail "after the failover: $code $(cat "$work/answer")"; fi
echo "the standby took over, and all that was acknowledged is there"
