package pdfua

import (
	"fmt"
	"regexp"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// fontKey identifies a font dictionary: by its reference, or in place.
type fontKey struct {
	ref     pdf.Ref
	pointer uintptr
}

// fontFacts is one font with what was checked of it.
type fontFacts struct {
	*pdffont.Font
	modes   map[int64]bool
	checked map[glyphUse]bool
}

type glyphUse struct {
	code      int
	invisible bool
}

// fontOf gives the facts of a font resource.
func (c *checker) fontOf(o pdf.Object, in content) *fontFacts {
	d, ok := c.file.Dict(o)
	if !ok {
		return &fontFacts{Font: &pdffont.Font{}, modes: map[int64]bool{}, checked: map[glyphUse]bool{}}
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
	facts := &fontFacts{Font: pdffont.Read(c.file, d), modes: map[int64]bool{}, checked: map[glyphUse]bool{}}
	c.fonts[key] = facts
	if facts.Subtype == "Type3" {
		c.runGlyphs(facts, in)
	}
	return facts
}

var subsetName = regexp.MustCompile(`^[A-Z]{6}\+`)

// use checks the font itself, once for each text rendering mode.
func (facts *fontFacts) use(c *checker, mode int64) {
	if facts.Dict == nil || facts.modes[mode] {
		return
	}
	first := len(facts.modes) == 0
	facts.modes[mode] = true
	embedded := facts.Program.Parsed() && (facts.Program.Type1 == nil || !facts.Program.Type1.Damaged)
	if facts.Subtype != "Type3" && mode != 3 {
		c.require(embedded, "7.21.4.1-1", facts.Name)
	}
	if !first {
		return
	}
	switch facts.Subtype {
	case "Type0":
		facts.useComposite(c)
	case "TrueType":
		facts.useTrueType(c)
	case "Type1", "MMType1":
		facts.useType1(c)
	}
}

func (facts *fontFacts) useTrueType(c *checker) {
	e := facts.Encoding
	if t := facts.Program.TrueType; t != nil {
		symbol := t.HasMap(3, 0)
		if facts.Symbolic {
			c.require(t.CMaps == 1 || symbol, "7.21.6-4", facts.Name)
		} else {
			c.require(t.CMaps > 1 || t.CMaps == 1 && !symbol, "7.21.6-1", facts.Name)
		}
	}
	if facts.Symbolic {
		c.require(e.Name == "", "7.21.6-3", facts.Name)
		return
	}
	known := e.Name == "MacRomanEncoding" || e.Name == "WinAnsiEncoding"
	c.require(known && (!e.HasDifferences || facts.differencesListed()), "7.21.6-2", facts.Name)
}

// differencesListed tells whether all names in Differences are in the Adobe Glyph List and the program can be asked
// by Unicode.
func (facts *fontFacts) differencesListed() bool {
	_, _, embedded := facts.File("FontFile2")
	if !embedded {
		_, _, embedded = facts.File("FontFile3")
	}
	if !embedded {
		return true
	}
	if facts.Program.TrueType == nil || !facts.Program.TrueType.HasMap(3, 1) {
		return false
	}
	for _, name := range facts.Encoding.Differences {
		if _, ok := font.GlyphText(name); !ok && name != ".notdef" {
			return false
		}
	}
	return true
}

// useType1 checks that CharSet, if there is one, lists all glyphs of a subset.
func (facts *fontFacts) useType1(c *checker) {
	set, has := c.file.String(facts.Descriptor["CharSet"])
	if !has || !facts.Program.Parsed() || !subsetName.MatchString(facts.Name) {
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
	case facts.Program.Type1 != nil:
		names = facts.Program.Type1.Names()
	case facts.Program.CFF != nil:
		names = facts.Program.CFF.Names()
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
	c.require(same, "7.21.4.2-1", facts.Name)
}

func glyphDetail(facts *fontFacts, code int) string {
	return fmt.Sprintf("%s, code %d", facts.Name, code)
}
