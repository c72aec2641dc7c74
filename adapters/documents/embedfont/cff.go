package embedfont

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/font"
)

// cffProgram is a CFF font whose unused glyphs can be blanked.
type cffProgram struct {
	data []byte
	// start and end are where the program of each glyph lies.
	start, end []int
	// cids are the character identifiers of the glyphs, if the font is keyed by them; else a glyph is its own.
	cids []int
}

// endchar ends a charstring (Adobe technical note 5177).
const endchar = 14

func readCFF(data []byte) (*cffProgram, error) {
	parsed, err := font.ParseCFF(data)
	if err != nil {
		return nil, unusable("its CFF outlines cannot be read")
	}
	p := &cffProgram{data: data}
	if parsed.CIDKeyed {
		p.cids = make([]int, parsed.Glyphs())
		for _, cid := range parsed.CIDs() {
			if g, ok := parsed.ByCID(cid); ok && g < len(p.cids) {
				p.cids[g] = cid
			}
		}
	}
	if len(data) < 4 {
		return nil, unusable("its CFF outlines cannot be read")
	}
	_, names := index(data, int(data[2])) // after the header
	top, _ := index(data, names)
	if len(top) == 0 {
		return nil, unusable("its CFF outlines cannot be read")
	}
	charStrings := charStringsOffset(data[top[0][0]:top[0][1]])
	glyphs, _ := index(data, charStrings)
	if charStrings <= 0 || len(glyphs) == 0 || len(glyphs) != parsed.Glyphs() {
		return nil, unusable("its CFF outlines cannot be read")
	}
	for _, g := range glyphs {
		p.start, p.end = append(p.start, g[0]), append(p.end, g[1])
	}
	return p, nil
}

// index gives the ranges of the objects of an INDEX and where it ends. A malformed one has no objects.
func index(data []byte, at int) ([][2]int, int) {
	count := int(u16(data, at))
	if count == 0 || at+3 > len(data) {
		return nil, at + 2
	}
	size := int(data[at+2])
	offset := func(i int) int {
		v := 0
		for k := range size {
			pos := at + 3 + i*size + k
			if pos >= len(data) {
				return -1
			}
			v = v<<8 | int(data[pos])
		}
		return v
	}
	if size < 1 || size > 4 {
		return nil, at + 2
	}
	base := at + 2 + (count+1)*size
	out := make([][2]int, count)
	for i := range out {
		from, to := offset(i), offset(i+1)
		if from < 1 || to < from || base+to > len(data) {
			return nil, at + 2
		}
		out[i] = [2]int{base + from, base + to}
	}
	return out, out[count-1][1]
}

// charStringsOffset finds the operand of the operator CharStrings (17) in a Top DICT.
func charStringsOffset(dict []byte) int {
	operand := 0
	for at := 0; at < len(dict); {
		b := int(dict[at])
		switch {
		case b == 17:
			return operand
		case b == 12:
			at += 2
		case b <= 21:
			at++
		case b == 28:
			operand = i16(dict, at+1)
			at += 3
		case b == 29:
			operand = int(u32(dict, at+1))
			at += 5
		case b == 30: // a real, which ends with the nibble f
			for at++; at < len(dict) && dict[at]&0x0f != 0x0f && dict[at]>>4 != 0x0f; at++ {
			}
			at++
		case b >= 32 && b <= 246:
			operand = b - 139
			at++
		case b >= 247 && b <= 250:
			operand = (b-247)*256 + int(u16(dict, at)&0xff) + 108
			at += 2
		case b >= 251 && b <= 254:
			operand = -(b-251)*256 - int(u16(dict, at)&0xff) - 108
			at += 2
		default:
			at++
		}
	}
	return 0
}

// cid is the code by which a composite font names a glyph.
func (p *cffProgram) cid(glyph int) int {
	if p.cids == nil {
		return glyph
	}
	if glyph < len(p.cids) {
		return p.cids[glyph]
	}
	return 0
}

// blanked gives the program with all glyphs but the used ones and .notdef made empty. They keep their places, which
// costs next to nothing once it is compressed, and lets every offset stay.
func (p *cffProgram) blanked(used map[int]bool) []byte {
	out := slices.Clone(p.data)
	for g := range p.start {
		if g == 0 || used[g] || p.start[g] == p.end[g] {
			continue
		}
		clear(out[p.start[g]:p.end[g]])
		out[p.start[g]] = endchar
	}
	return out
}
