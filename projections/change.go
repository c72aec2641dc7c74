package projections

// Row is columns by name. A value is of the Go type that the column calls for:
//
//	text                       any string type
//	smallint, integer, bigint  any integer type, in range
//	boolean                    any bool type
//	timestamptz                time.Time, cut off to microseconds
//	date                       time.Time, of which the day in UTC counts
//	uuid                       any [16]byte type
//	bytea                      any []byte type
//	text[]                     any slice of a string type
//	double precision           any number but NaN and the infinities
//	numeric                    the same, *big.Int or json.Number
//	jsonb                      what encoding/json can write
//
// A value is taken for what it is: its methods, such as String, do not matter.
// Nil is null, and so is a nil pointer, slice or map; other pointers stand for
// what they point to.
type Row map[string]any

// Change is one effect of an event on a read model's tables. Changes are data,
// so that the engine can fold many of them into few statements.
type Change struct {
	Op    Op
	Table string
	// Key holds the columns that choose rows: the whole primary key, or for
	// PatchWhere and DeleteWhere at least one column.
	Key Row
	// Set holds other columns, none of them of the primary key; for Add, what is
	// added to each.
	Set Row
}

// Op is the kind of a change.
type Op int

// The kinds of change.
const (
	OpPut Op = iota + 1
	OpPatch
	OpDelete
	OpMerge
	OpAdd
	OpPatchWhere
	OpDeleteWhere
)

// Put writes a whole row: columns in neither key nor set become their default.
func Put(table string, key, set Row) Change { return Change{OpPut, table, key, set} }

// Patch sets columns of one row; without that row it does nothing.
func Patch(table string, key, set Row) Change { return Change{OpPatch, table, key, set} }

// Delete removes one row, if it is there.
func Delete(table string, key Row) Change { return Change{OpDelete, table, key, nil} }

// Merge sets columns of one row; without that row it inserts it, the other
// columns with their defaults.
func Merge(table string, key, set Row) Change { return Change{OpMerge, table, key, set} }

// Add adds to columns of one row, which are integers or numerics; a negative
// number subtracts. Without that row it inserts it first, all columns with
// their defaults. A null counts as 0. A result out of the column's range parks
// the event.
func Add(table string, key, deltas Row) Change { return Change{OpAdd, table, key, deltas} }

// PatchWhere sets columns of all rows whose columns equal those of match, where
// nil equals null. Such a change costs a statement of its own, and should match
// by the first column of an index or of the primary key.
func PatchWhere(table string, match, set Row) Change { return Change{OpPatchWhere, table, match, set} }

// DeleteWhere removes all rows whose columns equal those of match; see PatchWhere.
func DeleteWhere(table string, match Row) Change { return Change{OpDeleteWhere, table, match, nil} }
