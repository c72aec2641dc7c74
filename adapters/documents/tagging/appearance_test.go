package tagging_test

import (
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// TestAnnotations describes annotations from themselves and from what they cover, and hides those that show nothing and
// say nothing.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	const (
		shows  = "BT /F 10 Tf 2 5 Td (Paid in full) Tj ET"
		place  = "/Rect[72 500 200 520]"
		over   = "/Rect[72 675 300 695]" // a line of text of the page
		dead   = "/Subtype/Link/A<</S/GoTo/D[99 0 R/Fit]>>"
		nobody = "/Border[0 0 0]"
	)
	for name, tt := range map[string]struct {
		annotation, appearance, want string
		hidden                       bool
	}{
		"a text box from its appearance":     {"/Subtype/FreeText" + place, shows, "Paid in full", false},
		"a text box from its rich text":      {"/Subtype/FreeText/RC(<p>Paid <b>late</b></p>)" + place, "", "Paid late", false},
		"a stamp from its appearance":        {"/Subtype/Stamp" + place, shows, "Paid in full", false},
		"a stamp from its name":              {"/Subtype/Stamp/Name/NotApproved" + place, shows, "Not Approved", false},
		"a rectangle from what it surrounds": {"/Subtype/Square" + over, "1 1 20 20 re S", "It rained in the first week of the year, and it did", false},
		"a rectangle around nothing":         {"/Subtype/Square" + place, "1 1 20 20 re S", "Square without description on page 1", false},
		"a sound from its title":             {"/Subtype/Sound/T(Rain)" + place, "", "Rain", false},
		"a text box that shows nothing":      {"/Subtype/FreeText" + place, "q Q", "", true},
		"ink without strokes":                {"/Subtype/Ink" + place, "0 0 m", "", true},
		"a pop-up without text":              {"/Subtype/Popup" + place, "", "", true},
		"a link to nowhere over nothing":     {dead + nobody + place, "", "", true},
		"a link to nowhere with a border":    {dead + place, "", "", false},
		"a link to nowhere over text":        {dead + nobody + over, "", "It rained in the first week of the year, and it did", false},
		"a link that runs a script":          {"/Subtype/Link/A<</S/JavaScript/JS(x)>>" + nobody + place, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries := tt.annotation
			if tt.appearance != "" {
				entries += "/AP<</N 6 0 R>>"
			}
			file := pdftest.OnePage(report, fonts+"/Annots[5 0 R]")
			file.Add("<</Type/Annot" + entries + ">>")
			file.Stream("/Type/XObject/Subtype/Form/BBox[0 0 128 20]"+fonts, []byte(tt.appearance))
			after, _, err := process(file.Bytes(), tagging.Options{Title: "Rain"})
			if err != nil {
				t.Fatal(err)
			}
			f, err := pdf.Open(after, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			pages, err := f.Pages(1)
			if err != nil {
				t.Fatal(err)
			}
			list, _ := f.Array(pages[0].Dict["Annots"])
			d, ok := f.Dict(list[0])
			if !ok {
				t.Fatal("the annotation is gone")
			}
			text, _ := f.String(d["Contents"])
			flags, _ := f.Integer(d["F"])
			if got := text.Text(); got != tt.want || flags&2 != 0 != tt.hidden {
				t.Errorf("described as %q, hidden is %v; want %q and %v", got, flags&2 != 0, tt.want, tt.hidden)
			}
		})
	}
}
