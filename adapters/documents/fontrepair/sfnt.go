package fontrepair

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

var errNotSFNT = errors.New("the font program is no TrueType font")

// sfnt is a TrueType font program taken apart into its tables.
type sfnt struct {
	version uint32
	tables  map[string][]byte
}

// maxTables is how many tables a font may have; none has a tenth of it.
const maxTables = 512

func readSFNT(data []byte) (*sfnt, error) {
	if len(data) < 12 {
		return nil, errNotSFNT
	}
	version := binary.BigEndian.Uint32(data)
	count := int(binary.BigEndian.Uint16(data[4:]))
	if version == 0x74746366 || count > maxTables || len(data) < 12+16*count { // ttcf is a collection
		return nil, errNotSFNT
	}
	s := &sfnt{version: version, tables: map[string][]byte{}}
	for i := range count {
		entry := data[12+16*i:]
		offset, length := int64(binary.BigEndian.Uint32(entry[8:])), int64(binary.BigEndian.Uint32(entry[12:]))
		if offset > int64(len(data)) {
			continue
		}
		s.tables[string(entry[:4])] = data[offset:min(offset+length, int64(len(data)))]
	}
	return s, nil
}

// bytes puts the tables together (ISO/IEC 14496-22, 4.5).
func (s *sfnt) bytes() []byte {
	tags := make([]string, 0, len(s.tables))
	for tag := range s.tables {
		tags = append(tags, tag)
	}
	slices.SortFunc(tags, cmp.Compare[string])
	power, log := 1, 0
	for power*2 <= len(tags) {
		power, log = power*2, log+1
	}
	out := binary.BigEndian.AppendUint32(nil, s.version)
	for _, v := range []int{len(tags), power * 16, log, (len(tags) - power) * 16} {
		out = binary.BigEndian.AppendUint16(out, uint16(v)) //nolint:gosec // at most maxTables
	}
	offset := 12 + 16*len(tags)
	var body []byte
	headAt := -1
	for _, tag := range tags {
		table := s.tables[tag]
		if tag == "head" && len(table) >= 12 {
			table = slices.Clone(table)
			binary.BigEndian.PutUint32(table[8:], 0)
			headAt = offset + len(body) + 8
		}
		out = append(out, tag...)
		out = binary.BigEndian.AppendUint32(out, checksum(table))
		out = binary.BigEndian.AppendUint32(out, uint32(offset+len(body))) //nolint:gosec // a font in memory
		out = binary.BigEndian.AppendUint32(out, uint32(len(table)))       //nolint:gosec // a font in memory
		body = append(body, table...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	out = append(out, body...)
	if headAt >= 0 {
		binary.BigEndian.PutUint32(out[headAt:], 0xb1b0afba-checksum(out))
	}
	return out
}

func checksum(data []byte) uint32 {
	var sum uint32
	for len(data) >= 4 {
		sum += binary.BigEndian.Uint32(data)
		data = data[4:]
	}
	if len(data) > 0 {
		var last [4]byte
		copy(last[:], data)
		sum += binary.BigEndian.Uint32(last[:])
	}
	return sum
}

// setAdvances changes the advance widths of glyphs, given in thousandths of an em. Outlines and side bearings stay.
func (s *sfnt) setAdvances(widths map[int]float64) error {
	head, hhea, hmtx, maxp := s.tables["head"], s.tables["hhea"], s.tables["hmtx"], s.tables["maxp"]
	if len(head) < 20 || len(hhea) < 36 || len(maxp) < 6 {
		return errNotSFNT
	}
	units := float64(binary.BigEndian.Uint16(head[18:]))
	glyphs := int(binary.BigEndian.Uint16(maxp[4:]))
	metrics := int(binary.BigEndian.Uint16(hhea[34:]))
	if metrics == 0 || len(hmtx) < 4*metrics {
		return errNotSFNT
	}
	table := slices.Clone(hmtx)
	last := metrics
	for glyph := range widths {
		last = max(last, glyph+1)
	}
	if last = min(last, glyphs); last > metrics {
		// Glyphs beyond share the last advance and have a bearing alone: each gets both.
		table = slices.Clone(hmtx[:4*metrics])
		advance := table[4*metrics-4 : 4*metrics-2]
		for g := metrics; g < glyphs; g++ {
			bearing := []byte{0, 0}
			if at := 4*metrics + 2*(g-metrics); at+2 <= len(hmtx) {
				bearing = hmtx[at : at+2]
			}
			table = append(append(table, advance[0], advance[1]), bearing...)
		}
		hhea = slices.Clone(hhea)
		binary.BigEndian.PutUint16(hhea[34:], uint16(glyphs)) //nolint:gosec // read from two bytes
		s.tables["hhea"] = hhea
	}
	for glyph, width := range widths {
		if v := width*units/1000 + 0.5; glyph >= 0 && 4*glyph+4 <= len(table) && glyph < last && v >= 0 && v < 1<<16 {
			binary.BigEndian.PutUint16(table[4*glyph:], uint16(v))
		}
	}
	s.tables["hmtx"] = table
	return nil
}

// addSymbolMap adds the subtable of cmap for symbols, platform 3 and encoding 0, to the others.
func (s *sfnt) addSymbolMap(glyphs map[int]int) {
	old := s.tables["cmap"]
	count := 0
	if len(old) >= 4 {
		count = int(binary.BigEndian.Uint16(old[2:]))
	}
	if len(old) < 4+8*count {
		old, count = nil, 0
	}
	type record struct {
		platform, encoding uint16
		offset             uint32
	}
	const grown = 8 // one more record moves all subtables on
	var records []record
	for i := range count {
		e := old[4+8*i:]
		records = append(records, record{
			binary.BigEndian.Uint16(e), binary.BigEndian.Uint16(e[2:]), binary.BigEndian.Uint32(e[4:]) + grown,
		})
	}
	size := max(len(old), 4) + grown
	for size%4 != 0 {
		size++
	}
	records = append(records, record{3, 0, uint32(size)}) //nolint:gosec // a font in memory
	slices.SortStableFunc(records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.platform, b.platform), cmp.Compare(a.encoding, b.encoding))
	})
	out := binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(len(records))) //nolint:gosec // one more than before
	for _, r := range records {
		out = binary.BigEndian.AppendUint16(out, r.platform)
		out = binary.BigEndian.AppendUint16(out, r.encoding)
		out = binary.BigEndian.AppendUint32(out, r.offset)
	}
	if len(old) > 0 {
		out = append(out, old[4+8*count:]...)
	}
	for len(out) < size {
		out = append(out, 0)
	}
	// Format 6: a dense range, here the codes 0xF000 to 0xF0FF.
	for _, v := range []uint16{6, 10 + 2*256, 0, 0xf000, 256} {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	for code := range 256 {
		out = binary.BigEndian.AppendUint16(out, uint16(glyphs[code])) //nolint:gosec // glyph numbers have two bytes
	}
	s.tables["cmap"] = out
}
