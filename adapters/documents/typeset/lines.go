package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// line is a stretch of a paragraph that is set in one line.
type line struct {
	start, end int
	// shown is where the spaces at its end begin.
	shown  int
	width  float64
	forced bool // a line break was asked for, or the paragraph ends
	hyphen bool
}

// lines sets a paragraph in lines.
func (l *layouter) lines(p *paragraph, x, width float64, c *cursor) {
	if p.empty() {
		return
	}
	c.resolve()
	for _, f := range p.floats {
		l.float(f, x, width, c)
	}
	p.shape(l)
	l.measureObjects(p, width)
	indent := p.style.Indent.Of(width, 0)
	indent = min(max(indent, -x), width/2)
	orphans, widows := p.style.Orphans, p.style.Widows
	var tops, bottoms []float64 // of the first lines, and of the last ones in turn
	recent := make([]extent, 0, widows)
	count := 0
	for start := 0; start < len(p.text) && !l.full(c.y); {
		left, right := c.floats.room(c.y, x, x+width)
		first := indent
		if count > 0 {
			first = 0
		}
		ln := p.breakLine(start, right-left-first)
		if ln.start >= len(p.text) {
			break // only spaces were left
		}
		if ln.width > right-left-first+0.01 && right-left < width-0.01 {
			if below, ok := c.floats.next(c.y); ok {
				c.y = below
				continue
			}
		}
		top := c.y
		l.placeLine(p, ln, left+first, right, c)
		if c.y-top <= l.sheet.innerHeight()+0.1 {
			l.strip.atoms = append(l.strip.atoms, extent{top, c.y})
		}
		if count < orphans {
			tops, bottoms = append(tops, top), append(bottoms, c.y)
		}
		if len(recent) == widows {
			recent = append(recent[:0], recent[1:]...)
		}
		recent = append(recent, extent{top, c.y})
		count++
		start = ln.end
	}
	if count > 0 {
		from := tops[0]
		if c.keeping {
			from, c.keeping = c.keepFrom, false
		}
		l.keep(from, bottoms[len(bottoms)-1])
		if count > 1 {
			l.keep(recent[0].top, recent[len(recent)-1].bottom)
		}
	}
	p.release()
}

// release lets go of what was needed for the layout alone.
func (p *paragraph) release() {
	p.glyphs, p.starts, p.advances, p.breaks, p.levels = nil, nil, nil, nil, nil
}

// measureObjects gives the boxes in a paragraph their widths.
func (l *layouter) measureObjects(p *paragraph, width float64) {
	start := 0
	for i := range p.spans {
		s := &p.spans[i]
		if s.object != nil {
			f := frameOf(s.object.style, width)
			var outer float64
			if s.object.picture != nil {
				w, _ := l.pictureSize(s.object, max(width-f.inner(), leastWidth))
				outer = w + f.inner()
			} else {
				outer, _ = l.widthOf(s.object, &f, width)
			}
			p.advances[start] = float32(outer + f.margin[style.Left] + f.margin[style.Right])
		}
		start = s.end
	}
}

// breakLine finds where a line ends that begins at a character and has some room.
func (p *paragraph) breakLine(start int, room float64) line {
	if p.collapses() {
		for start < len(p.text) && p.text[start] == ' ' {
			start++
		}
	}
	width := 0.0
	last := -1 // the last place where the line may end
	end := len(p.text)
	forced := true
	for i := start; i < len(p.text); i++ {
		r := p.text[i]
		if r == '\n' {
			end = i + 1
			break
		}
		if i > start && p.breaks[i] && (p.text[i-1] != softHyphen || width+p.hyphenWidth(i-1) <= room+0.01) {
			last = i
		}
		advance := float64(p.advances[i])
		if r != ' ' && i > start && advance > 0 && width+advance > room+0.01 {
			forced = false
			if last > start {
				end = last
				break
			}
			// A word that is too long is torn between clusters.
			end = i
			for end > start+1 && p.starts[end] < 0 && p.text[end] != objectMark {
				end--
			}
			break
		}
		width += advance
	}
	ln := line{start: start, end: end, shown: end, forced: forced}
	if ln.shown > start && p.text[ln.shown-1] == '\n' {
		ln.shown--
	}
	for ln.shown > start && p.text[ln.shown-1] == ' ' {
		ln.shown--
	}
	for i := start; i < ln.shown; i++ {
		ln.width += float64(p.advances[i])
	}
	if !forced && ln.shown > start && p.text[ln.shown-1] == softHyphen {
		ln.hyphen = true
		ln.width += p.hyphenWidth(ln.shown - 1)
	}
	return ln
}

// collapses tells whether spaces at the beginning of lines vanish.
func (p *paragraph) collapses() bool { return p.style.Space != "pre" && p.style.Space != "pre-wrap" }

func (p *paragraph) hyphenWidth(i int) float64 {
	s := p.spans[min(p.spanAt(i), len(p.spans)-1)].style
	face := embedfont.Liberation(s.Family, s.Face())
	if g, ok := face.Glyph('-'); ok {
		return face.Advance(g) * s.Size / emSize
	}
	return 0
}

// lineHeight is the height of a line of text in a style.
func lineHeight(s *style.Style) float64 {
	above, below := strut(s)
	return above + below
}

// strut gives how far a line of text reaches above and below the baseline (CSS 2.2, 10.8.1).
func strut(s *style.Style) (above, below float64) {
	face := embedfont.Liberation(s.Family, s.Face())
	ascent, descent := face.Ascent*s.Size/emSize, -face.Descent*s.Size/emSize
	height := ascent + descent + face.LineGap*s.Size/emSize
	if !s.LineHeight.Auto {
		height = s.LineHeight.Points + s.LineHeight.Share*s.Size
	}
	leading := height - ascent - descent
	return ascent + leading/2, descent + leading/2
}
