package tagging

import (
	"strings"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Flags of a font descriptor (ISO 32000-1, table 123).
const (
	flagFixed    = 1 << 0
	flagSerif    = 1 << 1
	flagSymbolic = 1 << 2
	flagItalic   = 1 << 6
	flagBold     = 1 << 18
)

// embed puts a free font in the place of one that is not embedded (ISO 14289-1, 7.21.4.1): a twin with the same metrics
// for the standard fonts, for others the nearest, set by the widths that the document declares.
func (w *work) embed(u *usedFont) {
	if u.Subtype == "Type0" {
		w.embedComposite(u)
		return
	}
	standard, isStandard := embedfont.BaseFont(u.Name)
	face := standard.Face
	if !isStandard {
		face = embedfont.Liberation(nearest(u))
	}
	codes := w.shownCodes(u, standard.Encoding)
	if face == nil || isStandard && standard.Encoding != nil {
		face = w.faceFor(codes, face)
	}
	if face == nil && w.drawDingbats(u) {
		return
	}
	if face == nil {
		w.warn("No free font was found for %s, which is not embedded.", plainName(u.Name))
		return
	}
	entries, missing := embedfont.Simple(w.file, face, codes)
	if entries == nil {
		w.warn("No free font was found for %s, which is not embedded.", plainName(u.Name))
		return
	}
	for key, value := range entries {
		if value == nil {
			delete(u.dict, key)
		} else {
			u.dict[key] = value
		}
	}
	if len(missing) > 0 {
		w.warn("The font embedded for %s lacks %d of its characters.", plainName(u.Name), len(missing))
	}
	if !isStandard {
		w.warn("The font %s is not embedded; %s was embedded in its place, as programs without it do.", plainName(u.Name), face.Name)
	}
	w.fixed("7.21.4.1-1", plainName(u.Name), 1)
	w.reread(u)
}

// shownCodes tells what each code of a simple font shows. A code that stands for nothing shows nothing: it becomes a
// space of its width.
func (w *work) shownCodes(u *usedFont, own []string) map[byte]embedfont.Code {
	if own == nil {
		own = font.StandardEncoding
		if u.Subtype == "TrueType" && !u.Encoding.Present {
			own = font.WinAnsiEncoding
		}
	}
	out := map[byte]embedfont.Code{}
	for code := range u.codes {
		c := embedfont.Code{Name: u.Encoding.Glyph(code)}
		if c.Name == "" && code < len(own) {
			c.Name = own[code]
		}
		g := u.Glyph(code)
		c.Text = g.Text
		if c.Text == "" {
			c.Text = nameText(c.Name)
		}
		if c.Declared = w.declares(u, code); c.Declared {
			c.Width = g.Wanted
		}
		if c.Name == ".notdef" || c.Name == "" {
			if strings.TrimSpace(c.Text) == "" {
				c.Name, c.Text = "space", ""
			}
			if !c.Declared {
				c.Declared = true
				c.Width, _ = w.file.Number(u.Descriptor["MissingWidth"])
			}
		}
		out[byte(code)] = c //nolint:gosec // simple fonts have codes of one byte
	}
	return out
}

// declares tells whether the dictionary of a simple font has a width for a code.
func (w *work) declares(u *usedFont, code int) bool {
	first, _ := w.file.Integer(u.dict["FirstChar"])
	widths, ok := w.file.Array(u.dict["Widths"])
	if !ok {
		return false
	}
	if i := int64(code) - first; i >= 0 && i < int64(len(widths)) {
		return true
	}
	return len(u.Descriptor) > 0
}

// faceFor gives a font that has the characters of a font of symbols: one of the machine, if the other lacks any.
func (w *work) faceFor(codes map[byte]embedfont.Code, face *embedfont.Face) *embedfont.Face {
	has := func(f *embedfont.Face, text string) bool {
		r, size := utf8.DecodeRuneInString(text)
		_, ok := f.Glyph(r)
		return ok || size == 0
	}
	count := func(f *embedfont.Face) (n int) {
		for _, c := range codes {
			text := c.Text
			if text == "" {
				text = nameText(c.Name)
			}
			if has(f, text) {
				n++
			}
		}
		return n
	}
	best := 0
	if face != nil {
		best = count(face)
	}
	if best == len(codes) {
		return face
	}
	if w.machine == nil {
		w.machine = embedfont.NewMachine()
	}
	tried := 0
	for _, c := range codes {
		r, size := utf8.DecodeRuneInString(c.Text)
		if tried++; tried > 16 {
			return face
		}
		if candidate, ok := w.machine.Face(r, embedfont.Style{}); ok && size > 0 {
			if n := count(candidate); n > best {
				best, face = n, candidate
			}
		}
	}
	return face
}

// nearest chooses family and style by the name and the descriptor of a font.
func nearest(u *usedFont) (embedfont.Family, embedfont.Style) {
	flags, _ := u.Descriptor["Flags"].(pdf.Integer)
	name := strings.ToLower(plainName(u.Name))
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(name, part) {
				return true
			}
		}
		return false
	}
	style := embedfont.Style{
		Bold:   flags&flagBold != 0 || has("bold", "black", "heavy", "demi"),
		Italic: flags&flagItalic != 0 || has("italic", "oblique", "slanted"),
	}
	switch {
	case flags&flagFixed != 0 || has("mono", "courier", "consol", "typewriter", "fixed"):
		return embedfont.Mono, style
	case has("sans", "arial", "helvet", "verdana", "tahoma", "calibri", "gothic", "futura", "univers", "frutiger", "trebuchet"):
		return embedfont.Sans, style
	case flags&flagSerif != 0 || has("times", "serif", "roman", "garamond", "bookman", "palatino", "georgia", "cambria", "century", "minion"):
		return embedfont.Serif, style
	}
	return embedfont.Sans, style
}
