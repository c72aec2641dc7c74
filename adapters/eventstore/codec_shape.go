package eventstore

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/perfectworks/backend/domain/personal"
)

// shape is how a struct is stored: as JSON, with a sealed string in the place
// of each personal text.
type shape struct {
	typ reflect.Type
	// stored is typ with strings for the personal texts; it is typ itself when
	// there are none.
	stored   reflect.Type
	personal []personalField
}

// personalField is a field of type personal.Text.
type personalField struct {
	index   int
	name    string // in JSON
	subject int    // the index of the field that names the person
	within  int    // the index of the field that names what else ends the text; -1 for none
}

// ownerIn reads for whom the text is sealed, in a struct or in its stored form.
func (f personalField) ownerIn(v reflect.Value) owner {
	o := owner{subject: v.Field(f.subject).String()}
	if f.within >= 0 {
		o.within = v.Field(f.within).String()
	}
	return o
}

var (
	textType        = reflect.TypeFor[personal.Text]()
	marshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// shapeOf examines a struct type. It refuses whatever would be lost, changed or
// stored in the clear: it is better to learn that at the start of the program
// than from the log.
func shapeOf(typ reflect.Type) (*shape, error) {
	if typ.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is not a struct", typ)
	}
	s := &shape{typ: typ, stored: typ}
	names := map[string]int{}
	fields := make([]reflect.StructField, typ.NumField())
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, err := jsonName(field)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", typ, field.Name, err)
		}
		if _, taken := names[name]; taken {
			return nil, fmt.Errorf("%s.%s: another field has the JSON name %q", typ, field.Name, name)
		}
		names[name] = i
		if fields[i] = field; field.Type == textType {
			fields[i].Type = reflect.TypeFor[string]()
			fields[i].Tag = reflect.StructTag(`json:"` + name + `,omitempty"`)
			s.personal = append(s.personal, personalField{index: i, name: name})
			continue
		}
		if err := storable(field.Type, map[reflect.Type]bool{}); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", typ, field.Name, err)
		}
	}
	for i := range s.personal {
		field := typ.Field(s.personal[i].index)
		if _, ok := field.Tag.Lookup("subject"); !ok {
			return nil, fmt.Errorf(`%s.%s: a personal text needs a tag subject:"<the JSON name of the field that holds the person's id>"`, typ, field.Name)
		}
		var err, withinErr error
		s.personal[i].subject, err = subjectOf(typ, field, "subject", names)
		s.personal[i].within, withinErr = subjectOf(typ, field, "within", names)
		if err := errors.Join(err, withinErr); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", typ, field.Name, err)
		}
	}
	if len(s.personal) > 0 {
		s.stored = reflect.StructOf(fields)
	}
	return s, nil
}

// jsonName is the name that an exported, not embedded field has in JSON.
func jsonName(field reflect.StructField) (string, error) {
	if !field.IsExported() {
		return "", errors.New("an unexported field would be lost")
	}
	if field.Anonymous {
		return "", errors.New("an embedded field has no name of its own")
	}
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	switch name {
	case "":
		return "", errors.New("the field needs a JSON name")
	case "-":
		return "", errors.New("a field that is not stored does not belong into an event")
	}
	return name, nil
}

// subjectOf returns the index of the field that a tag names; -1 without the tag.
func subjectOf(typ reflect.Type, field reflect.StructField, tag string, names map[string]int) (int, error) {
	subject, ok := field.Tag.Lookup(tag)
	if !ok {
		return -1, nil
	}
	i, ok := names[subject]
	if !ok {
		return 0, fmt.Errorf("%s:%q names no field beside it", tag, subject)
	}
	if typ.Field(i).Type.Kind() != reflect.String {
		return 0, fmt.Errorf("%s:%q names a field that holds no string", tag, subject)
	}
	return i, nil
}

// storable refuses types below the top level of an event that JSON would change
// (a float or an interface does not keep an int64) and personal texts, which
// are sealed only at the top level.
func storable(typ reflect.Type, seen map[reflect.Type]bool) error {
	if typ == textType {
		return errors.New("a personal text must be a field of the event itself")
	}
	if seen[typ] {
		return nil
	}
	seen[typ] = true
	switch typ.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("%s is not exact: store integers", typ)
	case reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Uintptr:
		return fmt.Errorf("%s has no stored form of its own", typ)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return storable(typ.Elem(), seen)
	case reflect.Map:
		return errors.Join(storable(typ.Key(), seen), storable(typ.Elem(), seen))
	case reflect.Struct:
		if knowsItsForm(typ) {
			return hidesNoText(typ, map[reflect.Type]bool{})
		}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if _, err := jsonName(field); err != nil {
				return fmt.Errorf("%s.%s: %w", typ, field.Name, err)
			}
			if err := storable(field.Type, seen); err != nil {
				return fmt.Errorf("%s.%s: %w", typ, field.Name, err)
			}
		}
	default:
	}
	return nil
}

// knowsItsForm tells whether a struct, like time.Time, is stored as a text that
// it writes and reads itself.
func knowsItsForm(typ reflect.Type) bool {
	return typ.Implements(marshalerType) && reflect.PointerTo(typ).Implements(unmarshalerType)
}

// hidesNoText looks for personal texts in fields that a type would store by
// methods of its own.
func hidesNoText(typ reflect.Type, seen map[reflect.Type]bool) error {
	if typ == textType {
		return errors.New("a personal text must be a field of the event itself")
	}
	if seen[typ] {
		return nil
	}
	seen[typ] = true
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return hidesNoText(typ.Elem(), seen)
	case reflect.Struct:
		for i := range typ.NumField() {
			if err := hidesNoText(typ.Field(i).Type, seen); err != nil {
				return fmt.Errorf("%s.%s: %w", typ, typ.Field(i).Name, err)
			}
		}
	default:
	}
	return nil
}
