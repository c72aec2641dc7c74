#!/bin/sh
# Creates the user that the product works as; 201 when it is new, 409 when it exists.
set -eu
body="{\"loginName\": \"perfectworks\", \"fullName\": \"PerfectWorks\", \"groups\": [], \"password\": \"$PASSWORD\"}"
code=$(curl --silent --output /dev/null --write-out '%{http_code}' --cacert /certificates/ca.crt --location-trusted \
  --user "admin:$ADMIN_PASSWORD" --header 'Content-Type: application/json' --data "$body" https://eventstore1:2113/users/)
echo "the user perfectworks: $code"
[ "$code" = 201 ] || [ "$code" = 409 ]
