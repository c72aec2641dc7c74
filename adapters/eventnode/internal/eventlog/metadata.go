package eventlog

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// StreamMetadata is the part of a stream's metadata that changes how it reads.
// A nil field is not set.
type StreamMetadata struct {
	MaxAge         *time.Duration
	MaxCount       *int64
	TruncateBefore *int64
}

const metastreamPrefix = "$$"

// Metastream names the stream that holds the metadata of another.
func Metastream(stream string) string { return metastreamPrefix + stream }

// originOf returns the stream that a metastream describes.
func originOf(stream string) (origin string, isMetastream bool) {
	return strings.CutPrefix(stream, metastreamPrefix)
}

// metadataOf is the metadata in force for a stream, given the last event of its
// metastream. The metadata of a metastream is fixed: its last event counts.
func metadataOf(stream string, last content) StreamMetadata {
	if _, isMeta := originOf(stream); isMeta {
		one := int64(1)
		return StreamMetadata{MaxCount: &one}
	}
	return last.metadata()
}

// ParseMetadata reads the JSON of a metadata event. Metadata that breaks a rule
// is as good as none: the server must not refuse to read a stream over it.
func ParseMetadata(data []byte) StreamMetadata {
	// A map, because the keys of a struct would match in any case.
	var keys map[string]json.RawMessage
	if json.Unmarshal(data, &keys) != nil {
		return StreamMetadata{}
	}
	maxAge, ok1 := integer(keys["$maxAge"], 1, math.MaxInt64/int64(time.Second))
	maxCount, ok2 := integer(keys["$maxCount"], 1, math.MaxInt64)
	truncateBefore, ok3 := integer(keys["$tb"], 0, math.MaxInt64)
	if !ok1 || !ok2 || !ok3 {
		return StreamMetadata{}
	}
	metadata := StreamMetadata{MaxCount: maxCount, TruncateBefore: truncateBefore}
	if maxAge != nil {
		age := time.Duration(*maxAge) * time.Second
		metadata.MaxAge = &age
	}
	return metadata
}

// integer parses an optional number; not ok when it is out of bounds or none.
func integer(raw json.RawMessage, low, high int64) (n *int64, ok bool) {
	if raw == nil {
		return nil, true
	}
	if json.Unmarshal(raw, &n) != nil || n != nil && (*n < low || *n > high) {
		return nil, false
	}
	return n, true
}

// softDeleted says that the stream reads as missing until it is written again.
func (m StreamMetadata) softDeleted() bool {
	return m.TruncateBefore != nil && *m.TruncateBefore == TombstoneRevision
}

// firstRevision is the lowest revision that a reader may see in a stream that
// ends at last.
func (m StreamMetadata) firstRevision(last int64) int64 {
	var first int64
	if m.MaxCount != nil {
		first = max(first, last-*m.MaxCount+1)
	}
	if m.TruncateBefore != nil {
		first = max(first, *m.TruncateBefore)
	}
	return first
}

// createdSince is the creation time, in units of 100 ns, before which events are
// hidden by their age.
func (m StreamMetadata) createdSince(now time.Time) int64 {
	if m.MaxAge == nil {
		return math.MinInt64
	}
	return ticks(now.Add(-*m.MaxAge))
}

// deletedMetadata is the metadata that a soft deletion writes. It replaces any
// other.
var deletedMetadata = []byte(`{"$tb":9223372036854775807}`)

// undeleted returns metadata with $tb set to the revision from which the stream
// goes on, all other keys kept; false when it is no JSON object.
func undeleted(raw []byte, from int64) ([]byte, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return nil, false
	}
	number, err := json.Marshal(from)
	if err != nil {
		return nil, false
	}
	object["$tb"] = number
	data, err := json.Marshal(object)
	return data, err == nil
}

func ticks(t time.Time) int64 { return t.UnixNano() / 100 }
