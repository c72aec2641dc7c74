package exporter

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/personal"
)

// plain returns the fields of a stored struct by their stored names, with
// personal texts in the clear. Fields that are not stored when they are empty are
// left out, and so are hashes.
func plain(of reflect.Value) map[string]any {
	out := map[string]any{}
	for i := range of.NumField() {
		name, options, _ := strings.Cut(of.Type().Field(i).Tag.Get("json"), ",")
		value := of.Field(i)
		if name == "" || name == "-" || strings.HasSuffix(name, "Hash") || strings.Contains(options, "omit") && value.IsZero() {
			continue
		}
		out[name] = plainValue(value)
	}
	return out
}

func plainValue(value reflect.Value) any {
	switch v := value.Interface().(type) {
	case personal.Text:
		if v.IsErased() {
			return nil
		}
		return v.Reveal()
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	case json.Marshaler:
		return v
	}
	switch value.Kind() {
	case reflect.Struct:
		return plain(value)
	case reflect.Slice, reflect.Array:
		if value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8 {
			return value.Interface()
		}
		all := make([]any, value.Len())
		for i := range all {
			all[i] = plainValue(value.Index(i))
		}
		return all
	case reflect.Pointer:
		if value.IsNil() {
			return nil
		}
		return plainValue(value.Elem())
	default:
		return value.Interface()
	}
}
