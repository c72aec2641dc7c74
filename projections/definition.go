package projections

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
	// primary key and no other constraint but NOT NULL, no trigger, and only
	// constants as defaults: rows are written in bulk, and of many states only
	// the last; rules are the write side's. Columns are text, smallint, integer,
	// bigint, boolean, timestamptz, text[], numeric, double precision or jsonb,
	// those of a key not of the last four.
	Tables string
	// Indexes is SQL that is run once the tables are filled. An indexed text must
	// fit into an index entry, of at most 2,700 bytes.
	Indexes string
	// Reducers are the effects of the event types that matter here; all others
	// leave the tables alone.
	Reducers Reducers
}

// maxNameLength leaves room, within Postgres' 63 bytes, for a generation's number.
const maxNameLength = 40

var (
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	// A generation that is not live has such a name.
	generationPattern = regexp.MustCompile(`_g[0-9]+$`)
	reservedNames     = []string{"projection", "public", "eventnode", "information_schema"}
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

// fingerprint changes with the SQL, so that an edit without a new version is
// noticed too.
func (d Definition) fingerprint() string {
	sum := sha256.Sum256([]byte(d.Tables + "\x00" + d.Indexes))
	return hex.EncodeToString(sum[:16])
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
