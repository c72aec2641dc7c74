// Package monitoring checks the dashboard and the alert rules of docs/monitoring:
// each expression parses, and names only metrics and labels that a server exposes, as
// docs/metrics.md lists them. That list is compared with a running server by a test
// of cmd/perfectworks.
//
// It is a module of its own because of the parser of Prometheus.
package monitoring
