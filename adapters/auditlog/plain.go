package auditlog

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/domain/personal"
)

// Plain is a value in the forms of JSON: objects, lists, texts, numbers and truth
// values. Fields have their JSON names, or else their names with a small first
// letter. Data about people is hidden, and so are hashes by which secrets are
// recognised.
func Plain(v any) any {
	if v == nil {
		return nil
	}
	return plain(reflect.ValueOf(v))
}

func plain(v reflect.Value) any {
	if k := v.Kind(); (k == reflect.Pointer || k == reflect.Interface || k == reflect.Map || k == reflect.Slice) && v.IsNil() {
		return nil
	}
	switch x := v.Interface().(type) {
	case personal.Text:
		if x.IsZero() {
			return nil
		}
		return x.String() // Which hides it.
	case time.Time:
		if x.IsZero() {
			return nil
		}
		return x.UTC().Format(time.RFC3339Nano)
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return nil
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.Struct:
		return plainStruct(v)
	case reflect.Map:
		object := map[string]any{}
		for _, key := range v.MapKeys() {
			object[fmt.Sprint(plain(key))] = plain(v.MapIndex(key))
		}
		return object
	case reflect.Slice, reflect.Array:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Pointer, reflect.Interface:
		return plain(v.Elem())
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return nil
	default:
		return v.Interface()
	}
}

func plainStruct(v reflect.Value) any {
	if all := v.MethodByName("All"); all.IsValid() && all.Type().NumIn() == 0 && all.Type().NumOut() == 1 && all.Type().Out(0).CanSeq2() {
		object := map[string]any{}
		for key, value := range all.Call(nil)[0].Seq2() {
			object[fmt.Sprint(plain(key))] = plain(value)
		}
		return object
	}
	object := map[string]any{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-", strings.HasSuffix(field.Name, "Hash"):
			continue
		case name == "":
			first, size := utf8.DecodeRuneInString(field.Name)
			name = string(unicode.ToLower(first)) + field.Name[size:]
		}
		object[name] = plain(v.Field(i))
	}
	return object
}
