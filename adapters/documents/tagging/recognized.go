package tagging

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// maxRecognized bounds how many words are written on one page.
const maxRecognized = 100_000

// addRecognized writes recognised text onto its pages, invisible, where the images show it.
func (w *work) addRecognized() {
	layer := textLayer{work: w, font: embedfont.Composite(w.file, embedfont.Liberation(embedfont.Sans, embedfont.Style{}))}
	for _, number := range slices.Sorted(maps.Keys(w.options.Recognized)) {
		words := w.options.Recognized[number]
		if number < 1 || number > len(w.pages) || len(words) == 0 {
			continue
		}
		layer.write(number, words[:min(len(words), maxRecognized)])
		w.flag("08-001", number, "The text of the page was recognised by a program")
	}
	layer.font.Finish()
	if layer.missing > 0 {
		w.warn("%d recognised characters are missing in the text, since no font has them.", layer.missing)
	}
}

// textLayer writes text that is not painted.
type textLayer struct {
	*work
	font    *embedfont.Embedding
	missing int
}

// layerFont is the name of the font in the resources of a page.
const layerFont = "PWRecognized"

// write puts the words of a page behind its content, which is closed in a graphics state of its own.
func (l *textLayer) write(number int, words []Word) {
	page := &l.pages[number-1]
	frame := pagetext.NewFrame(l.file, *page)
	var out strings.Builder
	out.WriteString("\nQ\nBT\n3 Tr\n")
	for start := 0; start < len(words); {
		end := start + 1
		for end < len(words) && words[end].Line == words[start].Line {
			end++
		}
		l.line(&out, frame, words[start:end])
		start = end
	}
	out.WriteString("ET\n")
	contents := pdf.Array{l.file.Add(pdf.NewStream(nil, []byte("q\n")))}
	switch v := l.file.Resolve(page.Dict["Contents"]).(type) {
	case pdf.Array:
		contents = append(contents, v...)
	case *pdf.Stream:
		contents = append(contents, page.Dict["Contents"])
	}
	page.Dict["Contents"] = append(contents, l.file.Add(pdf.NewStream(nil, []byte(out.String()))))
	resources := maps.Clone(page.Resources)
	if resources == nil {
		resources = pdf.Dict{}
	}
	fonts, _ := l.file.Dict(resources["Font"])
	fonts = maps.Clone(fonts)
	if fonts == nil {
		fonts = pdf.Dict{}
	}
	fonts[layerFont] = l.font.Ref
	resources["Font"] = fonts
	page.Dict["Resources"], page.Resources = resources, resources
}

// line writes the words of a line, each as wide as it is in the image. They have a common baseline and size, so that
// they are read as one line.
func (l *textLayer) line(out *strings.Builder, frame pagetext.Frame, words []Word) {
	bottom, top := words[0].Bottom, words[0].Top
	for _, word := range words {
		bottom, top = min(bottom, word.Bottom), max(top, word.Top)
	}
	face := l.font.Face()
	size := (top - bottom) / (face.Ascent - face.Descent) * 1000
	baseline := bottom - face.Descent*size/1000
	for i, word := range words {
		text := word.Text
		if i+1 < len(words) {
			text += " "
		}
		codes, width := l.encode(text)
		if width <= 0 || size <= 0 || word.Right <= word.Left {
			continue
		}
		if i+1 < len(words) { // the space takes what is between the words
			width -= face.Advance(spaceGlyph(face))
		}
		stretch := 100 * (word.Right - word.Left) / (width * size / 1000)
		// The text matrix turns the text as the page is turned back.
		x, y := inverse(frame, word.Left, baseline)
		rightX, rightY := inverse(frame, word.Left+1, baseline)
		upX, upY := inverse(frame, word.Left, baseline+1)
		fmt.Fprintf(out, "/%s %.3f Tf %.3f Tz %.4f %.4f %.4f %.4f %.3f %.3f Tm <%s> Tj\n", layerFont, size, stretch,
			rightX-x, rightY-y, upX-x, upY-y, x, y, codes)
	}
}

func spaceGlyph(face *embedfont.Face) int {
	glyph, _ := face.Glyph(' ')
	return glyph
}

// encode gives the codes of a text in hexadecimal, and its width in thousandths of an em. A character that the font
// lacks is written by the glyph of a question mark, which nobody sees, with the character as its meaning.
func (l *textLayer) encode(text string) (codes string, width float64) {
	face := l.font.Face()
	var out strings.Builder
	for _, r := range text {
		glyph, ok := face.Glyph(r)
		if !ok {
			glyph, _ = face.Glyph('?')
		}
		code, ok := l.font.Use(glyph, string(r))
		if !ok {
			l.missing++
			continue
		}
		fmt.Fprintf(&out, "%04X", code)
		width += face.Advance(glyph)
	}
	return out.String(), width
}
