package tagging

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// maxAppearance bounds the operations of an appearance that is looked at for its text.
const maxAppearance = 20_000

// appearance gives the stream that an annotation is painted by.
func (w *work) appearance(d pdf.Dict) (*pdf.Stream, bool) {
	looks, _ := w.file.Dict(d["AP"])
	if s, ok := w.file.Stream(looks["N"]); ok {
		return s, true
	}
	states, _ := w.file.Dict(looks["N"])
	return w.file.Stream(states[w.file.Name(d["AS"])])
}

// textOf gives the text that an annotation's appearance shows.
func (w *work) textOf(d pdf.Dict) string {
	s, ok := w.appearance(d)
	if !ok {
		return ""
	}
	resources, _ := w.file.Dict(s.Dict["Resources"])
	box, ok := w.file.Rectangle(s.Dict["BBox"])
	if !ok {
		return ""
	}
	page := pdf.Page{Dict: pdf.Dict{"Contents": s}, Resources: resources, MediaBox: box, CropBox: box}
	shown, _ := pagetext.Read(w.file, []pdf.Page{page}, pagetext.Limits{Operations: maxAppearance, Runs: maxAppearance})
	var out strings.Builder
	for _, p := range shown {
		for _, run := range p.Runs() {
			if !run.Hidden {
				out.WriteString(run.Text)
				out.WriteByte(' ')
			}
		}
	}
	return shorten(strings.Join(strings.Fields(out.String()), " "), maxDescription)
}

// hideAnnotations hides annotations that show nothing and say nothing, so that readers do not stop at them: those with an
// empty appearance, pop-ups of notes without text, and links without a border that cover no text and lead nowhere.
func (w *work) hideAnnotations() {
	for i, page := range w.pages {
		list, _ := w.file.Array(page.Dict["Annots"])
		for _, o := range list {
			d, ok := w.file.Dict(o)
			if !ok || !w.needsTag(d, i+1) {
				continue
			}
			if text, _ := w.file.String(d["Contents"]); text.Text() != "" || !w.isEmpty(d, i+1) {
				continue
			}
			flags, _ := w.file.Integer(d["F"])
			d["F"] = pdf.Integer(flags | hiddenFlag)
			w.fixed("7.18.1-2", "", 1)
		}
	}
}

func (w *work) isEmpty(d pdf.Dict, page int) bool {
	switch subtype := w.file.Name(d["Subtype"]); subtype {
	case "Popup":
		parent, _ := w.file.Dict(d["Parent"])
		text, _ := w.file.String(parent["Contents"])
		return text.Text() == ""
	case "Link":
		action, acts := w.file.Dict(d["A"])
		return (!acts || w.file.Name(action["S"]) == "GoTo") && !w.hasBorder(d) && w.targetText(d) == "" && w.textBeneath(d, page) == ""
	case "FreeText", "Stamp", "Ink", "Square", "Circle", "Line", "Polygon", "PolyLine", "Caret":
		s, ok := w.appearance(d)
		if !ok {
			return false // programs draw it by themselves
		}
		data, err := w.file.Decode(s)
		return err == nil && paintsNothing(data)
	}
	return false
}

// hasBorder tells whether a link is drawn (ISO 32000-1, 12.5.4).
func (w *work) hasBorder(d pdf.Dict) bool {
	width := 1.0
	if border, ok := w.file.Array(d["Border"]); ok && len(border) > 2 {
		width, _ = w.file.Number(border[2])
	}
	style, _ := w.file.Dict(d["BS"])
	if v, ok := w.file.Number(style["W"]); ok {
		width = v
	}
	return width > 0
}

// paintsNothing tells whether content has no operator that paints.
func paintsNothing(data []byte) bool {
	scanner := pdf.NewScanner(data, pdf.Limits{})
	for {
		op, ok := scanner.Next()
		if !ok {
			return true
		}
		switch op.Operator {
		case "Tj", "TJ", "'", "\"", "Do", "BI", "sh", "f", "F", "f*", "S", "s", "B", "B*", "b", "b*", "EI":
			return false
		}
	}
}

// richText gives the text of an annotation that has it as XHTML (ISO 32000-1, 12.7.3.4).
func (w *work) richText(d pdf.Dict) string {
	s, ok := w.file.String(d["RC"])
	if !ok {
		return ""
	}
	var out strings.Builder
	inside := false
	for _, r := range s.Text() {
		switch {
		case r == '<':
			inside = true
			out.WriteByte(' ')
		case r == '>':
			inside = false
		case !inside:
			out.WriteRune(r)
		}
	}
	return shorten(strings.Join(strings.Fields(out.String()), " "), maxDescription)
}

// mediaName gives what a sound, a film or a three-dimensional scene is called in the file.
func (w *work) mediaName(d pdf.Dict) string {
	if title, ok := w.file.String(d["T"]); ok && title.Text() != "" {
		return title.Text()
	}
	action, _ := w.file.Dict(d["A"])
	rendition, _ := w.file.Dict(action["R"])
	clip, _ := w.file.Dict(rendition["C"])
	for _, holder := range []pdf.Dict{rendition, clip} {
		if name, ok := w.file.String(holder["N"]); ok && name.Text() != "" {
			return name.Text()
		}
	}
	content, _ := w.file.Dict(d["RichMediaContent"])
	assets, _ := w.file.Dict(content["Assets"])
	names, _ := w.file.Array(assets["Names"])
	if len(names) > 0 {
		name, _ := w.file.String(names[0])
		return name.Text()
	}
	return ""
}
