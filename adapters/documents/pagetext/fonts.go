package pagetext

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// fontTable is a font with what was asked of its codes.
type fontTable struct {
	font               *pdffont.Font
	simple             bool
	bold, italic, mono bool
	vertical           bool
	// unit is the size of a thousandth of an em in text space, glyph space to text space for Type 3.
	unit float64
	// em is the height of an em in text space for size 1.
	em     float64
	glyphs [256]*[256]glyph // by the low bytes of the code
	more   map[int]glyph    // codes of more than two bytes
	// legacy is the encoding of a composite font with a predefined CMap, nil for others.
	legacy *legacy
	// displacement is the second number of DW2, standardAdvance is DW.
	displacement, standardAdvance float64
}

// glyph is what a code shows and how far it moves.
type glyph struct {
	text  string
	width float64 // in units
	known bool
	space bool
}

// fontTable gives the table of a font, made once per reference.
func (r *Reader) fontTable(o pdf.Object) *fontTable {
	ref, isRef := o.(pdf.Ref)
	if isRef {
		if t, ok := r.fonts[ref]; ok {
			return t
		}
	}
	var t *fontTable
	if d, ok := r.file.Dict(o); ok {
		t = newFontTable(r.file, pdffont.Read(r.file, d))
	}
	if isRef {
		r.fonts[ref] = t
	}
	return t
}

func newFontTable(file *pdf.File, font *pdffont.Font) *fontTable {
	t := &fontTable{font: font, simple: font.Subtype != "Type0", unit: 0.001, em: 1}
	t.style(file)
	switch font.Subtype {
	case "Type3":
		t.type3(file)
	case "Type0":
		t.vertical = strings.HasSuffix(string(font.CMapName), "-V") || font.CMap != nil && font.CMap.WMode == 1
		t.displacement, t.standardAdvance = -1000, 1000
		if font.CMap == nil {
			t.legacy = legacyOf(string(font.CMapName))
		}
		if v, ok := file.Number(font.Descendant["DW"]); ok {
			t.standardAdvance = v
		}
		if list, ok := file.Array(font.Descendant["DW2"]); ok && len(list) > 1 {
			t.displacement, _ = file.Number(list[1])
		}
	}
	return t
}

// style reads the look of a font from its descriptor and its name.
func (t *fontTable) style(file *pdf.File) {
	d := t.font.Descriptor
	flags, _ := file.Integer(d["Flags"])
	weight, _ := file.Number(d["FontWeight"])
	name := strings.ToLower(t.font.Name)
	if _, after, ok := strings.Cut(name, "+"); ok {
		name = after
	}
	const boldWeight = 600 // the least weight that is called semi-bold
	t.bold = weight >= boldWeight || flags&(1<<18) != 0 || isBoldName(name)
	t.italic = flags&(1<<6) != 0 || strings.Contains(name, "italic") || strings.Contains(name, "oblique") ||
		isItalicName(name)
	t.mono = flags&1 != 0 || isMonoName(name)
	if t.mono && flags&1 != 0 && !isMonoName(name) {
		t.mono = t.evenWidths(file)
	}
}

// evenWidths tells whether a font that claims a fixed pitch has it: some writers set the flag for all fonts.
func (t *fontTable) evenWidths(file *pdf.File) bool {
	list, ok := file.Array(t.font.Dict["Widths"])
	if !ok {
		return true
	}
	first := 0.0
	for _, o := range list {
		w, _ := file.Number(o)
		if w == 0 {
			continue
		}
		if first == 0 {
			first = w
		}
		if w < first-1 || w > first+1 {
			return false
		}
	}
	return true
}

func isBoldName(name string) bool {
	for _, part := range [...]string{"bold", "heavy", "black", "demi", "semibd", "-bd", "extrabd"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	// Computer Modern and its relatives: cmbx10, cmbxti10, sfbx1000, ecbx1000, lmbx, cmssbx.
	for _, start := range [...]string{"cmbx", "cmb1", "sfbx", "ecbx", "lmbx", "cmssbx", "sfsx", "ecsx", "larm-b", "tcbx"} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return strings.HasSuffix(name, "-b") || strings.HasSuffix(name, ".b") || strings.HasSuffix(name, ",b") || strings.Contains(name, "medi") &&
		strings.Contains(name, "nimbus") && !strings.Contains(name, "regu")
}

func isItalicName(name string) bool {
	for _, start := range [...]string{"cmti", "cmsl", "cmmi", "sfti", "ecti", "cmbxti", "sfsl", "lmri", "eufm"} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return strings.HasSuffix(name, "-it") || strings.HasSuffix(name, "-i") || strings.HasSuffix(name, "slanted")
}

func isMonoName(name string) bool {
	for _, part := range [...]string{
		"courier", "mono", "consol", "typewriter", "menlo", "monaco", "inconsolata", "fixed", "lettergothic",
		"sourcecode", "firacode", "hack-", "lucidaconsole", "andale", "terminal", "nimbusmon",
	} {
		if strings.Contains(name, part) {
			return true
		}
	}
	for _, start := range [...]string{"cmtt", "sftt", "ectt", "lmtt", "cmsltt", "cmitt", "txtt", "pcrr", "beramono", "fvm"} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}

// type3 reads the scale of a Type 3 font. Its em is nowhere said: it is guessed from the widths of its letters, which
// are about half an em wide on the average.
func (t *fontTable) type3(file *pdf.File) {
	m := matrix{a: 0.001, d: 0.001}
	if list, ok := file.Array(t.font.Dict["FontMatrix"]); ok && len(list) == 6 {
		var v [6]float64
		for i, o := range list {
			v[i], _ = file.Number(o)
		}
		m = matrix{v[0], v[1], v[2], v[3], v[4], v[5]}
	}
	t.unit = m.a
	if t.unit == 0 {
		t.unit = 0.001
	}
	sum, count := 0.0, 0.0
	list, _ := file.Array(t.font.Dict["Widths"])
	for _, o := range list {
		if w, ok := file.Number(o); ok && w > 0 {
			sum += w
			count++
		}
	}
	if count > 0 {
		t.em = 2 * sum / count * t.unit
	}
	if t.em < 0 {
		t.em = -t.em
	}
}

// code gives the first character code of a string, and how many bytes it has; 0 if the string ends in the middle of it.
func (t *fontTable) code(s string) (code, size int) {
	switch name := t.font.CMapName; {
	case t.simple:
		return int(s[0]), 1
	case t.legacy != nil:
		if t.legacy.length(s[0]) == 1 || len(s) == 1 {
			return int(s[0]), 1
		}
		return int(s[0])<<8 | int(s[1]), 2
	case name == "Identity-H" || name == "Identity-V" || t.font.CMap == nil:
		if len(s) == 1 {
			return 0, 0
		}
		return int(s[0])<<8 | int(s[1]), 2
	}
	return t.font.CMap.Code(s)
}

// glyph asks the font once per code.
func (t *fontTable) glyph(code int) glyph {
	if code>>16 != 0 {
		g, ok := t.more[code]
		if !ok {
			if t.more == nil {
				t.more = map[int]glyph{}
			}
			g = t.ask(code)
			t.more[code] = g
		}
		return g
	}
	row := t.glyphs[code>>8]
	if row == nil {
		row = new([256]glyph)
		t.glyphs[code>>8] = row
	}
	if g := &row[code&0xff]; g.known {
		return *g
	}
	g := t.ask(code)
	row[code&0xff] = g
	return g
}

func (t *fontTable) ask(code int) glyph {
	g := t.font.Glyph(code)
	out := glyph{known: true, width: g.Wanted}
	if !t.simple && t.font.CMap == nil {
		out.width = t.standardAdvance
		if t.legacy != nil {
			out.text, out.width = t.legacy.text(code), t.legacy.width(code, t.standardAdvance)
		}
	}
	if g.HasText {
		out.text = clean(g.Text)
	}
	if out.text == "" && !g.Missing {
		out.text = t.guess(code)
	}
	out.text = t.symbol(code, out.text)
	if t.simple && code == ' ' && out.text == "" && t.font.Subtype != "Type3" {
		out.text = " "
	}
	out.space = out.text == " " || out.text == "\u00a0"
	if out.width == 0 && t.font.Dict["Widths"] == nil && t.simple && t.font.Subtype != "Type3" {
		out.width = t.standardWidth(out.text, g)
	}
	return out
}

// clean drops what is no text.
func clean(s string) string {
	for _, r := range s {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xfeff || r == 0xfffd || r == 0xffff {
			return strings.Map(func(r rune) rune {
				switch {
				case r == '\t' || r == '\n' || r == '\r':
					return ' '
				case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xfeff, r == 0xfffd, r == 0xffff:
					return -1
				}
				return r
			}, s)
		}
	}
	return s
}
