package projections

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/perfectworks/backend/domain/event"
)

// Definition is a read model.
type Definition struct {
	// Name is the projection's name, and its live tables' Postgres schema: lower
	// case letters, digits and underscores.
	Name string
	// Version is raised with every change to Tables, Indexes or Reducers. A
	// server that finds tables of another version builds its own beside them,
	// and queries go on reading the old ones until then.
	Version int
	// Tables is SQL that creates the tables, with unqualified names. Each has a
	// primary key and no other constraint but NOT NULL and, on a text,
	// CHECK (octet_length(c) <= n); no trigger, no computed column, and only
	// constants as defaults: rows are written in bulk, and of many states only the
	// last; rules are the write side's. For the types of
	// columns see Row; they have no length or precision, and those of a primary
	// key are not double precision, numeric, text[] or jsonb.
	Tables string
	// Indexes is SQL of CREATE INDEX statements, which a build runs once the
	// tables are filled, or before the first PatchWhere or DeleteWhere that needs
	// them. The methods are btree, hash and gin; an expression uses only functions
	// that take every value: lower, upper, left, md5, length and btrim.
	//
	// The texts of one entry of a btree share 2,600 bytes, those without a limit
	// equally, and an event with a longer one is parked. Where a text can be
	// longer, the index is on left(text, n), for which n characters are reserved.
	Indexes string
	// Trigrams is more SQL of this kind, for databases that have the extension
	// pg_trgm.
	Trigrams string
	// Personal declares which columns hold data about people.
	Personal []Personal
	// Reducers are the effects of the event types that matter here; all others
	// leave the tables alone.
	Reducers Reducers
	// Predecessor, if set, is the definition of the version before: its tables go
	// on being projected until those of this version have caught up. Without it
	// they are served as they were left.
	Predecessor *Definition

	// shapes are the versions of events' stored shapes that the program can read.
	shapes map[string]int
}

// reading is the definition in a program that can read these shapes.
func (d Definition) reading(shapes map[string]int) Definition {
	d.shapes = shapes
	if d.Predecessor != nil {
		before := d.Predecessor.reading(shapes)
		d.Predecessor = &before
	}
	return d
}

// maxNameLength leaves room, within Postgres' 63 bytes, for a generation's number.
const maxNameLength = 40

var (
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	// A generation that is not live has such a name.
	generationPattern = regexp.MustCompile(`_g[0-9]+$`)
	reservedNames     = []string{"projection", "public", "eventnode", "idempotency", "jobs", "policy", "information_schema"}
)

func (d Definition) validate() error {
	switch {
	case !namePattern.MatchString(d.Name), len(d.Name) > maxNameLength,
		generationPattern.MatchString(d.Name), strings.HasPrefix(d.Name, "pg_"),
		slices.Contains(reservedNames, d.Name):
		return fmt.Errorf("projection %q: the name is not usable as a schema of its own", d.Name)
	case d.Version < 1:
		return fmt.Errorf("projection %s: versions begin at 1", d.Name)
	case d.Tables == "":
		return fmt.Errorf("projection %s: it has no tables", d.Name)
	case len(d.Reducers) == 0:
		return fmt.Errorf("projection %s: it has no reducers", d.Name)
	}
	return nil
}

// reducing finds which definition can project a generation: this one, or one of
// its predecessors.
func (d Definition) reducing(g Generation) (Definition, bool) {
	for each := &d; each != nil; each = each.Predecessor {
		if each.reduces(g) {
			return *each, true
		}
	}
	return Definition{}, false
}

// reduces tells whether a generation was built for the definition, perhaps by a
// program that could read older shapes of events only. Tables of newer shapes are
// not for it: it would park what they hold.
func (d Definition) reduces(g Generation) bool {
	if g.builtFor(d) {
		return true
	}
	if g.Version != d.Version || g.fingerprint != d.reading(g.shapes).fingerprint() {
		return false
	}
	for name, version := range g.shapes {
		if d.shapes[name] < version {
			return false
		}
	}
	return true
}

// eventTypes are the types that the reducers know, in order.
func (d Definition) eventTypes() []string { return slices.Sorted(maps.Keys(d.Reducers)) }

// fingerprint changes with the SQL, so that an edit without a new version is
// noticed too, and with the shapes of events that the program can read: what
// lifts old shapes to new ones may change what the tables show.
func (d Definition) fingerprint() string {
	sql := d.Tables + "\x00" + d.Indexes
	if d.Trigrams != "" {
		sql += "\x00" + d.Trigrams
	}
	upgraded := d.upgradedShapes()
	for _, name := range slices.Sorted(maps.Keys(upgraded)) {
		sql += fmt.Sprintf("\x00%s@%d", name, upgraded[name])
	}
	sum := sha256.Sum256([]byte(sql))
	return hex.EncodeToString(sum[:16])
}

// upgradedShapes are the versions, beyond the first, of the shapes that matter to
// the reducers.
func (d Definition) upgradedShapes() map[string]int {
	upgraded := map[string]int{}
	for name := range d.Reducers {
		if version := d.shapes[name]; version > 1 {
			upgraded[name] = version
		}
	}
	return upgraded
}

// Reducer says what an event changes. It is pure: no query, no clock, no side
// effect, so that a rebuild gives the same tables as the live run. It refuses
// an event of another type with ErrWrongEvent.
type Reducer func(event.Recorded) ([]Change, error)

// ErrWrongEvent says that a reducer was given an event of another type.
var ErrWrongEvent = errors.New("the reducer is for another type of event")

// Reducers is a reducer for each event type.
type Reducers map[string]Reducer

// On is the reducer for events of type E.
func On[E event.Event](reduce func(E, event.Recorded) []Change) Reducers {
	var zero E
	return Reducers{zero.EventType(): func(r event.Recorded) ([]Change, error) {
		e, ok := r.Event.(E)
		if !ok {
			return nil, fmt.Errorf("%w: %T, not %T", ErrWrongEvent, r.Event, zero)
		}
		return reduce(e, r), nil
	}}
}

// Join joins reducers of different event types. It panics when two are for the
// same type, which is a mistake in the program.
func Join(all ...Reducers) Reducers {
	joined := Reducers{}
	for _, rs := range all {
		for name, r := range rs {
			if _, taken := joined[name]; taken {
				panic("projections: two reducers for " + name)
			}
			joined[name] = r
		}
	}
	return joined
}
