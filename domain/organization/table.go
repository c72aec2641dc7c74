package organization

import (
	"iter"
	"maps"
)

// Table is a map that is never changed: each change returns another Table, which
// shares most of what it holds with the one before. The zero Table is empty.
//
// It is a map and the changes to it, of which only the few changes are copied by
// the next one. Once they are as many as the square root of the map, they become
// part of a new map. So n changes in a row copy n·√n entries, where copies of a
// plain map would be n².
type Table[K, V comparable] struct {
	base    map[K]V
	changes map[K]changed[V]
	length  int
}

type changed[V comparable] struct {
	value   V
	deleted bool
}

// minChanges is how many changes may be kept apart however small the map is.
const minChanges = 8

// Find returns the value of a key, and whether there is one.
func (t Table[K, V]) Find(key K) (V, bool) {
	if c, ok := t.changes[key]; ok {
		return c.value, !c.deleted
	}
	value, ok := t.base[key]
	return value, ok
}

// Get returns the value of a key; the zero value if there is none.
func (t Table[K, V]) Get(key K) V {
	value, _ := t.Find(key)
	return value
}

// Len returns the number of keys.
func (t Table[K, V]) Len() int { return t.length }

// All yields all keys with their values, in no order.
func (t Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for key, value := range t.base {
			if _, over := t.changes[key]; !over && !yield(key, value) {
				return
			}
		}
		for key, c := range t.changes {
			if !c.deleted && !yield(key, c.value) {
				return
			}
		}
	}
}

// Equal reports whether two tables hold the same.
func (t Table[K, V]) Equal(other Table[K, V]) bool {
	return maps.Equal(maps.Collect(t.All()), maps.Collect(other.All()))
}

// with returns the table with a value for a key.
func (t Table[K, V]) with(key K, value V) Table[K, V] {
	if _, ok := t.Find(key); !ok {
		t.length++
	}
	return t.changedBy(key, changed[V]{value: value})
}

// without returns the table without a key.
func (t Table[K, V]) without(key K) Table[K, V] {
	if _, ok := t.Find(key); !ok {
		return t
	}
	t.length--
	return t.changedBy(key, changed[V]{deleted: true})
}

func (t Table[K, V]) changedBy(key K, c changed[V]) Table[K, V] {
	changes := make(map[K]changed[V], len(t.changes)+1)
	maps.Copy(changes, t.changes)
	changes[key] = c
	t.changes = changes
	if n := len(changes); n > minChanges && n*n > len(t.base) {
		base := make(map[K]V, t.length)
		for key, value := range t.All() {
			base[key] = value
		}
		t.base, t.changes = base, nil
	}
	return t
}
