package auditlog

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/perfectworks/backend/domain/personal"
)

// Plain is a value in the forms of JSON: objects, lists, texts, numbers and truth
// values. Fields have their JSON names, or else their names as these would be. Data about people is hidden, and so are hashes by which secrets are
// recognised.
func Plain(v any) any {
	return form{}.of(v)
}

// Revealed is Plain with data about people as it is. Whoever asks for it must say
// why, and that must be recorded: see commands.Commands.Act.
func Revealed(v any) any { return form{revealing: true}.of(v) }

// form says how values are shown.
type form struct{ revealing bool }

func (f form) of(v any) any {
	if v == nil {
		return nil
	}
	return f.plain(reflect.ValueOf(v))
}

func (f form) plain(v reflect.Value) any {
	if k := v.Kind(); (k == reflect.Pointer || k == reflect.Interface || k == reflect.Map || k == reflect.Slice) && v.IsNil() {
		return nil
	}
	switch x := v.Interface().(type) {
	case personal.Text:
		if x.IsZero() {
			return nil
		}
		if f.revealing && !x.IsErased() {
			return x.Reveal()
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
		return f.plainStruct(v)
	case reflect.Map:
		object := map[string]any{}
		for _, key := range v.MapKeys() {
			object[fmt.Sprint(f.plain(key))] = f.plain(v.MapIndex(key))
		}
		return object
	case reflect.Slice, reflect.Array:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = f.plain(v.Index(i))
		}
		return list
	case reflect.Pointer, reflect.Interface:
		return f.plain(v.Elem())
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return nil
	default:
		return v.Interface()
	}
}

func (f form) plainStruct(v reflect.Value) any {
	if all := v.MethodByName("All"); all.IsValid() && all.Type().NumIn() == 0 && all.Type().NumOut() == 1 && all.Type().Out(0).CanSeq2() {
		object := map[string]any{}
		for key, value := range all.Call(nil)[0].Seq2() {
			object[fmt.Sprint(f.plain(key))] = f.plain(value)
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
			name = small(field.Name)
		}
		object[name] = f.plain(v.Field(i))
	}
	return object
}

// small is the name of a field as JSON has it: id for ID, logoURL for LogoURL.
func small(name string) string {
	runes := []rune(name)
	for i := range runes {
		if !unicode.IsUpper(runes[i]) || i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
			break
		}
		runes[i] = unicode.ToLower(runes[i])
	}
	return string(runes)
}
