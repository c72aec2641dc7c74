package typeset

import (
	"fmt"
	"unicode"

	"github.com/go-text/typesetting/language"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// fonts chooses fonts for characters, shapes words and puts what is used into the file.
type fonts struct {
	machine *embedfont.Machine
	file    *pdf.File
	notes   *notes

	fallbacks map[fallbackKey]*embedfont.Face
	uses      map[*embedfont.Face]*fontUse
	all       []*fontUse
	words     map[wordKey][]glyph
	shaper    shaper
	language  language.Language
	missing   *MissingGlyphError
}

type fallbackKey struct {
	char   rune
	family embedfont.Family
	style  embedfont.Style
}

// fontUse is an embedding with its name in resources.
type fontUse struct {
	embedding *embedfont.Embedding
	name      pdf.Name
}

func newFonts(machine *embedfont.Machine, file *pdf.File, lang string, n *notes) *fonts {
	f := &fonts{
		machine: machine, file: file, notes: n, fallbacks: map[fallbackKey]*embedfont.Face{},
		uses: map[*embedfont.Face]*fontUse{}, words: map[wordKey][]glyph{}, language: language.NewLanguage(lang),
	}
	f.shaper.harfbuzz.SetFontCacheSize(shapedFonts)
	return f
}

// shapedFonts is how many fonts the shaper keeps prepared: the twelve of Liberation and some others.
const shapedFonts = 32

// face gives the font for a character: that of the style if it has the character, else another. A nil face means
// that the character is not shown.
func (f *fonts) face(s *style.Style, r rune) *embedfont.Face {
	primary := embedfont.Liberation(s.Family, s.Face())
	if _, ok := primary.Glyph(r); ok || r < 0x80 {
		return primary
	}
	key := fallbackKey{r, s.Family, s.Face()}
	if face, known := f.fallbacks[key]; known {
		return face
	}
	face := f.search(s, r)
	f.fallbacks[key] = face
	return face
}

func (f *fonts) search(s *style.Style, r rune) *embedfont.Face {
	for _, family := range []embedfont.Family{embedfont.Sans, embedfont.Serif, embedfont.Mono} {
		if face := embedfont.Liberation(family, s.Face()); family != s.Family {
			if _, ok := face.Glyph(r); ok {
				return face
			}
		}
	}
	if ignorable(r) {
		return nil
	}
	if face, ok := f.machine.Face(r, s.Face()); ok {
		return face
	}
	// A letter that cannot be shown would leave words that nobody can read. A sign among text is drawn as a box, with
	// the sign as its text.
	if unicode.In(r, unicode.L, unicode.N) && !unicode.Is(unicode.Co, r) {
		if f.missing == nil {
			f.missing = &MissingGlyphError{Rune: r, Script: scriptName(r)}
		}
	} else if unicode.IsPrint(r) {
		f.notes.warn("No font has the sign U+%04X; a box is shown in its place.", r)
	}
	return nil
}

// box gives the glyph that is drawn for a sign without a glyph.
func (f *fonts) box(r rune) (*embedfont.Face, int, bool) {
	if !unicode.IsPrint(r) || unicode.Is(unicode.M, r) || ignorable(r) {
		return nil, 0, false
	}
	face := embedfont.Liberation(embedfont.Sans, embedfont.Style{})
	glyph, ok := face.Glyph('□')
	return face, glyph, ok
}

// ignorable tells whether a character shows nothing where a font lacks it (Unicode, Default_Ignorable_Code_Point).
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Cc, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) ||
		unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

func scriptName(r rune) string {
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "Unknown"
}

// use gives the embedding and the code for a glyph that stands for a text.
func (f *fonts) use(face *embedfont.Face, glyph int, text string) (*fontUse, uint16, bool) {
	u := f.uses[face]
	for range 2 {
		if u == nil {
			u = &fontUse{embedfont.Composite(f.file, face), pdf.Name(fmt.Sprintf("F%d", len(f.all)+1))}
			f.uses[face] = u
			f.all = append(f.all, u)
		}
		if code, ok := u.embedding.Use(glyph, text); ok {
			return u, code, true
		}
		if glyph <= 0 || glyph >= face.Glyphs {
			return nil, 0, false
		}
		u = nil // its codes are used up
	}
	return nil, 0, false
}
