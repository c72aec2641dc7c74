package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// changedColumn is a column, or a field, whose value differs; – where there is none.
type changedColumn struct{ name, before, after string }

// changedColumns compares two JSON objects; nil is one that is not there.
func changedColumns(before, after json.RawMessage) []changedColumn {
	was, is := fieldsOf(before), fieldsOf(after)
	names := slices.Collect(maps.Keys(was))
	for name := range is {
		if _, ok := was[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var changed []changedColumn
	for _, name := range names {
		if !bytes.Equal(was[name], is[name]) {
			changed = append(changed, changedColumn{name, cellOf(was, name), cellOf(is, name)})
		}
	}
	return changed
}

func fieldsOf(object json.RawMessage) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	if object != nil {
		_ = json.Unmarshal(object, &fields) // What is no object has no fields.
	}
	return fields
}

func cellOf(fields map[string]json.RawMessage, name string) string {
	if value, ok := fields[name]; ok {
		return string(value)
	}
	return "–"
}
