package fontrepair

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// addCompositeGlyphs gives the codes of a composite TrueType font that have no glyph copies of the one of missing
// characters, which they showed (ISO 14289-1, 7.21.4.1 and 7.21.8). Character identifier 0 cannot have another glyph, so
// that its code gets another identifier.
func (r *repairer) addCompositeGlyphs(u *usedFont) {
	t := u.Program.TrueType
	key, stream := r.programStream(u, "FontFile2")
	if t == nil || stream == nil || u.CMapName != "Identity-H" && u.CMapName != "Identity-V" {
		return
	}
	var missing []int
	free := 0 // an identifier that no code has
	toGlyph := map[int]int{}
	for _, code := range u.sorted() {
		glyph, ok := u.GlyphOf(code)
		free = max(free, code+1)
		if ok {
			toGlyph[code] = glyph
		} else if u.codes[code] {
			missing = append(missing, code)
		}
	}
	const most = 0xfffe
	if len(missing) == 0 || free > most {
		return
	}
	data, _ := r.file.Decode(stream)
	program, err := readSFNT(data)
	if err != nil {
		return
	}
	copies := map[float64]int{}
	for _, code := range missing {
		width := u.Glyph(code).Wanted
		number, made := copies[width]
		if !made {
			if number, made = program.copyGlyph(0, width); !made {
				return
			}
			copies[width] = number
		}
		cid := code
		if code == 0 {
			cid = free
			r.moveZero(u, free, width)
		}
		toGlyph[cid] = number
	}
	glyphs := make([]byte, 2*(slices.Max(slices.Collect(maps.Keys(toGlyph)))+1))
	for cid, glyph := range toGlyph {
		binary.BigEndian.PutUint16(glyphs[2*cid:], uint16(glyph)) //nolint:gosec // glyph numbers have two bytes
	}
	out := program.bytes()
	descriptor := maps.Clone(u.Descriptor)
	descriptor[key] = r.file.Add(pdf.NewStream(pdf.Dict{"Length1": pdf.Integer(len(out))}, out))
	descendant := maps.Clone(u.Descendant)
	descendant["FontDescriptor"] = r.file.Add(descriptor)
	descendant["CIDToGIDMap"] = r.file.Add(pdf.NewStream(nil, glyphs))
	u.dict["DescendantFonts"] = pdf.Array{r.file.Add(descendant)}
	r.reread(u)
	r.report.Fixed("7.21.4.1-2", plainName(u.Name), len(missing))
	if !program.isBlank(0) {
		r.report.Flag("7.21.4.1-2", 0, "The font "+plainName(u.Name)+" lacks glyphs; the pages show its sign for missing characters")
	}
}

// moveZero gives the code 0 another character identifier, by a map of its own, and declares its width.
func (r *repairer) moveZero(u *usedFont, cid int, width float64) {
	vertical := pdf.Integer(0)
	if u.CMapName == "Identity-V" {
		vertical = 1
	}
	name := fmt.Sprintf("Identity-%d", cid)
	content := fmt.Sprintf(`/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo 3 dict dup begin /Registry (Adobe) def /Ordering (Identity) def /Supplement 0 def end def
/CMapName /%s def
/CMapType 1 def
/WMode %d def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
2 begincidrange
<0000> <0000> %d
<0001> <FFFF> 1
endcidrange
endcmap
CMapName currentdict /CMap defineresource pop
end
end
`, name, vertical, cid)
	info := pdf.Dict{"Registry": pdf.String("Adobe"), "Ordering": pdf.String("Identity"), "Supplement": pdf.Integer(0)}
	u.dict["Encoding"] = r.file.Add(pdf.NewStream(pdf.Dict{
		"Type": pdf.Name("CMap"), "CMapName": pdf.Name(name), "CIDSystemInfo": info, "WMode": vertical,
	}, []byte(content)))
	widths, _ := r.file.Array(u.Descendant["W"])
	u.Descendant["W"] = append(slices.Clone(widths), pdf.Integer(cid), pdf.Array{pdf.Real(width)})
	u.Descendant["CIDSystemInfo"] = info
}
