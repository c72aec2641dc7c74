package pdfhtml

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// style is how text is told from that around it.
type style struct{ bold, italic, mono, up, down bool }

func (s style) and(other style) style {
	return style{
		s.bold && other.bold, s.italic && other.italic, s.mono && other.mono, s.up && other.up, s.down && other.down,
	}
}

// tags gives the elements of a style, the outermost first.
func (s style) tags() []string {
	var out []string
	for _, e := range []struct {
		is  bool
		tag string
	}{{s.bold, "strong"}, {s.italic, "em"}, {s.mono, "code"}, {s.up, "sup"}, {s.down, "sub"}} {
		if e.is {
			out = append(out, e.tag)
		}
	}
	return out
}

// usual is what most text of the document looks like, which then is no emphasis.
type usual struct{ bold, italic, mono bool }

// usualShare is the part of the text from which on a style is usual.
const usualShare = 0.6

// prepare looks at the whole document once before it is written: its usual style, its words, its headings and notes.
func (b *builder) prepare(root *structure.Node) {
	b.vocabulary = map[string]bool{}
	var all, bold, italic, mono int
	b.eachRun(root, func(_ int, run *pagetext.Run) bool {
		length := len(run.Text)
		all += length
		bold += length * one(run.Bold)
		italic += length * one(run.Italic)
		mono += length * one(run.Mono)
		b.learn(run)
		return true
	})
	most := int(math.Ceil(float64(all) * usualShare))
	b.usual = usual{bold: bold > most, italic: italic > most, mono: mono > most}
	b.findNotes(root)
	b.findDrawings(root)
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// styleOf gives the style of a run as far as the element around it does not have it by itself.
func (b *builder) styleOf(run *pagetext.Run, m manner) style {
	if run == nil {
		return style{}
	}
	return style{
		bold: run.Bold && !b.usual.bold && !m.plain.bold, italic: run.Italic && !b.usual.italic && !m.plain.italic,
		mono: run.Mono && !b.usual.mono && !m.plain.mono,
	}
}

const (
	// smaller is the size of raised or lowered text at the most, as a part of that beside it: browsers make it 5/6.
	smaller = 0.88
	// raised and lowered are by how much of an em of the text beside it the baseline differs at the least.
	raised, lowered = 0.15, 0.07
	// furthest is by how much at the most: what is further away is on another line.
	furthest = 0.75
)

// level finds text that is raised or lowered: smaller than the usual text of the block, and beside such text on another
// baseline.
func level(segments []segment) {
	size := dominantSize(segments)
	if size == 0 {
		return
	}
	var reference *pagetext.Run
	var waiting []int
	place := func(i int, beside *pagetext.Run) bool {
		s := &segments[i]
		delta := (s.run.Baseline - beside.Baseline) / size
		if math.Abs(s.run.Box.Left-beside.Box.Left) > 1000 || s.run.Angle != beside.Angle || math.Abs(delta) > furthest {
			return false
		}
		s.style.up, s.style.down = delta > raised, delta < -lowered
		return true
	}
	for i := range segments {
		s := &segments[i]
		if s.run == nil || s.raised || strings.TrimSpace(s.text) == "" {
			continue
		}
		if s.run.Size > smaller*size {
			reference = s.run
			for _, j := range waiting {
				if segments[j].page == s.page {
					place(j, reference)
				}
			}
			waiting = waiting[:0]
			continue
		}
		if reference == nil || !place(i, reference) {
			waiting = append(waiting, i)
		}
	}
}

// dominantSize gives the size of most text.
func dominantSize(segments []segment) float64 {
	lengths := map[int]int{}
	best, size := 0, 0.0
	for _, s := range segments {
		if s.run == nil {
			continue
		}
		key := int(math.Round(s.run.Size * 4))
		lengths[key] += utf8.RuneCountInString(s.text)
		if lengths[key] > best {
			best, size = lengths[key], s.run.Size
		}
	}
	return size
}
