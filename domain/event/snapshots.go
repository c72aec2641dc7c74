package event

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/perfectworks/backend/domain/personal"
)

// Snapshots says how states of type S are kept between processes, so that a long
// stream need not be folded from its beginning. A snapshot is only a copy: it
// can be deleted at any time, and the stream is then folded again.
//
// Snapshots hold nothing personal, so that erasing somebody does not concern
// them.
type Snapshots[S any] struct {
	// Form names how the states were folded and how they are stored. A snapshot
	// of another form is not read.
	Form string
	Save func(S) ([]byte, error)
	Load func([]byte) (S, error)
}

// SnapshotsAs keeps states as the JSON of type T, to which save and load convert
// them. The version is raised when Apply comes to mean something else; a change
// of T is noticed without that. It panics if T could hold a personal.Text, which
// is a mistake in the program.
func SnapshotsAs[T, S any](version int, save func(S) T, load func(T) S) *Snapshots[S] {
	shape := sha256.Sum256([]byte(shapeOf(reflect.TypeFor[T](), nil)))
	return &Snapshots[S]{
		Form: fmt.Sprintf("%d-%s", version, hex.EncodeToString(shape[:8])),
		Save: func(s S) ([]byte, error) { return json.Marshal(save(s)) },
		Load: func(data []byte) (S, error) {
			var stored T
			if err := json.Unmarshal(data, &stored); err != nil {
				var none S
				return none, fmt.Errorf("read a snapshot: %w", err)
			}
			return load(stored), nil
		},
	}
}

// shapeOf writes down a type as JSON shows it. Within is the structs around it.
func shapeOf(t reflect.Type, within []reflect.Type) string {
	switch {
	case t == reflect.TypeFor[personal.Text]():
		panic("event: a snapshot cannot hold a personal text")
	case t == reflect.TypeFor[time.Time]():
		return "time"
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return "[" + shapeOf(t.Elem(), within) + "]"
	case reflect.Map:
		return "map " + shapeOf(t.Key(), within) + shapeOf(t.Elem(), within)
	case reflect.Struct:
		for _, outer := range within {
			if outer == t {
				return "again"
			}
		}
		shape := "{"
		for _, field := range reflect.VisibleFields(t) {
			if field.IsExported() && !field.Anonymous {
				shape += field.Name + " " + field.Tag.Get("json") + " " + shapeOf(field.Type, append(within, t)) + ";"
			}
		}
		return shape + "}"
	default:
		return t.Kind().String()
	}
}
