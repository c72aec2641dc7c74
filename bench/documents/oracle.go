package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
)

// session stands in for a test: the validator is made for tests, and here as well its absence ends the run.
type session struct {
	testing.TB
	cleanups []func()
}

// stopped is what a session panics with, to be caught by [startOracle].
type stopped struct{ why error }

func (s *session) Helper()          {}
func (s *session) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
func (s *session) Fatal(args ...any) {
	panic(stopped{errors.New(fmt.Sprint(args...))})
}
func (s *session) Fatalf(format string, args ...any) { panic(stopped{fmt.Errorf(format, args...)}) }
func (s *session) Skip(args ...any)                  { s.Fatal(args...) }
func (s *session) Skipf(format string, args ...any)  { s.Fatalf(format, args...) }

func (s *session) end() {
	for _, f := range s.cleanups {
		f()
	}
}

// startOracle starts veraPDF.
func startOracle() (oracle *verapdftest.Oracle, end func(), err error) {
	s := &session{}
	defer func() {
		switch why := recover().(type) {
		case nil:
		case stopped:
			err = why.why
		default:
			panic(why)
		}
	}()
	return verapdftest.Start(s), s.end, nil
}
