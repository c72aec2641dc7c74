package jobs_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

func TestArgumentsAreIDsOnly(t *testing.T) {
	t.Parallel()
	type inner struct{ Key id.APIKey }
	type named string
	for name, c := range map[string]struct {
		args any
		fine bool
	}{
		"nothing":       {struct{}{}, true},
		"ids":           {struct{ User id.User }{}, true},
		"an event's id": {struct{ Event event.ID }{}, true},
		"a position":    {struct{ At event.Position }{}, true},
		"numbers":       {struct{ Page, Size int }{}, true},
		"a time":        {struct{ Due time.Time }{}, true},
		"a uuid":        {struct{ ID uuid.UUID }{}, true},
		"several":       {struct{ Keys []id.APIKey }{}, true},
		"within":        {struct{ Inner *inner }{}, true},
		"not stored":    {struct{ email string }{}, true},
		"left out": {struct {
			Email string `json:"-"`
		}{}, true},
		"a text":             {struct{ Email string }{}, false},
		"texts":              {struct{ Emails []string }{}, false},
		"a named text":       {struct{ Email named }{}, false},
		"a personal text":    {struct{ Email personal.Text }{}, false},
		"a text within":      {struct{ Inner struct{ Name string } }{}, false},
		"an event":           {struct{ Event event.Event }{}, false},
		"recorded":           {struct{ Event event.Recorded }{}, false},
		"metadata":           {struct{ Metadata event.Metadata }{}, false},
		"a map":              {struct{ All map[string]int }{}, false},
		"anything":           {struct{ Any any }{}, false},
		"bytes for numbers":  {struct{ Raw []byte }{}, false},
		"a number by itself": {3, false},
	} {
		err := jobs.CheckArgs(reflect.TypeOf(c.args))
		if c.fine != (err == nil) || err != nil && !errors.Is(err, jobs.ErrArgs) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type texts struct{ Email string }

// Kind implements jobs.Args.
func (texts) Kind() string { return "texts" }

func TestNewRefusesKindsThatHoldTexts(t *testing.T) {
	t.Parallel()
	kind := jobs.On(texts{}, jobs.Options{}, func(context.Context, jobs.Job[texts]) error { return nil })
	if _, err := jobs.New(jobs.Config{Kinds: []jobs.Kind{kind}}); !errors.Is(err, jobs.ErrArgs) {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesTwoKindsOfOneName(t *testing.T) {
	t.Parallel()
	kind := jobs.On(noted{}, jobs.Options{}, func(context.Context, jobs.Job[noted]) error { return nil })
	if _, err := jobs.New(jobs.Config{Kinds: []jobs.Kind{kind, kind}}); err == nil {
		t.Error("it was accepted")
	}
}
