package embedfont

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// cmapTable writes a table cmap with subtables of format 4, by platform and encoding.
func cmapTable(maps map[[2]int]map[int]int) []byte {
	keys := make([][2]int, 0, len(maps))
	for key := range maps {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	put := func(b []byte, v int) []byte { return binary.BigEndian.AppendUint16(b, uint16(v)) } //nolint:gosec // 16 bits are meant
	out := put(put(nil, 0), len(keys))
	offset := 4 + 8*len(keys)
	var subtables []byte
	for _, key := range keys {
		out = put(put(out, key[0]), key[1])
		out = put(put(out, 0), offset+len(subtables))
		subtables = append(subtables, segmentTable(maps[key])...)
	}
	return append(out, subtables...)
}

// segmentTable writes a subtable of format 4 with a segment for each code: there are at most 256.
func segmentTable(codes map[int]int) []byte {
	put := func(b []byte, v int) []byte { return binary.BigEndian.AppendUint16(b, uint16(v)) } //nolint:gosec // 16 bits are meant
	sorted := sortedKeys(codes)
	segments, log := len(sorted)+1, 0
	for 2<<log <= segments {
		log++
	}
	out := put(put(put(nil, 4), 16+8*segments), 0)
	out = put(put(put(put(out, 2*segments), 2<<log), log), 2*segments-2<<log)
	for _, code := range sorted {
		out = put(out, code)
	}
	out = put(put(out, 0xffff), 0)
	for _, code := range sorted {
		out = put(out, code)
	}
	out = put(out, 0xffff)
	for _, code := range sorted {
		out = put(out, codes[code]-code)
	}
	out = put(out, 1)
	for range segments {
		out = put(out, 0)
	}
	return out
}
