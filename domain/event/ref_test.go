package event_test

import (
	"encoding/json"
	"testing"

	"github.com/perfectworks/backend/domain/event"
)

// References lie in queues: what was written stays readable.
func TestReferencesSurviveTheirJSON(t *testing.T) {
	t.Parallel()
	ref := event.Recorded{ID: event.ID{1, 2, 3}, Stream: "user-1", Revision: 7}.Ref()
	text, err := json.Marshal(ref)
	if err != nil || string(text) != `{"stream":"user-1","revision":7,"id":"01020300-0000-0000-0000-000000000000"}` {
		t.Fatalf("%s, %v", text, err)
	}
	var again event.Ref
	if err := json.Unmarshal(text, &again); err != nil || again != ref || again.String() != "user-1@7" {
		t.Errorf("it became %v, %v", again, err)
	}
	if json.Unmarshal([]byte(`{"id": "nonsense"}`), &again) == nil {
		t.Error("nonsense is an id")
	}
}
