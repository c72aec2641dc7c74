// Package objects runs the store of objects against a real server of the S3
// protocol, which checks signatures: Versity's gateway, on a folder. It is a module of
// its own because of all that the gateway depends on, and because the S3 driver is in
// builds with -tags cloud only.
package objects
