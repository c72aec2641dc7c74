package tagging

import (
	"fmt"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// describeAnnotations completes what assistive technology says of annotations (ISO 14289-1, 7.18).
func (w *work) describeAnnotations() {
	for i, page := range w.pages {
		list, ok := w.file.Array(page.Dict["Annots"])
		if !ok {
			continue
		}
		kept := make(pdf.Array, 0, len(list))
		found := false
		for _, o := range list {
			d, ok := w.file.Dict(o)
			if !ok {
				continue
			}
			if w.file.Name(d["Subtype"]) == "TrapNet" {
				w.fixed("7.18.2-1", "", 1)
				continue
			}
			kept = append(kept, o)
			found = true
			w.describe(d, i+1)
		}
		w.nameFields(i+1, kept)
		if len(kept) != len(list) {
			page.Dict["Annots"] = kept
		}
		if found && w.file.Name(page.Dict["Tabs"]) != "S" {
			page.Dict["Tabs"] = pdf.Name("S")
			w.fixed("7.18.3-1", "", 1)
		}
	}
}

func (w *work) describe(d pdf.Dict, page int) {
	subtype := w.file.Name(d["Subtype"])
	if subtype == "Widget" || !w.needsTag(d, page) {
		return
	}
	if text, ok := w.file.String(d["Contents"]); ok && text.Text() != "" {
		return
	}
	text := w.contentsOf(d, subtype, page)
	switch {
	case text == "":
		w.flag("7.18.1-2", page, fmt.Sprintf("An annotation of the type %s has no description", subtype))
		if subtype != "Link" { // readers are told at least that it is there
			d["Contents"] = pdf.TextString(fmt.Sprintf("%s %s on page %d", words(string(subtype)), placeholder, page))
		}
	case subtype == "Link":
		d["Contents"] = pdf.TextString(text)
		w.fixed("7.18.5-2", "", 1)
	default:
		d["Contents"] = pdf.TextString(text)
		w.fixed("7.18.1-2", "", 1)
	}
}

// contentsOf derives what an annotation is about from the document; "" if nothing tells it.
func (w *work) contentsOf(d pdf.Dict, subtype pdf.Name, page int) string {
	beneath := w.textBeneath(d, page)
	switch subtype {
	case "Link":
		if beneath != "" {
			return beneath
		}
		return w.targetText(d)
	case "Highlight", "Underline", "Squiggly", "StrikeOut", "Square", "Circle", "Polygon", "PolyLine", "Ink", "Line", "Caret", "Redact":
		if text := w.richText(d); text != "" {
			return text
		}
		return beneath
	case "Text":
		return w.richText(d)
	case "FreeText":
		if text := w.textOf(d); text != "" {
			return text
		}
		return w.richText(d)
	case "Screen", "RichMedia", "Movie", "Sound", "3D":
		return w.mediaName(d)
	case "Popup":
		parent, _ := w.file.Dict(d["Parent"])
		text, _ := w.file.String(parent["Contents"])
		return text.Text()
	case "FileAttachment":
		spec, _ := w.file.Dict(d["FS"])
		for _, key := range []pdf.Name{"Desc", "UF", "F"} {
			if text, ok := w.file.String(spec[key]); ok && text.Text() != "" {
				return text.Text()
			}
		}
	case "Stamp":
		// The standard names of stamps are words: "NotApproved" (ISO 32000-1, 12.5.6.12).
		if text := words(string(w.file.Name(d["Name"]))); text != "" {
			return text
		}
		return w.textOf(d)
	}
	return ""
}

// maxDescription is how many characters of text beneath an annotation describe it.
const maxDescription = 300

// maxCompared bounds how often text is compared with the areas of annotations in one document.
const maxCompared = 200_000_000

// textBeneath gives the text that an annotation covers.
func (w *work) textBeneath(d pdf.Dict, page int) string {
	r, ok := w.file.Rectangle(d["Rect"])
	if !ok || page > len(w.shown) {
		return ""
	}
	if w.compared += len(w.shown[page-1].Runs()); w.compared > maxCompared {
		return ""
	}
	box := w.frames[page-1].Rect(r)
	var out strings.Builder
	for _, run := range w.shown[page-1].Runs() {
		if run.Hidden || run.Text == "" || !run.Box.Overlaps(box) {
			continue
		}
		text, baseline := covered(run, box), run.Baseline+run.Size/4
		if text == "" || baseline < box.Bottom || baseline > box.Top {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(text)
		if out.Len() > 4*maxDescription {
			break
		}
	}
	return shorten(strings.Join(strings.Fields(out.String()), " "), maxDescription)
}

// covered estimates which characters of a run lie in a box, all being about as wide.
func covered(run pagetext.Run, box pagetext.Rect) string {
	runes := []rune(run.Text)
	width := run.Box.Right - run.Box.Left
	if width <= 0 || run.Angle != 0 {
		return run.Text
	}
	at := func(x float64) int {
		return min(max(int((x-run.Box.Left)/width*float64(len(runes))+0.5), 0), len(runes))
	}
	from, to := at(box.Left), at(box.Right)
	if from == 0 && to == len(runes) || from >= to {
		if from >= to {
			return ""
		}
		return run.Text
	}
	// Words are taken whole: estimates are not exact to the letter.
	for from > 0 && from < len(runes) && runes[from-1] != ' ' && runes[from] != ' ' {
		from--
	}
	for to > from && to < len(runes) && runes[to] != ' ' && runes[to-1] != ' ' {
		to++
	}
	return string(runes[from:to])
}

// shorten cuts text to a number of characters.
func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return strings.TrimSpace(string(runes[:most-1])) + "…"
}

// targetText says where a link leads, as the document writes it.
func (w *work) targetText(d pdf.Dict) string {
	action, _ := w.file.Dict(d["A"])
	switch w.file.Name(action["S"]) {
	case "URI":
		uri, _ := w.file.String(action["URI"])
		return shorten(uri.Text(), maxDescription)
	case "GoToR", "Launch":
		if name, ok := w.file.String(action["F"]); ok {
			return name.Text()
		}
		spec, _ := w.file.Dict(action["F"])
		name, _ := w.file.String(spec["F"])
		return name.Text()
	case "Named":
		return words(string(w.file.Name(action["N"])))
	}
	destination := d["Dest"]
	if destination == nil {
		destination = action["D"]
	}
	if number := w.destinationPage(destination); number > 0 {
		return fmt.Sprintf("%d", number)
	}
	return ""
}

// words divides a name at its capitals and underscores: "NotApproved" is "Not Approved".
func words(name string) string {
	var out strings.Builder
	before := ' '
	for _, r := range name {
		if r == '_' || r == '.' || r == '-' {
			r = ' '
		}
		if r >= 'A' && r <= 'Z' && before >= 'a' && before <= 'z' {
			out.WriteByte(' ')
		}
		out.WriteRune(r)
		before = r
	}
	return strings.Join(strings.Fields(out.String()), " ")
}
