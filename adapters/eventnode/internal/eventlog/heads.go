package eventlog

// head is the end of a stream.
type head struct {
	revision int64 // noRevision without events, TombstoneRevision when tombstoned
	// last is the content of the last event, kept for metastreams only.
	last content
}

// content is what matters of a metastream's last event.
type content struct {
	json bool
	data []byte
}

func (c content) metadata() StreamMetadata {
	if !c.json {
		return StreamMetadata{}
	}
	return ParseMetadata(c.data)
}

func headAfter(e *Event) head {
	h := head{revision: e.Revision}
	if _, isMeta := originOf(e.Stream); isMeta {
		h.last = content{json: e.JSON, data: e.Data}
	}
	return h
}

// headCache remembers the heads of the streams used last, up to twice its size:
// when the young generation is full it becomes the old one, whose entries live
// on only if they are asked for. Only the writer uses it.
type headCache struct {
	size       int
	young, old map[string]head
}

func newHeadCache(size int) *headCache {
	return &headCache{size: size, young: map[string]head{}}
}

func (c *headCache) get(stream string) (head, bool) {
	if h, ok := c.young[stream]; ok {
		return h, true
	}
	h, ok := c.old[stream]
	if ok {
		c.put(stream, h)
	}
	return h, ok
}

func (c *headCache) put(stream string, h head) {
	if len(c.young) >= c.size {
		c.young, c.old = make(map[string]head, c.size), c.young
	}
	c.young[stream] = h
}

// putNew remembers streams as being without events.
func (c *headCache) putNew(streams []string) {
	for _, stream := range streams {
		c.put(stream, head{revision: noRevision})
	}
}

// apply moves the head of a stream that is known past an event. The head of an
// unknown stream is read when somebody needs it.
func (c *headCache) apply(e *Event) {
	if h, ok := c.get(e.Stream); ok && e.Revision > h.revision {
		c.put(e.Stream, headAfter(e))
	}
}
