package fontrepair

import (
	"fmt"
	"maps"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// dingbat is a sign of ZapfDingbats that form fields are marked with.
type dingbat struct {
	name  string
	text  string
	width int
	// drawing is in thousandths of an em.
	drawing string
}

// dingbats are drawn here, since no free font of them can be counted on. Widths are those of ZapfDingbats.
var dingbats = map[int]dingbat{
	'4': {"a20", "✔", 755, "94 313 m 198 380 l 297 210 l 500 480 600 590 718 692 c 690 610 l 540 450 420 270 322 40 c 268 40 l h f"},
	'8': {"a22", "✘", 760, "118 640 m 215 690 l 380 440 l 545 690 l 645 640 l 450 345 l 645 50 l 545 0 l 380 250 l 215 0 l 118 50 l 310 345 l h f"},
	'l': {"a71", "●", 791, "746 347 m 746 541 589 697 395 697 c 202 697 45 541 45 347 c 45 153 202 -3 395 -3 c 589 -3 746 153 746 347 c h f"},
	'n': {"a73", "■", 761, "35 0 691 692 re f"},
	'u': {"a76", "◆", 788, "394 -14 m 753 346 l 394 706 l 35 346 l h f"},
	'H': {"a35", "★", 816, "408 707 m 499 429 l 792 429 l 555 257 l 646 -21 l 408 151 l 170 -21 l 261 257 l 24 429 l 317 429 l h f"},
	' ': {"space", " ", 278, ""},
}

// drawDingbats makes a font of ZapfDingbats, which is not embedded, one that is drawn. It is false if the text has other
// signs than the usual marks of form fields.
func (r *repairer) drawDingbats(u *usedFont) bool {
	procedures, texts := pdf.Dict{}, map[int]string{}
	differences := pdf.Array{}
	widths := make(pdf.Array, 256)
	for i := range widths {
		widths[i] = pdf.Integer(0)
	}
	for _, code := range slices.Sorted(maps.Keys(u.codes)) {
		d, ok := dingbats[code]
		if !ok {
			return false
		}
		content := fmt.Sprintf("%d 0 0 -150 850 850 d1 %s", d.width, d.drawing)
		procedures[pdf.Name(d.name)] = r.file.Add(pdf.NewStream(nil, []byte(content)))
		texts[code] = d.text
		widths[code] = pdf.Integer(d.width)
		differences = append(differences, pdf.Integer(code), pdf.Name(d.name))
	}
	clear(u.dict)
	maps.Copy(u.dict, pdf.Dict{
		"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type3"), "Name": pdf.Name("ZapfDingbats"),
		"FontBBox":   pdf.Array{pdf.Integer(0), pdf.Integer(-150), pdf.Integer(850), pdf.Integer(850)},
		"FontMatrix": pdf.Array{pdf.Real(0.001), pdf.Integer(0), pdf.Integer(0), pdf.Real(0.001), pdf.Integer(0), pdf.Integer(0)},
		"CharProcs":  procedures, "Resources": pdf.Dict{}, "FirstChar": pdf.Integer(0), "LastChar": pdf.Integer(255),
		"Widths": widths, "ToUnicode": r.file.Add(pdf.NewStream(nil, font.ToUnicode(texts, 2))),
		"Encoding": pdf.Dict{"Type": pdf.Name("Encoding"), "Differences": differences},
	})
	r.reread(u)
	r.report.Fixed("7.21.4.1-1", "ZapfDingbats", 1)
	return true
}
