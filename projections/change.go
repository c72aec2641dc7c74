package projections

// Row is columns by name. A value is of the Go type that the column calls for:
// any string type for text, any integer type in range, bool, time.Time (of
// which microseconds are kept), a slice of strings, any number, or for jsonb
// what encoding/json can write. Nil is null.
type Row map[string]any

// Change is one effect of an event on a read model's tables. Changes are data,
// so that the engine can fold many of them into few statements.
type Change struct {
	Op    Op
	Table string
	// Key holds the columns that choose rows: for Put, Patch and Delete the
	// whole primary key, for PatchWhere and DeleteWhere at least one column.
	Key Row
	// Set holds other columns, none of them of the primary key.
	Set Row
}

// Op is the kind of a change.
type Op int

// The kinds of change.
const (
	OpPut Op = iota + 1
	OpPatch
	OpDelete
	OpPatchWhere
	OpDeleteWhere
)

// Put writes a whole row: columns in neither key nor set become their default.
func Put(table string, key, set Row) Change { return Change{OpPut, table, key, set} }

// Patch sets columns of one row; without that row it does nothing.
func Patch(table string, key, set Row) Change { return Change{OpPatch, table, key, set} }

// Delete removes one row, if it is there.
func Delete(table string, key Row) Change { return Change{OpDelete, table, key, nil} }

// PatchWhere sets columns of all rows whose columns equal those of match, where
// nil equals null. Such a change cannot be folded with others of its table, so
// it costs a statement of its own.
func PatchWhere(table string, match, set Row) Change { return Change{OpPatchWhere, table, match, set} }

// DeleteWhere removes all rows whose columns equal those of match; see PatchWhere.
func DeleteWhere(table string, match Row) Change { return Change{OpDeleteWhere, table, match, nil} }
