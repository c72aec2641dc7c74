// Package conformance runs the test suite of an official client against the
// embedded node, and a smoke test with the official clients of Node and Python.
//
// The suite is TestStreams of github.com/kurrent-io/KurrentDB-Client-Go, at the version
// in go.mod, in a copy of that module: the suite reads its certificates from
// there, and the node's has expired. It is a module of its own because the
// generated code of that client and that of the client of the product register
// the same protocol, which one binary cannot hold twice.
package conformance
