package projectionstest

import (
	"reflect"
	"strings"

	"github.com/perfectworks/backend/domain/personal"
)

// erase returns a struct as it reads without the keys of some subjects. A field
// that is a personal text names its subject by a tag, as personal.Text says.
func erase[T any](value T, subjects map[string]bool) T {
	given := reflect.ValueOf(value)
	if given.Kind() != reflect.Struct {
		return value
	}
	erased := reflect.New(given.Type()).Elem()
	erased.Set(given)
	for i := range given.NumField() {
		text, ok := given.Field(i).Interface().(personal.Text)
		if ok && !text.IsZero() && (subjects[Subject(given, i)] || subjects[named(given, i, "within")]) {
			erased.Field(i).Set(reflect.ValueOf(personal.Erased()))
		}
	}
	return erased.Interface().(T)
}

// Subject returns the id of the subject whom a personal field of a struct is
// about.
func Subject(of reflect.Value, field int) string { return named(of, field, "subject") }

// named returns the value of the field that a tag of another one names; empty
// without the tag.
func named(of reflect.Value, field int, tag string) string {
	name := of.Type().Field(field).Tag.Get(tag)
	for i := range of.NumField() {
		if other, _, _ := strings.Cut(of.Type().Field(i).Tag.Get("json"), ","); other == name && name != "" {
			return of.Field(i).String()
		}
	}
	return ""
}
