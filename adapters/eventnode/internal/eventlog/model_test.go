package eventlog_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// model is what a log does, written down as plainly as possible.
type model struct {
	streams map[string][]modelEvent
	dead    map[string]bool
	places  map[uuid.UUID]string // stream of the latest event with an id
	at      map[uuid.UUID]int64
}

type modelEvent struct {
	id       uuid.UUID
	revision int64
	data     string
}

func newModel() *model {
	return &model{streams: map[string][]modelEvent{}, dead: map[string]bool{}, places: map[uuid.UUID]string{}, at: map[uuid.UUID]int64{}}
}

func (m *model) last(stream string) int64 { return int64(len(m.streams[stream])) - 1 }

func (m *model) isDead(stream string) bool {
	return m.dead[stream] || len(stream) > 2 && stream[:2] == "$$" && m.dead[stream[2:]]
}

func (m *model) metadata(stream string) map[string]int64 {
	if stream[0] == '$' {
		return map[string]int64{"$maxCount": 1}
	}
	meta := m.streams["$$"+stream]
	keys := map[string]int64{}
	if len(meta) > 0 && json.Unmarshal([]byte(meta[len(meta)-1].data), &keys) != nil {
		return nil
	}
	return keys
}

func (m *model) softDeleted(stream string) bool { return m.metadata(stream)["$tb"] == math.MaxInt64 }

func (m *model) add(stream string, id uuid.UUID, data string) {
	e := modelEvent{id: id, revision: m.last(stream) + 1, data: data}
	m.streams[stream] = append(m.streams[stream], e)
	m.places[id], m.at[id] = stream, e.revision
}

func (m *model) undelete(stream string) {
	keys := m.metadata(stream)
	keys["$tb"] = m.last(stream) + 1
	data, _ := json.Marshal(keys)
	m.add("$$"+stream, uuid.New(), string(data))
}

// check returns an answer when nothing is to be written.
func (m *model) check(stream string, expected eventlog.Expected, ids []uuid.UUID) (answer string) {
	last, soft := m.last(stream), m.softDeleted(stream)
	wrong := fmt.Sprintf("wrong, at %d", last)
	if m.isDead(stream) {
		return "deleted"
	}
	if expected == eventlog.StreamExists {
		if soft {
			return "deleted"
		}
		if last < 0 && m.last("$$"+stream) < 0 {
			return wrong
		}
	}
	if expected == eventlog.Any || expected == eventlog.StreamExists {
		known := 0
		for _, id := range ids {
			if m.places[id] != stream {
				break
			}
			known++
		}
		switch {
		case known == 0:
			return ""
		case known == len(ids):
			return fmt.Sprintf("at %d", m.at[ids[known-1]])
		}
		return wrong
	}
	if int64(expected) > last {
		return wrong
	}
	if int64(expected) == last {
		return ""
	}
	for i, id := range ids {
		revision := int64(expected) + 1 + int64(i)
		if revision > last || m.streams[stream][revision].id != id {
			if i == 0 && expected == eventlog.NoStream && soft {
				return ""
			}
			return wrong
		}
	}
	if len(ids) == 0 {
		return wrong
	}
	return fmt.Sprintf("at %d", int64(expected)+int64(len(ids)))
}

func (m *model) append(stream string, expected eventlog.Expected, events []eventlog.Proposed) string {
	ids := make([]uuid.UUID, len(events))
	for i := range events {
		ids[i] = events[i].ID
	}
	if answer := m.check(stream, expected, ids); answer != "" {
		return answer
	}
	soft, origin, originSoft := m.softDeleted(stream), "", false
	if stream[0] == '$' {
		origin = stream[2:]
		originSoft = m.softDeleted(origin)
	}
	before := m.last(stream)
	for _, e := range events {
		m.add(stream, e.ID, string(e.Data))
	}
	answer := fmt.Sprintf("at %d", m.last(stream))
	if soft {
		keys := m.metadata(stream)
		keys["$tb"] = before + 1
		data, _ := json.Marshal(keys)
		m.add("$$"+stream, uuid.New(), string(data))
	}
	if originSoft {
		m.undelete(origin)
	}
	return answer
}

func (m *model) delete(stream string, expected eventlog.Expected) string {
	if answer := m.check(stream, expected, []uuid.UUID{uuid.New()}); answer != "" {
		return answer
	}
	if m.last(stream) < 0 && m.last("$$"+stream) < 0 {
		return "wrong, at -1"
	}
	m.add("$$"+stream, uuid.New(), `{"$tb":9223372036854775807}`)
	return fmt.Sprintf("at %d", m.last(stream))
}

func (m *model) tombstone(stream string, expected eventlog.Expected) string {
	if answer := m.check(stream, expected, []uuid.UUID{uuid.New()}); answer != "" {
		return answer
	}
	m.dead[stream] = true
	return fmt.Sprintf("at %d", int64(math.MaxInt64))
}

func (m *model) read(stream string, direction eventlog.Direction, from int64, count int) string {
	if m.isDead(stream) {
		return "deleted"
	}
	if m.last(stream) < 0 || m.softDeleted(stream) {
		return "not found"
	}
	keys, text := m.metadata(stream), ""
	first := keys["$tb"]
	if n, ok := keys["$maxCount"]; ok {
		first = max(first, m.last(stream)-n+1)
	}
	step := int64(1)
	if direction == eventlog.Backwards {
		step, from = -1, min(from, m.last(stream))
	}
	for r := from; r >= 0 && r <= m.last(stream) && count > 0; r += step {
		if r >= first {
			text += fmt.Sprintf("%d ", r)
			count--
		}
	}
	return text
}

// TestModel does the same at random to the model and to two logs that share a
// database, and compares all answers.
func TestModel(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	logs := []*eventlog.Log{openLog(t, on(pool)), openLog(t, on(pool), func(config *eventlog.Config) { config.CachedStreams = 1 })}

	rapid.Check(t, func(rt *rapid.T) {
		m, run := newModel(), uuid.NewString()[:8]
		names := []string{"a-" + run, "b-" + run, "$$a-" + run, "$$b-" + run}
		var used []uuid.UUID
		streams := rapid.SampledFrom(names)
		expectations := rapid.OneOf(
			rapid.SampledFrom([]eventlog.Expected{eventlog.Any, eventlog.NoStream, eventlog.StreamExists}),
			rapid.Custom(func(t *rapid.T) eventlog.Expected {
				return eventlog.Expected(rapid.Int64Range(0, 5).Draw(t, "revision"))
			}),
		)
		log := func(rt *rapid.T) *eventlog.Log { return logs[rapid.IntRange(0, 1).Draw(rt, "log")] }
		compare := func(rt *rapid.T, what, got, want string) {
			if got != want {
				rt.Fatalf("%s: %q, want %q", what, got, want)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				stream, expected := streams.Draw(rt, "stream"), expectations.Draw(rt, "expected")
				events := make([]eventlog.Proposed, rapid.IntRange(0, 3).Draw(rt, "events"))
				for i := range events {
					e := eventlog.Proposed{ID: uuid.New(), Type: "T", JSON: true, Data: []byte(`{}`)}
					if stream[0] == '$' {
						e.Data = []byte(rapid.SampledFrom([]string{`{}`, `{"$maxCount":2}`, `{"$tb":1}`, `{"$tb":9223372036854775807}`}).Draw(rt, "metadata"))
					}
					if len(used) > 0 && rapid.IntRange(0, 2).Draw(rt, "repeat") == 0 {
						e.ID = rapid.SampledFrom(used).Draw(rt, "id")
					}
					used = append(used, e.ID)
					events[i] = e
				}
				got := describe(log(rt).Append(t.Context(), stream, expected, events))
				compare(rt, "append", got, m.append(stream, expected, events))
			},
			"repeat append": func(rt *rapid.T) {
				stream := streams.Draw(rt, "stream")
				stored := m.streams[stream]
				if len(stored) == 0 {
					rt.Skip()
				}
				from := rapid.IntRange(0, len(stored)-1).Draw(rt, "from")
				var events []eventlog.Proposed
				for _, e := range stored[from:] {
					events = append(events, eventlog.Proposed{ID: e.id, Type: "T", JSON: true, Data: []byte(e.data)})
				}
				if !isOurs(used, events) {
					rt.Skip()
				}
				expected := eventlog.Expected(from - 1)
				got := describe(log(rt).Append(t.Context(), stream, expected, events))
				compare(rt, "repeat", got, m.append(stream, expected, events))
			},
			"delete": func(rt *rapid.T) {
				stream, expected := rapid.SampledFrom(names[:2]).Draw(rt, "stream"), expectations.Draw(rt, "expected")
				got := describe(log(rt).Delete(t.Context(), stream, expected))
				compare(rt, "delete", got, m.delete(stream, expected))
			},
			"tombstone": func(rt *rapid.T) {
				if rapid.IntRange(0, 4).Draw(rt, "seldom") > 0 {
					rt.Skip()
				}
				stream, expected := rapid.SampledFrom(names[:2]).Draw(rt, "stream"), expectations.Draw(rt, "expected")
				got := describe(log(rt).Tombstone(t.Context(), stream, expected))
				compare(rt, "tombstone", got, m.tombstone(stream, expected))
			},
			"read": func(rt *rapid.T) {
				stream := streams.Draw(rt, "stream")
				direction := eventlog.Direction(rapid.Bool().Draw(rt, "backwards"))
				from := rapid.OneOf(rapid.Int64Range(0, 6), rapid.Just(eventlog.End)).Draw(rt, "from")
				count := rapid.IntRange(1, 9).Draw(rt, "count")
				got := read(t, log(rt), stream, direction, from, uint64(count))
				compare(rt, fmt.Sprintf("read %s from %d", stream, from), got, m.read(stream, direction, from, count))
			},
		})
		got := map[string]int64{}
		for _, e := range all(t, logs[0]) {
			if e.Revision != eventlog.TombstoneRevision {
				got[e.Stream]++
			}
		}
		for _, name := range names {
			if diff := cmp.Diff(m.last(name)+1, got[name]); diff != "" {
				rt.Fatalf("events of %s in $all: %s", name, diff)
			}
		}
	})
}

// isOurs says that no event is one that the log wrote by itself, of which the
// model has another id.
func isOurs(used []uuid.UUID, events []eventlog.Proposed) bool {
	known := map[uuid.UUID]bool{}
	for _, id := range used {
		known[id] = true
	}
	for _, e := range events {
		if !known[e.ID] {
			return false
		}
	}
	return true
}
