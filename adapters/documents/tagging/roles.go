package tagging

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// standardKinds are the structure types of ISO 32000-1, 14.8.4.
var standardKinds = func() map[pdf.Name]bool {
	out := map[pdf.Name]bool{}
	for kind := range strings.FieldsSeq(`Document Part Art Sect Div BlockQuote Caption TOC TOCI Index NonStruct Private P H H1
		H2 H3 H4 H5 H6 L LI Lbl LBody Table TR TH TD THead TBody TFoot Span Quote Note Reference BibEntry Code Link Annot
		Ruby Warichu RB RT RP WT WP Figure Formula Form`) {
		out[pdf.Name(kind)] = true
	}
	return out
}()

// standardKind resolves a type by the role map.
func (w *work) standardKind(kind pdf.Name) pdf.Name {
	for range maxDepth {
		if standardKinds[kind] || w.roles[kind] == "" {
			return kind
		}
		kind = w.roles[kind]
	}
	return kind
}

// repairRoles maps the types that are not mapped to a standard one, and takes out mappings of standard types and in
// circles (ISO 14289-1, 7.1).
func (w *work) repairRoles(root *element) {
	d, _ := w.file.Dict(root.dict["RoleMap"])
	w.roles = map[pdf.Name]pdf.Name{}
	for from, to := range d {
		if name := w.file.Name(to); name != "" {
			w.roles[from] = name
		}
	}
	changed := false
	for _, from := range slices.Sorted(maps.Keys(w.roles)) {
		switch {
		case standardKinds[from]:
			// Only mappings that are used fail; taking out the others changes nothing.
			delete(w.roles, from)
			w.fixed("7.1-7", "", 1)
			changed = true
		case w.inCircle(from):
			delete(w.roles, from)
			w.fixed("7.1-6", "", 1)
			changed = true
		}
	}
	root.each(func(e, parent *element) {
		if kind := w.standardKind(e.kind); standardKinds[kind] {
			return
		}
		if e.kind == "" {
			e.kind = "NonStruct"
			e.dict["S"] = e.kind
			return
		}
		kind := w.standardKind(e.kind)
		guess := guessRole(e, w.standardKind(parent.kind))
		w.roles[kind] = guess
		changed = true
		w.fixed("7.1-5", "", 1)
		w.flag("02-002", e.page, fmt.Sprintf("The tag %s had no meaning; it was taken for %s", shorten(string(kind), 60), guess))
	})
	if !changed {
		return
	}
	out := pdf.Dict{}
	for from, to := range w.roles {
		out[from] = to
	}
	delete(root.dict, "RoleMap")
	if len(out) > 0 {
		root.dict["RoleMap"] = out
	}
}

func (w *work) inCircle(kind pdf.Name) bool {
	seen := map[pdf.Name]bool{}
	for !seen[kind] {
		seen[kind] = true
		next, ok := w.roles[kind]
		if !ok || standardKinds[kind] {
			return false
		}
		kind = next
	}
	return true
}

// rolesByName are parts of names that word processors and authors give to their own types.
var rolesByName = []struct {
	part string
	kind pdf.Name
}{
	{"heading1", "H1"},
	{"heading2", "H2"},
	{"heading3", "H3"},
	{"heading4", "H4"},
	{"heading5", "H5"},
	{"heading6", "H6"},
	{"title", "H1"},
	{"footnote", "Note"},
	{"endnote", "Note"},
	{"caption", "Caption"},
	{"listitem", "LI"},
	{"quote", "BlockQuote"},
	{"figure", "Figure"},
	{"image", "Figure"},
	{"link", "Link"},
	{"chapter", "Sect"},
	{"section", "Sect"},
	{"article", "Art"},
	{"para", "P"},
	{"body", "P"},
	{"text", "P"},
	{"standard", "P"},
	{"normal", "P"},
	{"strong", "Span"},
	{"emphasis", "Span"},
	{"em", "Span"},
	{"sub", "Span"},
	{"sup", "Span"},
}

// guessRole finds the standard type that is nearest to a type of the author's own: by its name, else by what it holds.
func guessRole(e *element, parent pdf.Name) pdf.Name {
	name := strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(string(e.kind)))
	for _, r := range rolesByName {
		if strings.Contains(name, r.part) && (len(r.part) > 3 || name == r.part) && r.kind != "LI" {
			return r.kind
		}
	}
	holdsBlocks, holdsContent := false, false
	for _, k := range e.kids {
		if k.element != nil && k.element.kind != "Span" && k.element.kind != "Link" {
			holdsBlocks = true
		}
		if k.element == nil {
			holdsContent = true
		}
	}
	switch {
	case holdsBlocks || !holdsContent:
		return "Div"
	case isGrouping(parent) || parent == "StructTreeRoot":
		return "P"
	}
	return "Span"
}
