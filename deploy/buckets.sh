#!/bin/sh
# Creates the buckets of files and of checkpoints; 200 when one is new, 409 when it
# exists.
set -eu
for bucket in files evidence; do
  code=$(curl --silent --output /dev/null --write-out '%{http_code}' --cacert "${CERTIFICATES:-/certificates}/ca.crt" \
    --aws-sigv4 aws:amz:us-east-1:s3 --user "$ACCESS:$SECRET" --request PUT "${ENDPOINT:-https://s3:7070}/$bucket")
  echo "the bucket $bucket: $code"
  [ "$code" = 200 ] || [ "$code" = 409 ]
done
