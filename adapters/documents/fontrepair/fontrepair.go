// Package fontrepair repairs the fonts of PDF files as PDF/UA-1 requires (ISO 14289-1, 7.21): it embeds free fonts for
// missing ones, completes the maps from codes to Unicode, and makes encodings, flags and widths agree with the font
// programs. No glyph is moved, and none is drawn differently unless its font is not in the file.
package fontrepair

import (
	"maps"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// Report receives what was repaired and what is left to do. Rules are those of PDF/UA-1.
type Report interface {
	// Fixed counts repairs; a count of 0 is none.
	Fixed(rule, detail string, count int)
	// Flag notes what a person must check, on a page that counts from 1; 0 is the document.
	Flag(rule string, page int, detail string)
	// Warn notes a change or a defect in the words of [fmt.Sprintf].
	Warn(format string, args ...any)
}

// defaultOperations bounds the content that is read when the caller sets no limit.
const defaultOperations = 50_000_000

type repairer struct {
	file   *pdf.File
	pages  []pdf.Page
	report Report
	// operations bounds how many operations of content streams are read.
	operations int
	machine    *embedfont.Machine
}

// Repair repairs the fonts that the pages of a file use, in place. Operations bounds how many operations of content
// streams it reads to find them; 0 stands for a default of 50 million.
func Repair(file *pdf.File, pages []pdf.Page, operations int, report Report) {
	if operations == 0 {
		operations = defaultOperations
	}
	r := &repairer{file: file, pages: pages, operations: operations, report: report}
	for _, u := range r.fontUses() {
		if u.Dict != nil {
			r.repairFont(u)
		}
	}
}

func (r *repairer) repairFont(u *usedFont) {
	r.placeProgram(u)
	r.dropLists(u)
	if u.visible && !u.Embedded() {
		r.embed(u)
	}
	switch u.Subtype {
	case "Type0":
		r.repairComposite(u)
		r.addCompositeGlyphs(u)
	case "TrueType":
		if u.Program.TrueType != nil {
			shown := shownGlyphs(u)
			r.repairTrueType(u)
			r.rebuildTrueType(u, shown)
		}
	case "Type3":
		r.addProcedures(u)
	case "Type1", "MMType1":
		r.addGlyphs(u)
	}
	r.repairWidths(u)
	r.completeText(u)
}

// reread reads the font again after its dictionary was changed.
func (r *repairer) reread(u *usedFont) { u.Font = pdffont.Read(r.file, u.dict) }

// dropLists takes out the lists of a subset's glyphs, which need not be there and are often wrong (ISO 14289-1,
// 7.21.4.2).
func (r *repairer) dropLists(u *usedFont) {
	for key, rule := range map[pdf.Name]string{"CharSet": "7.21.4.2-1", "CIDSet": "7.21.4.2-2"} {
		if u.Descriptor[key] != nil && u.Program.Parsed() {
			delete(u.Descriptor, key)
			r.report.Fixed(rule, "", 1)
		}
	}
}

func (r *repairer) repairComposite(u *usedFont) {
	d := u.Descendant
	_, isStream := r.file.Stream(d["CIDToGIDMap"])
	identity := r.file.Name(d["CIDToGIDMap"]) == "Identity"
	if r.file.Name(d["Subtype"]) == "CIDFontType2" && u.Program.Parsed() && !isStream && !identity {
		d["CIDToGIDMap"] = pdf.Name("Identity") // the default, which PDF/UA wants to be written
		r.report.Fixed("7.21.3.2-1", "", 1)
	}
	r.nameCollection(u)
	if s, ok := r.file.Stream(u.dict["Encoding"]); ok && u.CMap != nil {
		mode, _ := r.file.Integer(s.Dict["WMode"])
		if int64(u.CMap.WMode) != mode {
			// Programs read the one or the other: what the map itself says counts (ISO 32000-1, table 120).
			s.Dict["WMode"] = pdf.Integer(u.CMap.WMode)
			r.report.Fixed("7.21.3.3-2", "", 1)
		}
	}
}

// nameCollection gives an embedded font the character collection that its map of codes is for (ISO 14289-1, 7.21.3.1): the
// identifiers are those of the map, and the program and CIDToGIDMap tell which glyphs they stand for.
func (r *repairer) nameCollection(u *usedFont) {
	if u.Descendant == nil || !u.Embedded() || u.CMapName == "Identity-H" || u.CMapName == "Identity-V" {
		return
	}
	var wanted pdf.Dict
	if s, ok := r.file.Stream(u.dict["Encoding"]); ok {
		o := r.file.Resolve(s.Dict["CIDSystemInfo"])
		if list, isList := o.(pdf.Array); isList && len(list) > 0 {
			o = r.file.Resolve(list[0])
		}
		wanted, _ = o.(pdf.Dict)
	} else if collection, known := font.Predefined(string(u.CMapName)); known {
		wanted = pdf.Dict{
			"Registry": pdf.String("Adobe"), "Ordering": pdf.String(collection.Ordering), "Supplement": pdf.Integer(collection.Supplement),
		}
	}
	registry, ok1 := r.file.String(wanted["Registry"])
	ordering, ok2 := r.file.String(wanted["Ordering"])
	if !ok1 || !ok2 {
		return
	}
	info, _ := r.file.Dict(u.Descendant["CIDSystemInfo"])
	ownRegistry, _ := r.file.String(info["Registry"])
	ownOrdering, _ := r.file.String(info["Ordering"])
	most, _ := r.file.Integer(wanted["Supplement"])
	supplement, _ := r.file.Integer(info["Supplement"])
	if ownRegistry == registry && ownOrdering == ordering && supplement <= most {
		return
	}
	u.Descendant["CIDSystemInfo"] = maps.Clone(wanted)
	r.reread(u)
	r.report.Fixed("7.21.3.1-1", plainName(u.Name), 1)
}

// plainName is the name of a font without the tag of a subset.
func plainName(name string) string {
	if len(name) > 7 && name[6] == '+' && strings.ToUpper(name[:6]) == name[:6] {
		return name[7:]
	}
	return name
}
