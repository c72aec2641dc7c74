package pdfua

import (
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func (facts *fontFacts) readComposite(c *checker) {
	f := c.file
	facts.readCMap(c)
	kind := f.Name(facts.descendant["Subtype"])
	if s, ok := f.Stream(facts.descendant["CIDToGIDMap"]); ok {
		facts.toGlyph, _ = f.Decode(s)
		if facts.toGlyph == nil {
			facts.toGlyph = []byte{}
		}
	}
	if data, _, ok := c.fontFile(facts.descriptor, "FontFile2"); ok && kind == "CIDFontType2" {
		if t, err := font.ParseTrueType(data); err == nil {
			facts.program.trueType = t
		}
	} else if data, sub, ok := c.fontFile(facts.descriptor, "FontFile3"); ok {
		if sub == "OpenType" && kind == "CIDFontType2" {
			if t, err := font.ParseTrueType(data); err == nil {
				facts.program.trueType = t
			}
		} else {
			facts.program = cffProgram(data, sub)
		}
	}
	facts.readWidths(f)
}

// readCMap reads Encoding; the map stays nil if it is predefined and other than Identity, since this package has no
// copies of those.
func (facts *fontFacts) readCMap(c *checker) {
	switch v := c.file.Resolve(facts.dict["Encoding"]).(type) {
	case pdf.Name:
		facts.cmapName = v
		if v == "Identity-H" || v == "Identity-V" {
			facts.cmap = font.Identity()
		}
	case *pdf.Stream:
		facts.cmapName = c.file.Name(v.Dict["CMapName"])
		data, _ := c.file.Decode(v)
		facts.cmap = font.ParseCMap(data)
		switch base := c.file.Resolve(v.Dict["UseCMap"]).(type) {
		case pdf.Name:
			if base == "Identity-H" || base == "Identity-V" {
				facts.cmap.Use(font.Identity())
			} else {
				facts.cmap = nil
			}
		case *pdf.Stream:
			data, _ := c.file.Decode(base)
			facts.cmap.Use(font.ParseCMap(data))
		}
	}
}

// readWidths reads W: "first [w …]" or "first last w".
func (facts *fontFacts) readWidths(f *pdf.File) {
	facts.widths = map[int]float64{}
	list, _ := f.Array(facts.descendant["W"])
	for i := 0; i+1 < len(list); {
		first, _ := f.Integer(list[i])
		if widths, ok := f.Array(list[i+1]); ok {
			for j, o := range widths {
				if w, ok := f.Number(o); ok {
					facts.widths[int(first)+j] = w
				}
			}
			i += 2
			continue
		}
		if i+2 >= len(list) {
			return
		}
		last, _ := f.Integer(list[i+1])
		w, ok := f.Number(list[i+2])
		for cid := first; ok && cid <= last && cid <= 0xffff; cid++ {
			facts.widths[int(cid)] = w
		}
		i += 3
	}
}

func (facts *fontFacts) cidWidth(f *pdf.File, cid int) float64 {
	if w, ok := facts.widths[cid]; ok {
		return w
	}
	if w, ok := f.Number(facts.descendant["DW"]); ok {
		return w
	}
	return 1000
}

// glyphOf gives the glyph of a character identifier, and whether the program has one.
func (facts *fontFacts) glyphOf(cid int) (int, bool) {
	switch {
	case facts.program.trueType != nil:
		glyph := cid
		if facts.toGlyph != nil {
			if 2*cid+1 >= len(facts.toGlyph) {
				return 0, false
			}
			glyph = int(facts.toGlyph[2*cid])<<8 | int(facts.toGlyph[2*cid+1])
		}
		return glyph, cid != 0 && glyph < facts.program.trueType.Glyphs
	case facts.program.cff != nil && facts.program.cff.CIDKeyed:
		glyph, ok := facts.program.cff.ByCID(cid)
		return glyph, ok && glyph != 0
	case facts.program.cff != nil:
		return cid, cid != 0 && cid < facts.program.cff.Glyphs()
	}
	return 0, false
}

func (facts *fontFacts) useComposite(c *checker) {
	f := c.file
	embedded := facts.program.parsed()
	if c.file.Name(facts.descendant["Subtype"]) == "CIDFontType2" {
		_, isStream := f.Stream(facts.descendant["CIDToGIDMap"])
		identity := f.Name(facts.descendant["CIDToGIDMap"]) == "Identity"
		c.require(isStream || identity || !embedded, "7.21.3.2-1", facts.name)
	}
	facts.collections(c)
	if s, ok := f.Stream(facts.dict["Encoding"]); ok {
		mode, _ := f.Integer(s.Dict["WMode"])
		data, _ := f.Decode(s)
		c.require(int64(font.ParseCMap(data).WMode) == mode, "7.21.3.3-2", facts.name)
		c.referenced(s.Dict["UseCMap"], facts.name)
	} else {
		_, known := font.Predefined(string(facts.cmapName))
		c.require(known, "7.21.3.3-1", string(facts.cmapName))
	}
	facts.cidSet(c)
}

// referenced checks the CMaps that a CMap builds upon.
func (c *checker) referenced(o pdf.Object, name string) {
	for range 8 {
		o = c.file.Resolve(o)
		switch v := o.(type) {
		case pdf.Name:
			_, known := font.Predefined(string(v))
			c.require(known, "7.21.3.3-1", string(v))
			c.require(known, "7.21.3.3-3", string(v))
			return
		case *pdf.Stream:
			_, known := font.Predefined(string(c.file.Name(v.Dict["CMapName"])))
			c.require(known, "7.21.3.3-3", name)
			o = v.Dict["UseCMap"]
		default:
			return
		}
	}
}

// collections compares the character collections of the CMap and of the font.
func (facts *fontFacts) collections(c *checker) {
	if facts.cmapName == "Identity-H" || facts.cmapName == "Identity-V" {
		return
	}
	f := c.file
	info, _ := f.Dict(facts.descendant["CIDSystemInfo"])
	registry, ok1 := c.text(info["Registry"])
	ordering, ok2 := c.text(info["Ordering"])
	supplement, _ := f.Integer(info["Supplement"])
	ok := info != nil && ok1 && ok2
	if s, isStream := f.Stream(facts.dict["Encoding"]); isStream {
		own := f.Resolve(s.Dict["CIDSystemInfo"])
		if list, isList := own.(pdf.Array); isList && len(list) > 0 {
			own = list[0]
		}
		d, has := f.Dict(own)
		r, ok1 := c.text(d["Registry"])
		o, ok2 := c.text(d["Ordering"])
		n, _ := f.Integer(d["Supplement"])
		ok = ok && has && ok1 && ok2 && registry == r && ordering == o && supplement <= n
	} else {
		collection, known := font.Predefined(string(facts.cmapName))
		ok = ok && known && registry == "Adobe" && ordering == collection.Ordering && supplement <= int64(collection.Supplement)
	}
	c.require(ok, "7.21.3.1-1", facts.name)
}

// cidSet checks that CIDSet, if there is one, lists all glyphs of a subset.
func (facts *fontFacts) cidSet(c *checker) {
	s, has := c.file.Stream(facts.descriptor["CIDSet"])
	base := string(c.file.Name(facts.descendant["BaseFont"]))
	if !has || !facts.program.parsed() || !subsetName.MatchString(base) {
		return
	}
	bits, _ := c.file.Decode(s)
	listed := func(cid int) bool { return cid>>3 < len(bits) && bits[cid>>3]&(0x80>>(cid&7)) != 0 }
	same := true
	for _, cid := range facts.cids() {
		same = same && (cid == 0 || listed(cid))
	}
	for cid := 1; same && cid < min(len(bits), 8192)*8; cid++ {
		if listed(cid) {
			_, ok := facts.glyphOf(cid)
			same = ok
		}
	}
	c.require(same, "7.21.4.2-2", facts.name)
}

// cids lists the character identifiers that the program has glyphs for.
func (facts *fontFacts) cids() []int {
	var out []int
	switch {
	case facts.program.cff != nil:
		return facts.program.cff.CIDs()
	case facts.toGlyph != nil:
		for cid := range len(facts.toGlyph) / 2 {
			if _, ok := facts.glyphOf(cid); ok {
				out = append(out, cid)
			}
		}
	case facts.program.trueType != nil:
		for cid := range facts.program.trueType.Metrics() {
			out = append(out, cid)
		}
	}
	return out
}
