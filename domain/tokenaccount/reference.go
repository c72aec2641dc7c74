package tokenaccount

import (
	"cmp"
	"time"
)

// Reference names an operation or a grant, with the time that the name was
// made, in UTC and whole milliseconds. Two references are the same only when
// both parts are.
type Reference struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

func (r Reference) compare(o Reference) int {
	return cmp.Or(r.At.Compare(o.At), cmp.Compare(r.ID, o.ID))
}

func (r Reference) same(o Reference) bool { return r.compare(o) == 0 }
