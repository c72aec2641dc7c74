#!/bin/bash
# Creates an authority of the installation, and a certificate for each server of
# docker-compose.cluster.yml. Nothing that exists is replaced: delete a certificate to
# have it renewed, and restart its server.
#
#   deploy/certificates.sh FOLDER
#
# APP_HOST and FILES_HOST name the hosts of the proxy's certificate, which browsers must
# trust: put one of a public authority in its place, certificate and key in proxy.pem.
set -eu
cd "$(mkdir -p "$1" && cd "$1" && pwd)"
umask 077
days=${DAYS:-825}

if [ ! -s ca.key ]; then
  openssl req -x509 -newkey rsa:3072 -nodes -keyout ca.key -out ca.crt -days 3650 -sha256 \
    -subj "/CN=PerfectWorks authority" -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
fi
mkdir -p authority && cp ca.crt authority/ca.crt && chmod 0755 authority

# certificate NAME COMMON-NAME ALTERNATIVE-NAMES
certificate() {
  if [ -s "$1.crt" ]; then return; fi
  openssl req -newkey rsa:3072 -nodes -keyout "$1.key" -out "$1.csr" -sha256 -subj "/CN=$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days "$days" -sha256 -extfile <(
    echo "basicConstraints=critical,CA:FALSE"
    echo "keyUsage=critical,digitalSignature,keyEncipherment"
    echo "extendedKeyUsage=serverAuth,clientAuth"
    echo "subjectAltName=$3"
  ) 2>/dev/null
  rm "$1.csr"
}

# The nodes of EventStoreDB know each other by one common name.
for node in eventstore1 eventstore2 eventstore3; do
  certificate "$node" eventstoredb-node "DNS:$node,DNS:localhost,IP:127.0.0.1"
done
certificate postgres postgres "DNS:postgres,DNS:localhost,IP:127.0.0.1"
certificate postgres-standby postgres-standby "DNS:postgres-standby,DNS:localhost,IP:127.0.0.1"
certificate s3 s3 "DNS:s3,DNS:localhost,IP:127.0.0.1"
app=${APP_HOST:-app.example.com}
files=${FILES_HOST:-files.example.com}
certificate proxy "$app" "DNS:$app,DNS:$files,DNS:localhost,IP:127.0.0.1"
[ -s proxy.pem ] || cat proxy.crt proxy.key > proxy.pem

chmod 0644 ./*.crt authority/ca.crt
chmod 0755 .
# Each key is read by the user of its server in the image, and by no other. Without the
# rights of root that is left to you.
if [ "$(id -u)" = 0 ]; then
  chown 999:999 postgres.key postgres-standby.key
  chown 1000:1000 eventstore1.key eventstore2.key eventstore3.key
  chown 99:99 proxy.pem proxy.key
fi
echo "certificates are in $PWD; keep ca.key elsewhere"
