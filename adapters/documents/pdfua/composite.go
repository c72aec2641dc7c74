package pdfua

import (
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func (facts *fontFacts) useComposite(c *checker) {
	f := c.file
	embedded := facts.Program.Parsed()
	if c.file.Name(facts.Descendant["Subtype"]) == "CIDFontType2" {
		_, isStream := f.Stream(facts.Descendant["CIDToGIDMap"])
		identity := f.Name(facts.Descendant["CIDToGIDMap"]) == "Identity"
		c.require(isStream || identity || !embedded, "7.21.3.2-1", facts.Name)
	}
	facts.collections(c)
	if s, ok := f.Stream(facts.Dict["Encoding"]); ok {
		mode, _ := f.Integer(s.Dict["WMode"])
		data, _ := f.Decode(s)
		c.require(int64(font.ParseCMap(data).WMode) == mode, "7.21.3.3-2", facts.Name)
		c.referenced(s.Dict["UseCMap"], facts.Name)
	} else {
		_, known := font.Predefined(string(facts.CMapName))
		c.require(known, "7.21.3.3-1", string(facts.CMapName))
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
	if facts.CMapName == "Identity-H" || facts.CMapName == "Identity-V" {
		return
	}
	f := c.file
	info, _ := f.Dict(facts.Descendant["CIDSystemInfo"])
	registry, ok1 := c.text(info["Registry"])
	ordering, ok2 := c.text(info["Ordering"])
	supplement, _ := f.Integer(info["Supplement"])
	ok := info != nil && ok1 && ok2
	if s, isStream := f.Stream(facts.Dict["Encoding"]); isStream {
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
		collection, known := font.Predefined(string(facts.CMapName))
		ok = ok && known && registry == "Adobe" && ordering == collection.Ordering && supplement <= int64(collection.Supplement)
	}
	c.require(ok, "7.21.3.1-1", facts.Name)
}

// cidSet checks that CIDSet, if there is one, lists all glyphs of a subset.
func (facts *fontFacts) cidSet(c *checker) {
	s, has := c.file.Stream(facts.Descriptor["CIDSet"])
	base := string(c.file.Name(facts.Descendant["BaseFont"]))
	if !has || !facts.Program.Parsed() || !subsetName.MatchString(base) {
		return
	}
	bits, _ := c.file.Decode(s)
	listed := func(cid int) bool { return cid>>3 < len(bits) && bits[cid>>3]&(0x80>>(cid&7)) != 0 }
	same := true
	for _, cid := range facts.CIDs() {
		same = same && (cid == 0 || listed(cid))
	}
	for cid := 1; same && cid < min(len(bits), 8192)*8; cid++ {
		if listed(cid) {
			_, ok := facts.GlyphOf(cid)
			same = ok
		}
	}
	c.require(same, "7.21.4.2-2", facts.Name)
}
