package pdfua

import (
	"fmt"
	"regexp"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// fontKey identifies a font dictionary: by its reference, or in place.
type fontKey struct {
	ref     pdf.Ref
	pointer uintptr
}

// fontFacts is one font with what was found out about it.
type fontFacts struct {
	dict    pdf.Dict
	subtype pdf.Name
	name    string
	// descendant is the CID font of a composite font, else the font itself; descriptor is its FontDescriptor.
	descendant, descriptor pdf.Dict
	symbolic               bool
	encoding               encoding
	program                program
	toUnicode              *font.CMap
	identityText           bool

	cmap     *font.CMap
	cmapName pdf.Name
	toGlyph  []byte // a CIDToGIDMap in a stream
	widths   map[int]float64
	special  *type3

	modes   map[int64]bool
	checked map[glyphUse]bool
}

type glyphUse struct {
	code      int
	invisible bool
}

// program is the embedded font program; at most one of its fields is set.
type program struct {
	trueType *font.TrueType
	cff      *font.CFF
	type1    *font.Type1
}

func (p program) parsed() bool { return p.trueType != nil || p.cff != nil || p.type1 != nil }

// fontOf gives the facts of a font resource.
func (c *checker) fontOf(o pdf.Object, in content) *fontFacts {
	d, ok := c.file.Dict(o)
	if !ok {
		return &fontFacts{modes: map[int64]bool{}, checked: map[glyphUse]bool{}}
	}
	key := fontKey{}
	if ref, isRef := o.(pdf.Ref); isRef {
		key.ref = ref
	} else {
		key.pointer = pointer(d)
	}
	if facts, known := c.fonts[key]; known {
		return facts
	}
	facts := c.readFont(d)
	c.fonts[key] = facts
	if facts.special != nil {
		c.runGlyphs(facts, in)
	}
	return facts
}

func (c *checker) readFont(d pdf.Dict) *fontFacts {
	f := c.file
	facts := &fontFacts{
		dict: d, subtype: f.Name(d["Subtype"]), name: string(f.Name(d["BaseFont"])), descendant: d,
		modes: map[int64]bool{}, checked: map[glyphUse]bool{},
	}
	facts.readToUnicode(c)
	if facts.subtype == "Type0" {
		list, _ := f.Array(d["DescendantFonts"])
		facts.descendant = nil
		if len(list) > 0 {
			facts.descendant, _ = f.Dict(list[0])
		}
	}
	facts.descriptor, _ = f.Dict(facts.descendant["FontDescriptor"])
	flags, _ := f.Integer(facts.descriptor["Flags"])
	facts.symbolic = flags&4 != 0
	switch facts.subtype {
	case "Type0":
		facts.readComposite(c)
	case "Type3":
		facts.encoding = c.readEncoding(d["Encoding"])
		facts.special = c.readType3(d)
	default:
		facts.encoding = c.readEncoding(d["Encoding"])
		facts.program = c.simpleProgram(facts)
		if facts.subtype != "TrueType" && facts.encoding.base == nil && len(facts.descriptor) == 0 && standard14[facts.name] {
			facts.encoding.base = font.StandardEncoding
		}
	}
	return facts
}

var standard14 = map[string]bool{
	"Courier": true, "Courier-Bold": true, "Courier-Oblique": true, "Courier-BoldOblique": true, "Helvetica": true,
	"Helvetica-Bold": true, "Helvetica-Oblique": true, "Helvetica-BoldOblique": true, "Times-Roman": true,
	"Times-Bold": true, "Times-Italic": true, "Times-BoldItalic": true,
}

func (facts *fontFacts) readToUnicode(c *checker) {
	switch v := c.file.Resolve(facts.dict["ToUnicode"]).(type) {
	case *pdf.Stream:
		data, _ := c.file.Decode(v)
		facts.toUnicode = font.ParseCMap(data)
		if name := facts.toUnicode.UseCMap; name == "Identity-H" || name == "Identity-V" {
			facts.identityText = false
		}
	case pdf.Name:
		facts.identityText = v == "Identity-H" || v == "Identity-V"
	}
}

// fontFile gives the decoded stream of one of the descriptor's font files.
func (c *checker) fontFile(descriptor pdf.Dict, key pdf.Name) ([]byte, pdf.Name, bool) {
	s, ok := c.file.Stream(descriptor[key])
	if !ok {
		return nil, "", false
	}
	data, err := c.file.Decode(s)
	if err != nil && len(data) == 0 {
		return nil, "", true
	}
	return data, c.file.Name(s.Dict["Subtype"]), true
}

func (c *checker) simpleProgram(facts *fontFacts) program {
	if facts.subtype == "TrueType" {
		data, _, ok := c.fontFile(facts.descriptor, "FontFile2")
		if !ok {
			data, _, ok = c.fontFile(facts.descriptor, "FontFile3")
		}
		if ok {
			if t, err := font.ParseTrueType(data); err == nil && facts.encodingUsable() {
				return program{trueType: t}
			}
		}
		return program{}
	}
	if data, _, ok := c.fontFile(facts.descriptor, "FontFile"); ok {
		if t, err := font.ParseType1(data); err == nil {
			return program{type1: t}
		}
		return program{}
	}
	data, kind, ok := c.fontFile(facts.descriptor, "FontFile3")
	if !ok {
		return program{}
	}
	return cffProgram(data, kind)
}

func cffProgram(data []byte, kind pdf.Name) program {
	if kind == "OpenType" {
		t, err := font.ParseTrueType(data)
		if err != nil || t.CFF == nil {
			return program{}
		}
		data = t.CFF
	}
	if f, err := font.ParseCFF(data); err == nil {
		return program{cff: f}
	}
	return program{}
}

// encodingUsable tells whether a non-symbolic TrueType font has an Encoding that can be read.
func (facts *fontFacts) encodingUsable() bool {
	if facts.symbolic || !facts.encoding.present {
		return true
	}
	return facts.encoding.isDict || facts.encoding.name == "MacRomanEncoding" || facts.encoding.name == "WinAnsiEncoding"
}

// encoding is the Encoding entry of a simple font.
type encoding struct {
	present, isDict, hasDifferences bool
	// name is that of the encoding or of its BaseEncoding, "" if there is none.
	name        pdf.Name
	base        []string
	differences map[int]string
}

func (c *checker) readEncoding(o pdf.Object) encoding {
	e := encoding{}
	switch v := c.file.Resolve(o).(type) {
	case pdf.Name:
		e.present, e.name = true, v
	case pdf.Dict:
		e.present, e.isDict = true, true
		e.name = c.file.Name(v["BaseEncoding"])
		e.differences = map[int]string{}
		e.hasDifferences = v["Differences"] != nil
		list, _ := c.file.Array(v["Differences"])
		code := 0
		for _, o := range list {
			switch d := c.file.Resolve(o).(type) {
			case pdf.Integer:
				code = int(d)
			case pdf.Name:
				e.differences[code] = string(d)
				code++
			}
		}
	}
	switch e.name {
	case "MacRomanEncoding":
		e.base = font.MacRomanEncoding
	case "WinAnsiEncoding":
		e.base = font.WinAnsiEncoding
	case "StandardEncoding":
		if e.isDict {
			e.base = font.StandardEncoding
		}
	}
	return e
}

// glyph gives the name that the encoding has for a code, "" if it says nothing.
func (e encoding) glyph(code int) string {
	if name, ok := e.differences[code]; ok {
		return name
	}
	if e.base == nil {
		return ""
	}
	if code < 0 || code >= len(e.base) {
		return ".notdef"
	}
	return e.base[code]
}

var subsetName = regexp.MustCompile(`^[A-Z]{6}\+`)

// use checks the font itself, once for each text rendering mode.
func (facts *fontFacts) use(c *checker, mode int64) {
	if facts.dict == nil || facts.modes[mode] {
		return
	}
	first := len(facts.modes) == 0
	facts.modes[mode] = true
	embedded := facts.program.parsed()
	if facts.subtype != "Type3" && mode != 3 {
		c.require(embedded, "7.21.4.1-1", facts.name)
	}
	if !first {
		return
	}
	switch facts.subtype {
	case "Type0":
		facts.useComposite(c)
	case "TrueType":
		facts.useTrueType(c)
	case "Type1", "MMType1":
		facts.useType1(c)
	}
}

func (facts *fontFacts) useTrueType(c *checker) {
	e := facts.encoding
	if t := facts.program.trueType; t != nil {
		symbol := t.HasMap(3, 0)
		if facts.symbolic {
			c.require(t.CMaps == 1 || symbol, "7.21.6-4", facts.name)
		} else {
			c.require(t.CMaps > 1 || t.CMaps == 1 && !symbol, "7.21.6-1", facts.name)
		}
	}
	if facts.symbolic {
		c.require(e.name == "", "7.21.6-3", facts.name)
		return
	}
	known := e.name == "MacRomanEncoding" || e.name == "WinAnsiEncoding"
	c.require(known && (!e.hasDifferences || facts.differencesListed(c)), "7.21.6-2", facts.name)
}

// differencesListed tells whether all names in Differences are in the Adobe Glyph List and the program can be asked
// by Unicode.
func (facts *fontFacts) differencesListed(c *checker) bool {
	_, _, embedded := c.fontFile(facts.descriptor, "FontFile2")
	if !embedded {
		_, _, embedded = c.fontFile(facts.descriptor, "FontFile3")
	}
	if !embedded {
		return true
	}
	if facts.program.trueType == nil || !facts.program.trueType.HasMap(3, 1) {
		return false
	}
	for _, name := range facts.encoding.differences {
		if _, ok := font.GlyphText(name); !ok && name != ".notdef" {
			return false
		}
	}
	return true
}

// useType1 checks that CharSet, if there is one, lists all glyphs of a subset.
func (facts *fontFacts) useType1(c *checker) {
	set, has := c.file.String(facts.descriptor["CharSet"])
	if !has || !facts.program.parsed() || !subsetName.MatchString(facts.name) {
		return
	}
	listed := map[string]bool{}
	lexer := pdf.NewLexer([]byte(set), 4)
	for {
		o, ok := lexer.Next()
		if !ok {
			break
		}
		if name, isName := o.(pdf.Name); isName {
			listed[string(name)] = true
		}
	}
	var names []string
	switch {
	case facts.program.type1 != nil:
		names = facts.program.type1.Names()
	case facts.program.cff != nil:
		names = facts.program.cff.Names()
	}
	delete(listed, ".notdef")
	inProgram := map[string]bool{}
	for _, name := range names {
		if name != ".notdef" {
			inProgram[name] = true
		}
	}
	same := len(listed) == len(inProgram)
	for name := range inProgram {
		same = same && listed[name]
	}
	c.require(same, "7.21.4.2-1", facts.name)
}

func glyphDetail(facts *fontFacts, code int) string {
	return fmt.Sprintf("%s, code %d", facts.name, code)
}
