package typeset

import (
	"slices"
)

// lineWriter writes the glyphs of a line as items.
type lineWriter struct {
	l    *layouter
	p    *paragraph
	line line
	x    float64
	// extra widens spaces.
	extra                 float64
	baseline, top, bottom float64
	objects               map[int]*object

	// The run that is being written.
	show  showText
	run   *textRun
	span  int
	from  float64
	odd   bool // its codes do not tell its text
	chars [2]int
}

// write goes through the line.
func (w *lineWriter) write() {
	if w.p.levels == nil {
		w.stretch(w.line.start, w.line.shown, false)
	} else {
		w.mixed()
	}
	if w.line.hyphen {
		w.hyphen()
	} else if w.line.end < len(w.p.text) && w.line.shown > w.line.start && w.line.shown < w.line.end {
		w.separator()
	}
	w.flush()
}

// mixed places the stretches of a line in visual order (Unicode Standard Annex 9, L2) and writes them in the order in
// which they are read.
func (w *lineWriter) mixed() {
	parts := visual(w.p.levels, w.line.start, w.line.shown)
	lefts := map[int]float64{}
	x := w.x
	for _, part := range parts {
		lefts[part[0]] = x
		for i := part[0]; i < part[1]; i++ {
			x += float64(w.p.advances[i])
			if w.p.text[i] == ' ' {
				x += w.extra
			}
		}
	}
	slices.SortFunc(parts, func(a, b [2]int) int { return a[0] - b[0] })
	for _, part := range parts {
		w.x = lefts[part[0]]
		w.stretch(part[0], part[1], w.p.levels[part[0]]%2 == 1)
		w.flush()
	}
}

// visual gives the stretches of one level in the order in which they stand from the left.
func visual(levels []uint8, start, end int) [][2]int {
	var parts [][2]int
	highest := uint8(0)
	for i := start; i < end; {
		k := i
		for k < end && levels[k] == levels[i] {
			k++
		}
		parts = append(parts, [2]int{i, k})
		highest = max(highest, levels[i])
		i = k
	}
	for level := highest; level > 0; level-- {
		for i := 0; i < len(parts); {
			k := i
			for k < len(parts) && levels[parts[k][0]] >= level {
				k++
			}
			slices.Reverse(parts[i:k])
			i = max(k, i+1)
		}
	}
	return parts
}

// stretch writes characters of one direction.
func (w *lineWriter) stretch(start, end int, leftwards bool) {
	if start >= end {
		return
	}
	if !leftwards {
		span := w.p.spanAt(start)
		for i := start; i < end; i++ {
			for w.p.spans[span].end <= i {
				span++
			}
			w.character(i, span, false)
		}
		return
	}
	for i := end - 1; i >= start; i-- {
		w.character(i, w.p.spanAt(i), true)
	}
}

// character writes the cluster that begins at a character, if one does.
func (w *lineWriter) character(i, span int, leftwards bool) {
	s := &w.p.spans[span]
	if s.anchor != "" && (span == 0 && i == 0 || span > 0 && w.p.spans[span-1].end == i) {
		w.l.strip.targets = append(w.l.strip.targets, &target{s.anchor, destination{w.x, w.top, true}})
	}
	advance := float64(w.p.advances[i])
	switch {
	case s.object != nil:
		w.flush()
		w.object(span, advance)
		w.x += advance
		return
	case s.gap != 0:
		w.flush()
		if s.fill != nil {
			w.fill(s, w.x, advance)
		}
		w.x += advance
		return
	}
	first := w.p.starts[i]
	if first < 0 {
		w.x += advance
		return
	}
	cluster := w.cluster(int(first), i)
	used := 0.0
	for k := range cluster {
		g := &cluster[k]
		if leftwards {
			g = &cluster[len(cluster)-1-k]
		}
		w.glyph(g, w.textOf(g, k, len(cluster), leftwards), span)
		used += float64(g.advance) * s.style.Size / emSize
	}
	if w.run != nil {
		w.chars[0], w.chars[1] = min(w.chars[0], i), max(w.chars[1], i+int(cluster[0].runes))
	}
	gap := advance - used
	if w.p.text[i] == ' ' {
		gap += w.extra
	}
	if w.run != nil && s.style.Size > 0 {
		w.show.gap(gap / s.style.Size * emSize)
	}
	w.x += used + gap
}

// cluster gives the glyphs of a cluster.
func (w *lineWriter) cluster(first, char int) []glyph {
	end := first + 1
	for end < len(w.p.glyphs) && int(w.p.glyphs[end].first) == char {
		end++
	}
	return w.p.glyphs[first:end]
}

// textOf gives the text for the k-th glyph of a cluster in the order of drawing: where there are as many glyphs as
// characters each stands for one. Where there are more, the run says its text itself.
func (w *lineWriter) textOf(g *glyph, k, count int, leftwards bool) string {
	runes := w.p.text[g.first:min(int(g.first)+int(g.runes), len(w.p.text))]
	if leftwards {
		k = count - 1 - k
	}
	switch {
	case count == 1:
		return string(runes)
	case count > len(runes):
		w.odd = true
		return string(runes)
	case k == count-1:
		return string(runes[k:])
	}
	return string(runes[k : k+1])
}

// glyph writes one glyph; a new run begins where font, style or link change.
func (w *lineWriter) glyph(g *glyph, text string, span int) {
	s := &w.p.spans[span]
	font, code, ok := w.l.fonts.use(g.face, int(g.id), text)
	if !ok {
		return
	}
	if w.run == nil || w.run.font != font || w.span != span {
		odd := w.odd
		w.flush()
		w.run = &textRun{font: font, style: s.style}
		w.span, w.from, w.odd = span, w.x, odd
		w.chars = [2]int{int(g.first), int(g.first)}
	}
	rise := s.style.Rise
	if g.dy != 0 {
		rise += float64(g.dy) * s.style.Size / emSize
	}
	w.show.lift(rise)
	w.show.gap(float64(g.dx))
	w.show.code(code)
	w.show.gap(float64(g.advance) - g.face.Advance(int(g.id)) - float64(g.dx))
}

// flush ends the run and puts it on the strip.
func (w *lineWriter) flush() {
	if w.run == nil {
		w.odd = false
		return
	}
	s := &w.p.spans[w.span]
	w.show.lift(0)
	w.show.end()
	w.run.show = slices.Clip(w.show.out)
	if w.odd {
		w.run.actual = string(w.p.text[w.chars[0]:min(w.chars[1], len(w.p.text))])
	}
	width := w.x - w.from
	w.fill(s, w.from, width)
	w.strokes(s.style, width)
	w.l.strip.items = append(w.l.strip.items, item{
		x: w.from, y: w.baseline, top: w.top, bottom: w.bottom, width: width, slot: s.slot, link: s.link, text: w.run,
	})
	w.show, w.run, w.odd = showText{}, nil, false
}
