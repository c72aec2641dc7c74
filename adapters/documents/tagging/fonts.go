package tagging

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// repairFonts puts right what keeps text from being shown and understood everywhere (ISO 14289-1, 7.21). No glyph is
// moved, and none is drawn otherwise unless its font is not in the file.
func (w *work) repairFonts() {
	for _, u := range w.fontUses() {
		if u.Dict == nil {
			continue
		}
		w.repairFont(u)
	}
}

func (w *work) repairFont(u *usedFont) {
	w.dropLists(u)
	if u.visible && !u.Embedded() {
		w.embed(u)
	}
	switch u.Subtype {
	case "Type0":
		w.repairComposite(u)
	case "TrueType":
		w.repairTrueType(u)
	}
	w.repairWidths(u)
	w.completeText(u)
}

// reread reads the font again after its dictionary was changed.
func (w *work) reread(u *usedFont) { u.Font = pdffont.Read(w.file, u.dict) }

// dropLists takes out the lists of a subset's glyphs, which need not be there and are often wrong (ISO 14289-1,
// 7.21.4.2).
func (w *work) dropLists(u *usedFont) {
	for key, rule := range map[pdf.Name]string{"CharSet": "7.21.4.2-1", "CIDSet": "7.21.4.2-2"} {
		if u.Descriptor[key] != nil && u.Program.Parsed() {
			delete(u.Descriptor, key)
			w.fixed(rule, "", 1)
		}
	}
}

func (w *work) repairComposite(u *usedFont) {
	d := u.Descendant
	_, isStream := w.file.Stream(d["CIDToGIDMap"])
	identity := w.file.Name(d["CIDToGIDMap"]) == "Identity"
	if w.file.Name(d["Subtype"]) == "CIDFontType2" && u.Program.Parsed() && !isStream && !identity {
		d["CIDToGIDMap"] = pdf.Name("Identity") // the default, which PDF/UA wants to be written
		w.fixed("7.21.3.2-1", "", 1)
	}
	if s, ok := w.file.Stream(u.dict["Encoding"]); ok && u.CMap != nil {
		mode, _ := w.file.Integer(s.Dict["WMode"])
		if int64(u.CMap.WMode) != mode {
			// Programs read the one or the other: what the map itself says counts (ISO 32000-1, table 120).
			s.Dict["WMode"] = pdf.Integer(u.CMap.WMode)
			w.fixed("7.21.3.3-2", "", 1)
		}
	}
}

// plainName is the name of a font without the tag of a subset.
func plainName(name string) string {
	if len(name) > 7 && name[6] == '+' && strings.ToUpper(name[:6]) == name[:6] {
		return name[7:]
	}
	return name
}
