package event_test

import (
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

type storedState struct {
	Total int64       `json:"total"`
	At    time.Time   `json:"at"`
	Parts []storedOne `json:"parts"`
}

type storedOne struct {
	Name string       `json:"name"`
	Next []*storedOne `json:"next"`
}

func formOf[T any](version int) string {
	return event.SnapshotsAs(version, func(s T) T { return s }, func(s T) T { return s }).Form
}

func TestTheFormOfSnapshotsFollowsTheirType(t *testing.T) {
	t.Parallel()
	type renamed struct {
		Total int64 `json:"sum"`
	}
	type before struct {
		Total int64 `json:"total"`
	}
	type wider struct {
		Total int64 `json:"total"`
		More  bool  `json:"more"`
	}
	forms := map[string]string{}
	for name, form := range map[string]string{
		"before": formOf[before](1), "another version": formOf[before](2), "renamed": formOf[renamed](1),
		"one more field": formOf[wider](1), "nested": formOf[storedState](1),
	} {
		if other, taken := forms[form]; taken {
			t.Errorf("%s and %s have the same form %s", name, other, form)
		}
		forms[form] = name
	}
	if again := formOf[before](1); forms[again] != "before" {
		t.Error("the form changes from call to call")
	}
}

func TestSnapshotsKeepWhatWasSaved(t *testing.T) {
	t.Parallel()
	kept := event.SnapshotsAs(1, func(n int64) storedState { return storedState{Total: n} }, func(s storedState) int64 { return s.Total })
	data, err := kept.Save(7)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := kept.Load(data); n != 7 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	for _, damaged := range [][]byte{nil, data[:len(data)-1], []byte(`{"total":"7"}`)} {
		if _, err := kept.Load(damaged); err == nil {
			t.Errorf("%q was read", damaged)
		}
	}
}

func TestSnapshotsHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	type person struct {
		Name personal.Text `json:"name"`
	}
	type state struct {
		People []person `json:"people"`
	}
	defer func() {
		if recover() == nil {
			t.Error("a type with a personal text was accepted")
		}
	}()
	formOf[state](1)
}
