package tokenaccount

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// At is the state as the clock shows it: what has come due is taken into
// account, whether or not it has been recorded.
func (s State) At(at time.Time) State {
	return s.decide(Context{OrganizationID: s.OrganizationID, At: at}).State
}

// NextDue is the earliest instant at which time alone changes the account, or
// zero when it never does.
func (s State) NextDue() time.Time {
	var next time.Time
	if first := s.holds.first(); first != nil {
		next = first.key.At
	}
	for _, g := range s.grants.live {
		if g.Available > 0 && !g.ExpireAt.IsZero() && (next.IsZero() || g.ExpireAt.Before(next)) {
			next = g.ExpireAt
		}
	}
	return next
}

// maxDue is about how many events of what has come due one append can hold.
const maxDue = 200

// Settle records what has come due: reservations that timed out, grants that
// expired. When nothing is due it does nothing. It records a bounded number of
// events: the caller repeats it until it does nothing.
func (s State) Settle(ctx Context) ([]event.Event, error) {
	d := s.begin(ctx)
	d.settle(maxDue)
	if len(d.events) == 0 {
		return nil, nil
	}
	return d.done()
}

// settle records what is due, each at its instant and in their order. At the
// same instant reservations time out before grants expire. After most events it
// stops, where an append may end: what returns to an expired grant has expired.
func (d *decision) settle(most int) {
	for len(d.events) < most {
		due := d.NextDue()
		if due.IsZero() || due.After(d.at) {
			return
		}
		// A grant may have come in when it had expired already.
		if due.Before(d.LastAt) {
			due = d.LastAt
		}
		if first := d.holds.first(); first != nil && !first.key.At.After(due) {
			d.release(first.value, ReasonTimedOut, due)
		}
		d.expire(due)
	}
}

// expire empties each grant that has expired at an instant.
func (d *decision) expire(at time.Time) {
	for _, g := range d.Grants() {
		if g.Available == 0 || !g.expired(at) {
			continue
		}
		d.post(at, []Movement{{Available, -g.Available}, {Expired, g.Available}}, func(entry Entry) posting {
			return TokensExpired{OrganizationID: d.OrganizationID, Grant: g.Reference, Amount: g.Available, Entry: entry}
		})
	}
}
