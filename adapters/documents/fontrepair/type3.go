package fontrepair

import (
	"fmt"
	"maps"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// addProcedures gives the codes of a Type 3 font that have no glyph procedure one that paints nothing, as nothing was
// painted for them (ISO 14289-1, 7.21.4.1).
func (r *repairer) addProcedures(u *usedFont) {
	names := map[int]string{}
	for _, code := range u.sorted() {
		g := u.Glyph(code)
		if !u.codes[code] || g.Present && !g.Missing {
			continue
		}
		name := fmt.Sprintf("blank%d", code)
		if code == ' ' {
			name = "space"
		}
		for u.Procedures[pdf.Name(name)] != nil {
			name += "x"
		}
		content := pdf.AppendObject(nil, pdf.Real(g.Wanted))
		names[code] = name
		if u.Procedures == nil {
			u.Procedures = pdf.Dict{}
			u.dict["CharProcs"] = u.Procedures
		}
		u.Procedures[pdf.Name(name)] = r.file.Add(pdf.NewStream(nil, append(content, " 0 d0"...)))
	}
	if len(names) == 0 {
		return
	}
	setNames(u, names)
	r.reread(u)
	r.report.Fixed("7.21.4.1-2", plainName(u.Name), len(names))
}

// setNames writes the encoding of a simple font with other names for some codes.
func setNames(u *usedFont, names map[int]string) {
	encoding := pdf.Dict{"Type": pdf.Name("Encoding")}
	if u.Encoding.Name != "" {
		encoding["BaseEncoding"] = u.Encoding.Name
	}
	all := map[int]string{}
	maps.Copy(all, u.Encoding.Differences)
	maps.Copy(all, names)
	differences := make(pdf.Array, 0, 2*len(all))
	for _, code := range slices.Sorted(maps.Keys(all)) {
		differences = append(differences, pdf.Integer(code), pdf.Name(all[code]))
	}
	encoding["Differences"] = differences
	u.dict["Encoding"] = encoding
}
