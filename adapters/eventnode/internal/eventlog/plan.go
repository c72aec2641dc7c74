package eventlog

import "github.com/google/uuid"

// plan decides what one batch of writes does, one after the other, each on top
// of those before it. It changes nothing outside itself: what it decided comes
// true only if its events are committed at the end of the log that it started
// from.
type plan struct {
	heads  map[string]head // of all streams that matter, moved on by what is written
	recent *recentIDs
	stored map[revisionOf]storedID // what was written before, where an operation is behind

	ids      map[uuid.UUID]place
	written  map[revisionOf]storedID
	events   []*Event
	position int64
	created  int64
}

type revisionOf struct {
	stream   string
	revision int64
}

type storedID struct {
	id       uuid.UUID
	position int64
}

// newPlan starts at the position where the log ends. It takes the heads over. All
// events of a plan are created at the same time.
func newPlan(heads map[string]head, recent *recentIDs, stored map[revisionOf]storedID, position, created int64) *plan {
	return &plan{
		heads: heads, recent: recent, stored: stored,
		ids: map[uuid.UUID]place{}, written: map[revisionOf]storedID{},
		position: position, created: created,
	}
}

// decide takes one operation and answers what becomes of it, should the plan be
// committed.
func (p *plan) decide(op *operation) outcome {
	v := p.check(op)
	if v.err != nil || v.repeated {
		return outcome{result: v.result, err: v.err}
	}
	switch op.kind {
	case tombstone:
		p.write(op.stream, TombstoneRevision, &op.events[0])
		return p.answer(TombstoneRevision)
	case softDelete:
		if v.current == noRevision && p.head(Metastream(op.stream)).revision == noRevision {
			return outcome{err: &WrongRevisionError{Current: noRevision}}
		}
		p.append(Metastream(op.stream), op.events)
		return p.answer(v.current)
	default:
		return p.decideAppend(op, v)
	}
}

func (p *plan) decideAppend(op *operation, v verdict) outcome {
	origin, isMeta := originOf(op.stream)
	undeletes := isMeta && p.softDeleted(origin)
	p.append(op.stream, op.events)
	// The answer is about the client's own events, not the metadata that follows.
	answer := p.answer(p.head(op.stream).revision)
	if v.softDeleted {
		p.undelete(op.stream, v.current+1)
	}
	if undeletes {
		p.undelete(origin, p.head(origin).revision+1)
	}
	return answer
}

func (p *plan) answer(revision int64) outcome {
	return outcome{result: Result{Revision: revision, Position: p.position}}
}

// verdict is what check finds.
type verdict struct {
	current     int64 // revision of the stream
	softDeleted bool  // to be undone by the write
	repeated    bool  // written before: result holds where
	result      Result
	err         error
}

// check holds an operation against the stream. The order of the checks is that
// of EventStoreDB, and clients can tell.
func (p *plan) check(op *operation) verdict {
	v := verdict{current: p.head(op.stream).revision}
	v.softDeleted = p.softDeleted(op.stream)

	if op.kind != appendEvents {
		// The id was made here: it is only known when the writer begins anew.
		if at, ok := p.place(op.events[0].ID); ok {
			return verdict{repeated: true, result: Result{Revision: v.current, Position: at.position}}
		}
	}
	if v.current == TombstoneRevision {
		return verdict{err: ErrStreamDeleted}
	}
	if op.expected == StreamExists {
		if v.softDeleted {
			return verdict{err: ErrStreamDeleted}
		}
		if v.current == noRevision && p.head(Metastream(op.stream)).revision == noRevision {
			return verdict{err: &WrongRevisionError{Current: v.current}}
		}
	}
	switch {
	case op.expected == Any || op.expected == StreamExists:
		return p.checkRecent(op, v)
	case int64(op.expected) < v.current:
		return p.checkStored(op, v)
	case int64(op.expected) > v.current:
		return verdict{err: &WrongRevisionError{Current: v.current}}
	}
	return v
}

// checkRecent looks the ids up among the recent events of the stream. All known:
// it is a repetition. Known, and then unknown: these ids were written in another
// append, so nothing fits.
func (p *plan) checkRecent(op *operation, v verdict) verdict {
	var last place
	for i := range op.events {
		at, ok := p.place(op.events[i].ID)
		if !ok || at.stream != op.stream {
			if i == 0 {
				return v
			}
			return verdict{err: &WrongRevisionError{Current: v.current}}
		}
		last = at
	}
	if len(op.events) == 0 {
		return v
	}
	return verdict{repeated: true, result: Result{Revision: last.revision, Position: last.position}}
}

// checkStored compares the ids with those stored after the revision expected,
// however old they are. The same ids in the same place: it is a repetition.
func (p *plan) checkStored(op *operation, v verdict) verdict {
	wrong := verdict{err: &WrongRevisionError{Current: v.current}}
	var last Result
	for i := range op.events {
		revision := int64(op.expected) + 1 + int64(i)
		s, ok := p.storedAt(op.stream, revision)
		if !ok || s.id != op.events[i].ID {
			if i == 0 && op.expected == NoStream && v.softDeleted {
				return v
			}
			return wrong
		}
		last = Result{Revision: revision, Position: s.position}
	}
	if len(op.events) == 0 {
		return wrong
	}
	return verdict{repeated: true, result: last}
}

// append adds events to a stream, of which it knows that they may be.
func (p *plan) append(stream string, events []Proposed) {
	revision := p.head(stream).revision
	for i := range events {
		revision++
		p.write(stream, revision, &events[i])
	}
}

// undelete makes a soft-deleted stream readable from a revision on.
func (p *plan) undelete(stream string, from int64) {
	metastream := Metastream(stream)
	data, ok := undeleted(p.head(metastream).last.data, from)
	if !ok {
		return
	}
	p.append(metastream, []Proposed{{ID: uuid.New(), Type: TypeMetadata, JSON: true, Data: data}})
}

func (p *plan) write(stream string, revision int64, proposed *Proposed) {
	p.position += proposed.size(stream)
	e := &Event{
		Position: p.position, Revision: revision, Created: p.created,
		ID: proposed.ID, JSON: proposed.JSON, Stream: stream, Type: proposed.Type,
		Metadata: proposed.Metadata, Data: proposed.Data,
	}
	p.events = append(p.events, e)
	p.heads[stream] = headAfter(e)
	p.ids[e.ID] = place{stream: stream, revision: revision, position: e.Position}
	p.written[revisionOf{stream, revision}] = storedID{id: e.ID, position: e.Position}
}

// head is the end of a stream as of this point of the plan. A metastream ends
// with its stream.
func (p *plan) head(stream string) head {
	if origin, isMeta := originOf(stream); isMeta && p.ownHead(origin).revision == TombstoneRevision {
		return head{revision: TombstoneRevision}
	}
	return p.ownHead(stream)
}

func (p *plan) ownHead(stream string) head {
	if h, ok := p.heads[stream]; ok {
		return h
	}
	return head{revision: noRevision}
}

func (p *plan) softDeleted(stream string) bool {
	return metadataOf(stream, p.ownHead(Metastream(stream)).last).softDeleted()
}

func (p *plan) place(id uuid.UUID) (place, bool) {
	if at, ok := p.ids[id]; ok {
		return at, true
	}
	return p.recent.get(id)
}

func (p *plan) storedAt(stream string, revision int64) (storedID, bool) {
	at := revisionOf{stream, revision}
	if s, ok := p.written[at]; ok {
		return s, true
	}
	s, ok := p.stored[at]
	return s, ok
}

// streamsOf names the streams whose heads decide on a write to a stream.
func streamsOf(stream string) []string {
	names := []string{stream, Metastream(stream)}
	if origin, isMeta := originOf(stream); isMeta {
		names = append(names, origin)
	}
	return names
}
