//go:build cloud

package main

// The key management services of the clouds, which KMS_URL can name. Their
// client libraries are large: only a build with -tags cloud has them.
import (
	_ "gocloud.dev/secrets/awskms"
	_ "gocloud.dev/secrets/gcpkms"
)
