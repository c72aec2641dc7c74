package fontrepair

import "math"

// addGlyphs gives the codes of a simple font with a compact program that have no glyph one that looks the same: a copy of
// the glyph of missing characters (ISO 14289-1, 7.21.4.1 and 7.21.8). Most are spaces that a subset was made without.
func (r *repairer) addGlyphs(u *usedFont) {
	c := u.Program.CFF
	key, stream := r.programStream(u, "FontFile3")
	if c == nil || c.CIDKeyed || stream == nil || r.file.Name(stream.Dict["Subtype"]) == "OpenType" {
		return
	}
	names, added := map[int]string{}, map[string]float64{}
	count := 0
	for _, code := range u.sorted() {
		g := u.Glyph(code)
		if !u.codes[code] || g.Present && !g.Missing {
			continue
		}
		count++
		name := glyphName(u, code)
		if name == "" || name == ".notdef" {
			if !c.IsBlank(0) {
				return // what it means is not known
			}
			name = "space"
			names[code] = name
		}
		if glyph, has := c.Named(name); has {
			if !c.IsBlank(glyph) || math.Abs(c.Width(glyph)-g.Wanted) > tolerance {
				return
			}
			continue
		}
		if width, known := added[name]; known && width != g.Wanted {
			return
		}
		added[name] = g.Wanted
	}
	if count == 0 {
		return
	}
	if len(added) > 0 {
		out := c.WithGlyphs(added)
		if out == nil {
			return
		}
		r.changeProgram(u, key, stream, out, nil)
	}
	if len(names) > 0 {
		setNames(u, names)
	}
	r.reread(u)
	r.report.Fixed("7.21.4.1-2", plainName(u.Name), count)
	if !c.IsBlank(0) {
		r.report.Flag("7.21.4.1-2", 0, "The font "+plainName(u.Name)+" lacks glyphs; the pages show its sign for missing characters")
	}
}
