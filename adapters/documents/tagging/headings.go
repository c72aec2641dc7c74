package tagging

import (
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func headingLevel(kind pdf.Name) int {
	if len(kind) == 2 && kind[0] == 'H' && kind[1] >= '1' && kind[1] <= '6' {
		return int(kind[1] - '0')
	}
	return 0
}

// repairHeadings numbers headings so that no level is skipped, and does away with headings H beside numbered ones or
// more than one in a section (ISO 14289-1, 7.4).
func (w *work) repairHeadings(root *element) {
	plain, numbered, twice := 0, 0, false
	count := map[*element]int{}
	root.each(func(e, parent *element) {
		switch kind := w.standardKind(e.kind); {
		case kind == "H":
			plain++
			count[parent]++
			twice = twice || count[parent] > 1
		case headingLevel(kind) > 0:
			numbered++
		}
	})
	if plain > 0 && (numbered > 0 || twice) {
		w.numberHeadings(root, 1)
		rule := "7.4.4-1"
		if numbered > 0 {
			rule = "7.4.4-2"
		}
		w.fixed(rule, "", plain)
		w.flag("14-004", 0, "The levels of headings were found by how sections are nested")
	}
	var open []int
	last, moved := 0, 0
	root.each(func(e, _ *element) {
		level := headingLevel(w.standardKind(e.kind))
		if level == 0 {
			return
		}
		for len(open) > 0 && open[len(open)-1] >= level {
			open = open[:len(open)-1]
		}
		open = append(open, level)
		if want := len(open); level > last+1 || want != level && moved > 0 {
			w.setHeading(e, want)
			level = want
			moved++
		}
		last = level
	})
	if moved > 0 {
		w.fixed("7.4.2-1", "", moved)
		w.flag("14-005", 0, "Levels of headings were skipped; they were numbered anew")
	}
}

func (w *work) setHeading(e *element, level int) {
	e.kind = pdf.Name("H" + strconv.Itoa(min(level, 6)))
	e.dict["S"] = e.kind
}

// numberHeadings gives the headings H numbers by the sections around them.
func (w *work) numberHeadings(e *element, level int) {
	for _, k := range e.kids {
		if k.element == nil {
			continue
		}
		switch w.standardKind(k.element.kind) {
		case "H":
			w.setHeading(k.element, level)
		case "Sect", "Art", "Part":
			w.numberHeadings(k.element, level+w.hasHeading(e))
		default:
			w.numberHeadings(k.element, level)
		}
	}
}

// hasHeading is 1 for an element with a heading among its kids.
func (w *work) hasHeading(e *element) int {
	for _, k := range e.kids {
		if k.element != nil {
			if kind := w.standardKind(k.element.kind); kind == "H" || headingLevel(kind) > 0 {
				return 1
			}
		}
	}
	return 0
}
