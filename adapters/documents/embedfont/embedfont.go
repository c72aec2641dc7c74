// Package embedfont puts free fonts into PDF files so that what ISO 14289-1, 7.21 asks of fonts holds by construction:
// embedded programs with every glyph that is used, widths that agree with the program, and a map to Unicode.
//
// The Liberation fonts (SIL Open Font License), which come with the binary, have the metrics of Helvetica, Times and
// Courier and hold Latin, Greek and Cyrillic. [Machine] finds fonts for other scripts among those installed.
package embedfont

import (
	"errors"
	"fmt"
)

// ErrUnusable says that a font file cannot be embedded: it is damaged, has outlines of an unknown kind, or its licence
// bits forbid it.
var ErrUnusable = errors.New("the font cannot be embedded")

func unusable(reason string) error { return fmt.Errorf("%w: %s", ErrUnusable, reason) }

// Style is the style that is asked of a font.
type Style struct {
	Bold, Italic bool
}

// tables gives the tables of an sfnt font by their tags.
func tables(data []byte, index int) (map[string][]byte, error) {
	base := 0
	if tag(data, 0) == "ttcf" {
		if index < 0 || uint32(index) >= u32(data, 8) { //nolint:gosec // not negative
			return nil, unusable("the collection has no such font")
		}
		base = int(u32(data, 12+4*index))
	} else if index != 0 {
		return nil, unusable("the file is no collection")
	}
	out := map[string][]byte{}
	for i := range int(u16(data, base+4)) {
		entry := base + 12 + 16*i
		if entry+16 > len(data) {
			return nil, unusable("its directory is cut off")
		}
		offset, length := int(u32(data, entry+8)), int(u32(data, entry+12))
		if offset > len(data) || length > len(data)-offset {
			continue
		}
		out[tag(data, entry)] = data[offset : offset+length]
	}
	return out, nil
}

// tag, u16, i16 and u32 read at an offset; beyond the end there are zeros, which no table takes for something else
// than an absent value.
func tag(data []byte, at int) string {
	if at < 0 || at+4 > len(data) {
		return ""
	}
	return string(data[at : at+4])
}

func u16(data []byte, at int) uint16 {
	if at < 0 || at+2 > len(data) {
		return 0
	}
	return uint16(data[at])<<8 | uint16(data[at+1])
}

func i16(data []byte, at int) int {
	return int(int16(u16(data, at))) //nolint:gosec // two's complement is meant
}

func u32(data []byte, at int) uint32 {
	return uint32(u16(data, at))<<16 | uint32(u16(data, at+2))
}
