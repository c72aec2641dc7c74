package embedfont

import (
	"bytes"
	"math"
	"sync"
	"unicode/utf16"

	textfont "github.com/go-text/typesetting/font"

	"github.com/perfectworks/backend/adapters/documents/font"
)

// Face is one font. It is safe for concurrent use. Metrics are in thousandths of an em.
type Face struct {
	// Name is the PostScript name.
	Name string
	// Ascent is above the baseline, Descent below it (negative), LineGap the further distance to the next line.
	Ascent, Descent, LineGap float64
	CapHeight, XHeight       float64
	// ItalicAngle is in degrees counterclockwise from the vertical.
	ItalicAngle float64
	// StemV is the thickness of vertical stems, estimated from the weight.
	StemV float64
	// BBox encloses all glyphs: left, bottom, right, top.
	BBox [4]float64
	// UnderlinePosition is the centre of an underline, UnderlineThickness its height.
	UnderlinePosition, UnderlineThickness float64
	Serif, Fixed                          bool
	// Glyphs is the number of glyphs.
	Glyphs int

	tables map[string][]byte
	units  float64
	font   *textfont.Font
	cff    *font.CFF

	mu      sync.Mutex
	shaping *textfont.Face
}

// The kinds of embedding that OS/2.fsType forbids (OpenType specification, OS/2).
const (
	fsUsage      = 0x000f
	fsRestricted = 0x0002
	fsNoSubset   = 0x0100
	fsBitmapOnly = 0x0200
)

// Load reads a font of a file: the one with the index if it is a collection, else index is 0. The data must not be
// changed later. Its errors match [ErrUnusable].
//
// It is for fonts that the machine's owner installed: damaged ones are refused, but one made for it may take seconds
// and gigabytes, since all tables are read at once. Fonts out of documents are not for it.
func Load(data []byte, index int) (*Face, error) {
	t, err := tables(data, index)
	if err != nil {
		return nil, err
	}
	for _, required := range []string{"head", "hhea", "hmtx", "maxp", "cmap"} {
		if len(t[required]) == 0 {
			return nil, unusable("the table " + required + " is missing")
		}
	}
	if os2 := t["OS/2"]; u16(os2, 8)&fsUsage == fsRestricted || u16(os2, 8)&(fsNoSubset|fsBitmapOnly) != 0 {
		return nil, unusable("its licence bits forbid it")
	}
	f := &Face{tables: t, units: float64(u16(t["head"], 18)), Glyphs: int(u16(t["maxp"], 4))}
	if f.units == 0 || f.Glyphs == 0 {
		return nil, unusable("it has no glyphs or no scale")
	}
	faces, err := parseFaces(data)
	if err != nil || index >= len(faces) {
		return nil, unusable("its tables cannot be read")
	}
	f.font = faces[index].Font
	f.shaping = faces[index]
	switch {
	case len(t["glyf"]) > 0 && len(t["loca"]) > 0:
	case len(t["CFF "]) > 0:
		if f.cff, err = font.ParseCFF(t["CFF "]); err != nil {
			return nil, unusable("its CFF outlines cannot be read")
		}
	default:
		return nil, unusable("its outlines are neither TrueType nor CFF")
	}
	f.readMetrics()
	return f, nil
}

// parseFaces reads the tables for the shaper. Its library does not check all offsets of damaged fonts.
func parseFaces(data []byte) (faces []*textfont.Face, err error) {
	defer func() {
		if recover() != nil {
			faces, err = nil, unusable("its tables cannot be read")
		}
	}()
	return textfont.ParseTTC(bytes.NewReader(data))
}

func (f *Face) readMetrics() {
	head, hhea, os2, post := f.tables["head"], f.tables["hhea"], f.tables["OS/2"], f.tables["post"]
	f.Ascent, f.Descent, f.LineGap = f.scale(i16(hhea, 4)), f.scale(i16(hhea, 6)), f.scale(i16(hhea, 8))
	for i := range f.BBox {
		f.BBox[i] = f.scale(i16(head, 36+2*i))
	}
	f.CapHeight, f.XHeight = 700, 500
	if u16(os2, 0) >= 2 {
		f.XHeight, f.CapHeight = f.scale(i16(os2, 86)), f.scale(i16(os2, 88))
	}
	f.ItalicAngle = float64(int32(u32(post, 4))) / 65536 //nolint:gosec // two's complement is meant
	f.UnderlinePosition, f.UnderlineThickness = f.scale(i16(post, 8)), f.scale(i16(post, 10))
	if f.UnderlineThickness <= 0 || f.UnderlineThickness > 200 {
		f.UnderlinePosition, f.UnderlineThickness = -100, 50
	}
	f.Fixed = u32(post, 12) != 0
	weight := float64(u16(os2, 4))
	if weight < 100 || weight > 1000 {
		weight = 400
	}
	f.StemV = math.Round(50 + weight*weight/(65*65))
	// PANOSE: a Latin text face (2) with serifs, which are the styles 2 to 10.
	f.Serif = len(os2) > 33 && os2[32] == 2 && os2[33] >= 2 && os2[33] <= 10
	f.Name = postScriptName(f.tables["name"])
}

func (f *Face) scale(units int) float64 { return float64(units) * 1000 / f.units }

// postScriptName reads name 6, of which only what a PDF name may hold without escapes is kept.
func postScriptName(table []byte) string {
	storage := int(u16(table, 4))
	for i := range int(u16(table, 2)) {
		record := 6 + 12*i
		if u16(table, record+6) != 6 {
			continue
		}
		length, offset := int(u16(table, record+8)), storage+int(u16(table, record+10))
		if offset+length > len(table) {
			continue
		}
		raw := table[offset : offset+length]
		text := string(raw)
		if platform := u16(table, record); platform == 3 || platform == 0 {
			units := make([]uint16, 0, length/2)
			for at := 0; at+1 < length; at += 2 {
				units = append(units, u16(raw, at))
			}
			text = string(utf16.Decode(units))
		}
		var name []byte
		for _, r := range text {
			if r > ' ' && r < 0x7f && !bytes.ContainsRune([]byte("()<>[]{}/%#"), r) && len(name) < 63 {
				name = append(name, byte(r))
			}
		}
		if len(name) > 0 {
			return string(name)
		}
	}
	return "Unnamed"
}

// Glyph gives the glyph of a character.
func (f *Face) Glyph(r rune) (int, bool) {
	g, ok := f.font.NominalGlyph(r)
	return int(g), ok && g != 0 && int(g) < f.Glyphs
}

// Advance is the advance width of a glyph in thousandths of an em.
func (f *Face) Advance(glyph int) float64 { return f.scale(f.advance(glyph)) }

func (f *Face) advance(glyph int) int {
	count := int(u16(f.tables["hhea"], 34))
	if count == 0 || glyph < 0 || glyph >= f.Glyphs {
		return 0
	}
	return int(u16(f.tables["hmtx"], 4*min(glyph, count-1)))
}

// bearing is the left side bearing of a glyph.
func (f *Face) bearing(glyph int) uint16 {
	count := int(u16(f.tables["hhea"], 34))
	if glyph < count {
		return u16(f.tables["hmtx"], 4*glyph+2)
	}
	return u16(f.tables["hmtx"], 4*count+2*(glyph-count))
}

// Shape calls shape with the font as the shaper takes it. Calls for one face are made one after the other, since the
// shaper remembers extents in it.
func (f *Face) Shape(shape func(face *textfont.Face)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	shape(f.shaping)
}
