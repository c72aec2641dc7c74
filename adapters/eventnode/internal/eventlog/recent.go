package eventlog

import "github.com/google/uuid"

// place is where an event was written.
type place struct {
	stream   string
	revision int64
	position int64
}

// recentIDs remembers where the events written last are, by id, so that an
// append repeated with Any or StreamExists is recognised. Ids need not be unique:
// the latest place counts. Only the writer uses it.
type recentIDs struct {
	places map[uuid.UUID]place
	ring   []uuid.UUID
	next   int
}

func newRecentIDs(size int) *recentIDs {
	return &recentIDs{places: make(map[uuid.UUID]place), ring: make([]uuid.UUID, 0, size)}
}

func (r *recentIDs) get(id uuid.UUID) (place, bool) {
	p, ok := r.places[id]
	return p, ok
}

func (r *recentIDs) add(e *Event) {
	if len(r.ring) < cap(r.ring) {
		r.ring = append(r.ring, e.ID)
	} else {
		delete(r.places, r.ring[r.next])
		r.ring[r.next] = e.ID
		r.next = (r.next + 1) % len(r.ring)
	}
	r.places[e.ID] = place{stream: e.Stream, revision: e.Revision, position: e.Position}
}
