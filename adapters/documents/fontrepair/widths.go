package fontrepair

import (
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// tolerance is by how many thousandths of an em widths may differ. Where some differ by more, all that differ are set,
// since programs round in different ways.
const tolerance = 1.0

// repairWidths makes the widths of the font program agree with those of the dictionary (ISO 14289-1, 7.21.5), by which
// text is set: changing the latter would move it.
func (r *repairer) repairWidths(u *usedFont) {
	wrong := map[int]float64{}
	codes := map[int]int{}
	most := 0.0
	for code, visible := range u.codes {
		g := u.Glyph(code)
		difference := math.Abs(g.Width - g.Wanted)
		if visible && g.Known && difference > 0 && g.Wanted >= 0 {
			most = max(most, difference)
			glyph := r.glyphNumber(u, code)
			if _, taken := wrong[glyph]; !taken || code < codes[glyph] {
				wrong[glyph], codes[glyph] = g.Wanted, code
			}
		}
	}
	if most <= tolerance {
		return
	}
	switch {
	case u.Subtype == "Type3":
		r.setProcedureWidths(u)
	case u.Program.TrueType != nil && u.Program.TrueType.CFF == nil:
		r.setAdvances(u, wrong)
	case u.Program.CFF != nil && u.Subtype != "Type0":
		r.setCFFWidths(u, wrong)
	case u.Program.Type1 != nil:
		r.setType1Widths(u)
	}
}

// glyphNumber is the number of a code's glyph in the program; for Type 1 and Type 3 fonts, the code.
func (r *repairer) glyphNumber(u *usedFont, code int) int {
	switch {
	case u.Subtype == "Type0":
		cid, _ := u.CMap.CID(code)
		glyph, _ := u.GlyphOf(cid)
		return glyph
	case u.Program.TrueType != nil:
		return trueTypeGlyph(u, code)
	case u.Program.CFF != nil:
		name := u.Encoding.Glyph(code)
		if name == "" {
			name = u.Program.CFF.NameOf(code)
		}
		glyph, _ := u.Program.CFF.Named(name)
		return glyph
	}
	return code
}

// programStream gives the stream of the font program under one of the keys.
func (r *repairer) programStream(u *usedFont, keys ...pdf.Name) (pdf.Name, *pdf.Stream) {
	for _, key := range keys {
		if s, ok := r.file.Stream(u.Descriptor[key]); ok {
			return key, s
		}
	}
	return "", nil
}

// changeProgram puts another program in the place of the font's, for all fonts that share it.
func (r *repairer) changeProgram(u *usedFont, key pdf.Name, old *pdf.Stream, program []byte, lengths pdf.Dict) {
	d := pdf.Dict{}
	for _, kept := range []pdf.Name{"Subtype"} {
		if old.Dict[kept] != nil {
			d[kept] = old.Dict[kept]
		}
	}
	for name, length := range lengths {
		d[name] = length
	}
	changed := pdf.NewStream(d, program)
	if ref, ok := u.Descriptor[key].(pdf.Ref); ok {
		r.file.Set(ref, changed)
	} else {
		u.Descriptor[key] = r.file.Add(changed)
	}
	r.reread(u)
}

// setCFFWidths writes the widths of the dictionary into the charstrings of a compact font that chooses its glyphs by
// names.
func (r *repairer) setCFFWidths(u *usedFont, wrong map[int]float64) {
	key, stream := r.programStream(u, "FontFile3")
	if stream == nil || r.file.Name(stream.Dict["Subtype"]) == "OpenType" {
		return
	}
	out, count := u.Program.CFF.WithWidths(wrong)
	if count == 0 {
		return
	}
	r.changeProgram(u, key, stream, out, nil)
	r.report.Fixed("7.21.5-1", "", count)
}

func (r *repairer) setAdvances(u *usedFont, wrong map[int]float64) {
	key, stream := r.programStream(u, "FontFile2", "FontFile3")
	if stream == nil {
		return
	}
	data, _ := r.file.Decode(stream)
	program, err := readSFNT(data)
	if err != nil || program.setAdvances(wrong) != nil {
		return
	}
	out := program.bytes()
	lengths := pdf.Dict{}
	if key == "FontFile2" {
		lengths["Length1"] = pdf.Integer(len(out))
	}
	r.changeProgram(u, key, stream, out, lengths)
	r.report.Fixed("7.21.5-1", "", len(wrong))
}

// setProcedureWidths writes the widths of the dictionary into the glyph procedures of a Type 3 font, whose first
// operator, d0 or d1, says them once more (ISO 32000-1, table 113).
func (r *repairer) setProcedureWidths(u *usedFont) {
	done := map[pdf.Name]bool{}
	for _, code := range u.sorted() {
		g := u.Glyph(code)
		name := pdf.Name(u.Encoding.Glyph(code))
		stream, ok := r.file.Stream(u.Procedures[name])
		if !ok || done[name] || !u.codes[code] || math.Abs(g.Width-g.Wanted) <= 1 {
			continue
		}
		done[name] = true
		data, _ := r.file.Decode(stream)
		scanner := pdf.NewScanner(data, pdf.Limits{})
		op, ok := scanner.Next()
		if !ok || op.Operator != "d0" && op.Operator != "d1" || len(op.Operands) == 0 {
			continue
		}
		operands := slices.Clone(op.Operands)
		operands[0] = pdf.Real(g.Wanted)
		var out []byte
		for _, o := range operands {
			out = append(pdf.AppendObject(out, o), ' ')
		}
		out = append(append(out, op.Operator...), data[scanner.Pos():]...)
		changed := pdf.NewStream(pdf.Dict{}, out)
		if resources := stream.Dict["Resources"]; resources != nil {
			changed.Dict["Resources"] = resources
		}
		u.Procedures[name] = r.file.Add(changed)
		r.report.Fixed("7.21.5-1", "", 1)
	}
}
