package fontrepair

import (
	"maps"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// invisible is the text rendering mode that paints nothing (ISO 32000-1, table 106).
const invisible = 3

// Bounds on how deep forms are nested and graphics states are saved; what is deeper is not followed.
const (
	maxNesting = 40
	maxStates  = 4096
)

// usedFont is a font with the codes that the document shows with it.
type usedFont struct {
	*pdffont.Font
	dict pdf.Dict
	// codes tells of each code whether it is shown visibly.
	codes map[int]bool
	// visible tells that any is.
	visible bool
}

// sorted lists the codes.
func (u *usedFont) sorted() []int { return slices.Sorted(maps.Keys(u.codes)) }

// fontUses finds what text is shown with which font, in pages, forms, appearances, patterns and glyphs of Type 3 fonts.
type fontUses struct {
	*repairer
	fonts map[pdf.Ref]*usedFont
	// inPlace are the fonts written in place, which are looked up by their resources.
	inPlace map[placedFont]*usedFont
	order   []*usedFont
	seen    map[*pdf.Stream]bool
	spent   int
}

type placedFont struct {
	resources *pdf.Stream
	page      int
	name      pdf.Name
}

// textState is the part of the graphics state that tells how text is shown.
type textState struct {
	font *usedFont
	mode int64
}

func (r *repairer) fontUses() []*usedFont {
	u := fontUses{
		repairer: r, fonts: map[pdf.Ref]*usedFont{}, inPlace: map[placedFont]*usedFont{}, seen: map[*pdf.Stream]bool{},
	}
	for i, page := range r.pages {
		data, _ := r.file.Content(page)
		u.run(data, page.Resources, placedFont{page: i + 1}, textState{}, 0)
		list, _ := r.file.Array(page.Dict["Annots"])
		for _, o := range list {
			if d, ok := r.file.Dict(o); ok {
				u.appearances(d["AP"], page.Resources, i+1)
			}
		}
	}
	return u.order
}

func (u *fontUses) appearances(o pdf.Object, outer pdf.Dict, page int) {
	appearances, _ := u.file.Dict(o)
	for _, which := range []pdf.Name{"N", "D", "R"} {
		switch v := u.file.Resolve(appearances[which]).(type) {
		case *pdf.Stream:
			u.form(v, outer, page, textState{}, 1)
		case pdf.Dict:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if s, ok := u.file.Stream(v[key]); ok {
					u.form(s, outer, page, textState{}, 1)
				}
			}
		}
	}
}

// form runs a form, a pattern or a glyph, once.
func (u *fontUses) form(s *pdf.Stream, outer pdf.Dict, page int, state textState, depth int) {
	if u.seen[s] || depth > maxNesting {
		return
	}
	u.seen[s] = true
	resources, own := u.file.Dict(s.Dict["Resources"])
	where := placedFont{resources: s}
	if !own {
		resources, where = outer, placedFont{page: page}
	}
	data, _ := u.file.Decode(s)
	u.run(data, resources, where, state, depth)
}

func (u *fontUses) run(data []byte, resources pdf.Dict, where placedFont, state textState, depth int) {
	fonts, _ := u.file.Dict(resources["Font"])
	objects, _ := u.file.Dict(resources["XObject"])
	var saved []textState
	scanner := pdf.NewScanner(data, pdf.Limits{})
	for u.spent < u.operations {
		op, ok := scanner.Next()
		if !ok {
			return
		}
		u.spent++
		args := op.Operands
		switch op.Operator {
		case "q":
			if len(saved) < maxStates {
				saved = append(saved, state)
			}
		case "Q":
			if n := len(saved); n > 0 {
				state, saved = saved[n-1], saved[:n-1]
			}
		case "Tr":
			if len(args) > 0 {
				n, _ := pdf.Number(args[0])
				state.mode = int64(n)
			}
		case "Tf":
			if len(args) > 0 {
				name, _ := args[0].(pdf.Name)
				where.name = name
				state.font = u.font(fonts[name], where, resources, depth)
			}
		case "gs":
			states, _ := u.file.Dict(resources["ExtGState"])
			gs, _ := u.file.Dict(states[lastName(args)])
			if list, ok := u.file.Array(gs["Font"]); ok && len(list) > 0 {
				if _, isRef := list[0].(pdf.Ref); isRef {
					state.font = u.font(list[0], where, resources, depth)
				}
			}
		case "Tj", "'", "\"", "TJ":
			state.show(args)
		case "Do":
			if s, ok := u.file.Stream(objects[lastName(args)]); ok && u.file.Name(s.Dict["Subtype"]) == "Form" {
				u.form(s, resources, where.page, state, depth+1)
			}
		case "scn", "SCN":
			patterns, _ := u.file.Dict(resources["Pattern"])
			if s, ok := u.file.Stream(patterns[lastName(args)]); ok {
				u.form(s, resources, where.page, state, depth+1)
			}
		}
	}
}

func lastName(args []pdf.Object) pdf.Name {
	if len(args) == 0 {
		return ""
	}
	name, _ := args[len(args)-1].(pdf.Name)
	return name
}

// font finds or reads a font. A Type 3 font's glyphs may show text of other fonts.
func (u *fontUses) font(o pdf.Object, where placedFont, outer pdf.Dict, depth int) *usedFont {
	d, ok := u.file.Dict(o)
	if !ok {
		return nil
	}
	ref, isRef := o.(pdf.Ref)
	if isRef {
		if known := u.fonts[ref]; known != nil {
			return known
		}
	} else if known := u.inPlace[where]; known != nil {
		return known
	}
	used := &usedFont{Font: pdffont.Read(u.file, d), dict: d, codes: map[int]bool{}}
	if isRef {
		u.fonts[ref] = used
	} else {
		u.inPlace[where] = used
	}
	u.order = append(u.order, used)
	if used.Subtype == "Type3" {
		resources := outer
		if used.Resources != nil {
			resources = used.Resources
		}
		for _, name := range slices.Sorted(maps.Keys(used.Procedures)) {
			if s, ok := u.file.Stream(used.Procedures[name]); ok {
				u.form(s, resources, where.page, textState{}, depth+1)
			}
		}
	}
	return used
}

// show notes the codes of a shown string.
func (s textState) show(args []pdf.Object) {
	if s.font == nil || len(args) == 0 {
		return
	}
	switch v := args[len(args)-1].(type) {
	case pdf.String:
		s.font.use(string(v), s.mode)
	case pdf.Array:
		for _, o := range v {
			if text, ok := o.(pdf.String); ok {
				s.font.use(string(text), s.mode)
			}
		}
	}
}

func (u *usedFont) use(text string, mode int64) {
	shown := mode != invisible
	u.visible = u.visible || shown
	if u.Subtype != "Type0" {
		for i := range len(text) {
			u.note(int(text[i]), shown)
			if text[i] == '\n' {
				// A carriage return in a string is a line feed (ISO 32000-1, 7.3.4.2), which not all readers heed.
				u.note('\r', shown)
			}
		}
		return
	}
	for _, code := range u.Codes(text) {
		u.note(code, shown)
	}
}

func (u *usedFont) note(code int, shown bool) { u.codes[code] = u.codes[code] || shown }
