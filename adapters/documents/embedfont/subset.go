package embedfont

import (
	"encoding/binary"
	"maps"
	"slices"
)

// chosen is a glyph of a subset: one of the font's, with the advance width in font units that it shall have.
type chosen struct {
	glyph   int
	advance int
}

// The flags of a component of a composite glyph (OpenType specification, glyf).
const (
	argsAreWords   = 0x0001
	haveScale      = 0x0008
	moreComponents = 0x0020
	haveXYScale    = 0x0040
	haveTwoByTwo   = 0x0080
)

// maxGlyphs is how many glyphs a font can have.
const maxGlyphs = 1 << 16

// subset makes a TrueType font of the chosen glyphs, in their order. Glyphs that composites are made of follow them.
// The table cmap is put in if there is one; tables that viewers do not need are left out (ISO 32000-1, 9.9).
func (f *Face) subset(glyphs []chosen, cmap []byte) []byte {
	glyphs = slices.Clone(glyphs)
	parts := map[int]int{}
	var glyf []byte
	loca := []uint32{0}
	// Components are appended while the loop goes, each glyph of the font once.
	for i := 0; i < len(glyphs); i++ {
		outline := slices.Clone(f.outline(glyphs[i].glyph))
		components(outline, func(component int) int {
			number, known := parts[component]
			if !known && len(glyphs) < maxGlyphs {
				number = len(glyphs)
				parts[component] = number
				glyphs = append(glyphs, chosen{component, f.advance(component)})
			}
			return number
		})
		glyf = append(glyf, outline...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		loca = append(loca, uint32(len(glyf))) //nolint:gosec // below 4 GiB: at most 65,536 glyphs of a table each
	}
	out := map[string][]byte{"glyf": glyf, "cmap": cmap}
	for _, offset := range loca {
		out["loca"] = binary.BigEndian.AppendUint32(out["loca"], offset)
	}
	for _, g := range glyphs {
		out["hmtx"] = binary.BigEndian.AppendUint16(out["hmtx"], clamp16(g.advance))
		out["hmtx"] = binary.BigEndian.AppendUint16(out["hmtx"], f.bearing(g.glyph))
	}
	out["head"] = padded(f.tables["head"], 54)
	binary.BigEndian.PutUint32(out["head"][8:], 0)
	binary.BigEndian.PutUint16(out["head"][50:], 1) // long offsets in loca
	out["hhea"] = padded(f.tables["hhea"], 36)
	binary.BigEndian.PutUint16(out["hhea"][34:], uint16(min(len(glyphs), maxGlyphs-1)))
	out["maxp"] = slices.Clone(f.tables["maxp"])
	binary.BigEndian.PutUint16(out["maxp"][4:], uint16(min(len(glyphs), maxGlyphs-1)))
	for _, hints := range []string{"cvt ", "fpgm", "prep"} {
		out[hints] = f.tables[hints]
	}
	return sfnt(out)
}

// outline gives the data of a glyph in the table glyf.
func (f *Face) outline(glyph int) []byte {
	loca, glyf := f.tables["loca"], f.tables["glyf"]
	var from, to int
	if i16(f.tables["head"], 50) == 0 {
		from, to = 2*int(u16(loca, 2*glyph)), 2*int(u16(loca, 2*glyph+2))
	} else {
		from, to = int(u32(loca, 4*glyph)), int(u32(loca, 4*glyph+4))
	}
	if from >= to || to > len(glyf) {
		return nil
	}
	return glyf[from:to]
}

// components lets renumber replace the glyphs that a composite glyph is made of.
func components(outline []byte, renumber func(int) int) {
	if len(outline) < 10 || i16(outline, 0) >= 0 {
		return
	}
	for at := 10; at+4 <= len(outline); {
		flags := u16(outline, at)
		binary.BigEndian.PutUint16(outline[at+2:], uint16(renumber(int(u16(outline, at+2))))) //nolint:gosec // a glyph
		at += 6
		if flags&argsAreWords != 0 {
			at += 2
		}
		switch {
		case flags&haveScale != 0:
			at += 2
		case flags&haveXYScale != 0:
			at += 4
		case flags&haveTwoByTwo != 0:
			at += 8
		}
		if flags&moreComponents == 0 {
			return
		}
	}
}

// sfnt writes a font file of tables; empty ones are left out.
func sfnt(parts map[string][]byte) []byte {
	maps.DeleteFunc(parts, func(_ string, data []byte) bool { return len(data) == 0 })
	tags := slices.Sorted(maps.Keys(parts))
	n, log := len(tags), 0
	for 2<<log <= n {
		log++
	}
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, 16 << log, log, 16*n - 16<<log} {
		out = binary.BigEndian.AppendUint16(out, uint16(v)) //nolint:gosec // a dozen tables
	}
	offset := len(out) + 16*n
	for _, t := range tags {
		out = append(out, t...)
		out = binary.BigEndian.AppendUint32(out, checksum(parts[t]))
		out = binary.BigEndian.AppendUint32(out, uint32(offset))        //nolint:gosec // below 4 GiB
		out = binary.BigEndian.AppendUint32(out, uint32(len(parts[t]))) //nolint:gosec // below 4 GiB
		offset += (len(parts[t]) + 3) / 4 * 4
	}
	head := 0
	for _, t := range tags {
		if t == "head" {
			head = len(out)
		}
		out = append(out, parts[t]...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	if head > 0 {
		binary.BigEndian.PutUint32(out[head+8:], 0xb1b0afba-checksum(out))
	}
	return out
}

func checksum(data []byte) uint32 {
	sum := uint32(0)
	for at := 0; at < len(data); at += 4 {
		var word [4]byte
		copy(word[:], data[at:])
		sum += binary.BigEndian.Uint32(word[:])
	}
	return sum
}

// padded copies a table with at least the given length.
func padded(table []byte, length int) []byte {
	return append(slices.Clone(table), make([]byte, max(0, length-len(table)))...)
}

func clamp16(v int) uint16 {
	return uint16(min(max(v, 0), 0xffff))
}
