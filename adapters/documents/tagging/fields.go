package tagging

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// labelDistance is how far a label may lie from its field, in points.
const labelDistance = 40

// nameField gives a form field the name that assistive technology says (ISO 14289-1, 7.18.1): the label printed beside
// it, else the field's own partial name.
func (w *work) nameField(widget pdf.Dict, page int) {
	field := widget
	if widget["T"] == nil {
		if parent, ok := w.file.Dict(widget["Parent"]); ok {
			field = parent
		}
	}
	if text, ok := w.file.String(field["TU"]); ok && text.Text() != "" {
		return
	}
	name, _ := w.file.String(field["T"])
	if label := w.label(widget, page); label != "" {
		field["TU"] = pdf.TextString(label)
		w.fixed("7.18.1-3", "", 1)
		w.flag("28-005", page, "The name of a form field was taken from the text beside it: "+label)
		return
	}
	if text := words(name.Text()); text != "" {
		field["TU"] = pdf.TextString(text)
		w.fixed("7.18.1-3", "", 1)
		w.flag("28-005", page, "The name of a form field was taken from its internal name: "+text)
		return
	}
	w.flag("7.18.1-3", page, "A form field has no name")
}

// label finds the text that labels a widget: to the right of a check box or radio button, else to the left or above.
func (w *work) label(widget pdf.Dict, page int) string {
	r, ok := w.file.Rectangle(widget["Rect"])
	if !ok || page > len(w.shown) {
		return ""
	}
	if w.compared += len(w.shown[page-1].Runs); w.compared > maxCompared {
		return ""
	}
	box := w.frames[page-1].Rect(r)
	after := w.file.Name(widget["FT"]) == "Btn"
	if parent, ok := w.file.Dict(widget["Parent"]); ok && w.file.Name(parent["FT"]) == "Btn" {
		after = true
	}
	best, text := 3.0*labelDistance, ""
	for _, run := range w.shown[page-1].Runs {
		t := strings.Trim(strings.Join(strings.Fields(run.Text), " "), " :._*")
		if run.Hidden || t == "" || !strings.ContainsFunc(t, isLetter) {
			continue
		}
		if gap := labelGap(run, box, after); gap < best {
			best, text = gap, t
		}
	}
	return shorten(text, maxDescription)
}

// labelGap is how badly a run suits as label of a box; text on the expected side suits better than that above.
func labelGap(run pagetext.Run, box pagetext.Rect, after bool) float64 {
	const far = 1e9
	middle := (run.Box.Bottom + run.Box.Top) / 2
	beside := middle > box.Bottom-2 && middle < box.Top+2
	left, right := box.Left-run.Box.Right, run.Box.Left-box.Right
	switch {
	case beside && after && right > -3 && right < labelDistance:
		return max(right, 0)
	case beside && left > -3 && left < 2*labelDistance:
		if after {
			return max(left, 0) + labelDistance
		}
		return max(left, 0)
	case !after && run.Box.Bottom >= box.Top-2 && run.Box.Bottom-box.Top < labelDistance/2 &&
		run.Box.Left < box.Right && run.Box.Right > box.Left:
		return run.Box.Bottom - box.Top + labelDistance/2
	}
	return far
}
