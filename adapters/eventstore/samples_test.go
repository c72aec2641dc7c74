package eventstore

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

// sample fills an event's fields, each with a value of its own that is always
// the same, so that no field of a stored shape goes untested.
func sample(tb testing.TB, schema event.Schema) event.Event {
	tb.Helper()
	target := schema.New()
	fill(tb, reflect.ValueOf(target).Elem(), schema.Type, new(int))
	return schema.Value(target)
}

// sampleDay is the day of the codecs of newTestCodec.
var sampleDay = time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC)

func sampleMetadata(tb testing.TB) event.Metadata {
	tb.Helper()
	var m event.Metadata
	fill(tb, reflect.ValueOf(&m).Elem(), "Metadata", new(int))
	m.SchemaVersion, m.AddressKey = 0, event.AddressKey(sampleDay)
	return m
}

func fill(tb testing.TB, v reflect.Value, name string, n *int) {
	tb.Helper()
	*n++
	switch v.Interface().(type) {
	case personal.Text:
		v.Set(reflect.ValueOf(personal.New("personal " + name)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2025, 12, 31, 23, 59, *n, int(time.Millisecond), time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.ToLower(name[:1]) + name[1:])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(1)<<(v.Type().Bits()-2) + int64(*n)) // more than a float holds
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(1)<<(v.Type().Bits()-1) + uint64(*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(tb, v.Elem(), name, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(tb, v.Index(i), fmt.Sprintf("%s%d", name, i), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(tb, v.Index(i), fmt.Sprintf("%s%d", name, i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(tb, key, name+"Key", n)
		fill(tb, value, name+"Value", n)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(tb, v.Field(i), v.Type().Field(i).Name, n)
		}
	default:
		tb.Fatalf("no sample of %s for %s", v.Type(), name)
	}
}
