package embedfont

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// maxCodes is how many codes of two bytes there are.
const maxCodes = 1 << 16

// Embedding is a font that is put into a file as a composite font (Type0, Identity-H). Its glyphs are told by
// [Embedding.Use] while pages are made; [Embedding.Finish] then writes the subset. It is not safe for concurrent use.
type Embedding struct {
	// Ref is the font dictionary, to be named in resources; it is there after Finish.
	Ref pdf.Ref

	file   *pdf.File
	face   *Face
	codes  map[use]uint16
	glyphs []chosen
	texts  map[int]string
	used   map[int]bool
}

// use is a glyph for a text: where one glyph stands for different texts, such as space and no-break space, each has
// a code of its own.
type use struct {
	glyph int
	text  string
}

// Composite begins to put a face into a file.
func Composite(file *pdf.File, face *Face) *Embedding {
	return &Embedding{
		Ref: file.Add(nil), file: file, face: face, codes: map[use]uint16{}, texts: map[int]string{}, used: map[int]bool{},
		glyphs: []chosen{{0, face.advance(0)}},
	}
}

// Face is the font that is embedded.
func (e *Embedding) Face() *Face { return e.face }

// Use gives the code of a glyph that stands for a text, of two bytes. It is false if the font has no such glyph, or if
// there are no more codes: then another embedding of the same face has to be begun.
func (e *Embedding) Use(glyph int, text string) (uint16, bool) {
	if glyph <= 0 || glyph >= e.face.Glyphs {
		return 0, false
	}
	if e.face.cff != nil {
		// The codes are the font's own character identifiers: the first text of a glyph stays.
		text, cid := text, e.face.cff.CID(glyph)
		if cid <= 0 || cid >= maxCodes {
			return 0, false
		}
		e.used[glyph] = true
		if _, known := e.texts[cid]; !known {
			e.texts[cid] = text
			e.glyphs = append(e.glyphs, chosen{glyph, e.face.advance(glyph)})
		}
		return uint16(cid), true
	}
	key := use{glyph, text}
	if code, known := e.codes[key]; known {
		return code, true
	}
	// Half of the numbers are left to the parts of composite glyphs.
	if len(e.glyphs) >= maxCodes/2 {
		return 0, false
	}
	code := uint16(len(e.glyphs)) //nolint:gosec // below maxCodes
	e.glyphs = append(e.glyphs, chosen{glyph, e.face.advance(glyph)})
	e.codes[key] = code
	e.texts[int(code)] = text
	return code, true
}

// Finish writes the font. Without any use the font dictionary stays null.
func (e *Embedding) Finish() {
	if len(e.glyphs) == 1 {
		return
	}
	descendant := pdf.Dict{
		"Type":          pdf.Name("Font"),
		"CIDSystemInfo": pdf.Dict{"Registry": pdf.String("Adobe"), "Ordering": pdf.String("Identity"), "Supplement": pdf.Integer(0)},
	}
	var name pdf.Name
	widths := map[int]float64{}
	if cff := e.face.cff; cff != nil {
		program := cff.Blanked(e.used)
		name = subsetName(e.face.Name, program)
		descendant["Subtype"] = pdf.Name("CIDFontType0")
		descendant["FontDescriptor"] = e.face.descriptor(e.file, name, flagSymbolic, "FontFile3",
			pdf.NewStream(pdf.Dict{"Subtype": pdf.Name("CIDFontType0C")}, program))
		for _, g := range e.glyphs {
			widths[cff.CID(g.glyph)] = e.face.scale(g.advance)
		}
	} else {
		program := e.face.subset(e.glyphs, nil)
		name = subsetName(e.face.Name, program)
		descendant["Subtype"] = pdf.Name("CIDFontType2")
		descendant["CIDToGIDMap"] = pdf.Name("Identity")
		descendant["FontDescriptor"] = e.face.descriptor(e.file, name, flagSymbolic, "FontFile2",
			pdf.NewStream(pdf.Dict{"Length1": pdf.Integer(len(program))}, program))
		for code, g := range e.glyphs {
			widths[code] = e.face.scale(g.advance)
		}
	}
	descendant["BaseFont"] = name
	descendant["W"] = widthArray(widths)
	e.file.Set(e.Ref, pdf.Dict{
		"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type0"), "BaseFont": name, "Encoding": pdf.Name("Identity-H"),
		"DescendantFonts": pdf.Array{e.file.Add(descendant)},
		"ToUnicode":       e.file.Add(pdf.NewStream(nil, toUnicode(e.texts, 4))),
	})
}

// widthArray writes widths as runs of consecutive codes (ISO 32000-1, 9.7.4.3).
func widthArray(widths map[int]float64) pdf.Array {
	out := pdf.Array{}
	previous := -2
	for _, code := range sortedKeys(widths) {
		if code != previous+1 {
			out = append(out, pdf.Integer(code), pdf.Array{})
		}
		run, _ := out[len(out)-1].(pdf.Array)
		out[len(out)-1] = append(run, number(widths[code]))
		previous = code
	}
	return out
}
