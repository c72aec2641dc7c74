package jobs

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ErrArgs is wrapped by the refusal of a type of arguments that could hold more
// than ids.
var ErrArgs = errors.New("the arguments of a job may hold nothing but ids and numbers")

// Job rows are seen by operators and are not encrypted, and they outlive what
// they are about. So a text in them must be of a type that says what it names.
var idPackages = []string{
	"github.com/perfectworks/backend/domain/id",
	"github.com/perfectworks/backend/domain/event",
}

// checkArgs walks a type of arguments. The error names the field at fault.
func checkArgs(t reflect.Type) error {
	if t.Kind() != reflect.Struct {
		return fmt.Errorf("%w: %s is no struct", ErrArgs, t)
	}
	for field := range fields(t) {
		if err := checkArg(field.Type); err != nil {
			return fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
	}
	return nil
}

// fields are those that JSON shows.
func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			field := t.Field(i)
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == "-" || !field.IsExported() && !field.Anonymous {
				continue
			}
			if !yield(field) {
				return
			}
		}
	}
}

func checkArg(t reflect.Type) error {
	if t == reflect.TypeFor[uuid.UUID]() || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[time.Duration]() {
		return nil
	}
	for _, path := range idPackages {
		// Of the structs there, only ids and positions: an event has texts.
		if t.PkgPath() == path && t.Kind() != reflect.Struct && t.Kind() != reflect.Interface {
			return nil
		}
	}
	for _, marshaler := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if t.Implements(marshaler) { // What it stores is not to be seen from its type.
			return fmt.Errorf("%w: %s is neither", ErrArgs, t)
		}
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Slice, reflect.Pointer:
		if t.Elem().Kind() == reflect.Uint8 {
			return fmt.Errorf("%w: bytes may be a text", ErrArgs)
		}
		return checkArg(t.Elem())
	case reflect.Struct:
		return checkArgs(t)
	default:
		return fmt.Errorf("%w: %s is neither", ErrArgs, t)
	}
}
