package pdfua

import (
	"strings"
	"sync"
)

// Manual is a condition of the Matterhorn Protocol that only a person can judge.
type Manual struct {
	// Matterhorn is the failure condition.
	Matterhorn string
	Title      string
	// applies tells from the facts whether there is anything to judge.
	applies func(Facts) bool
}

// manualTable has a condition in each line: number, what it applies to, what to look at.
const manualTable = `
01-001 tagged|Is nothing decorative tagged as content?
01-002 tagged|Is no real content marked as artifact?
01-006 tagged|Does each tag say what its content is?
02-002 tagged|Are the document's own tags mapped to the right standard tags?
03-001 any|Is the content free of flashing and flicker?
03-002 scripts|Do scripts make nothing flash or flicker?
03-003 media|Are media free of flashing and flicker?
04-001 any|Is nothing said by colour, contrast or layout alone?
05-001 media|Is what can be heard available in another form too?
05-002 media|Is what can be seen in media available in another form too?
06-004 any|Does the title clearly identify the document?
08-001 scan|Is recognised text free of errors?
08-002 scan|Is recognised text tagged as what it is?
09-001 tagged|Do the tags follow the logical reading order?
09-002 tagged|Are the tags nested as the content is?
09-003 tagged|Do the tags show all the structure that can be seen?
11-007 any|Is the language of each text the right one?
12-001 any|Are stretched characters given as text?
13-001 images|Is each graphic with meaning tagged as a figure?
13-002 links|Is a link with a picture described by its text?
13-003 figures|Is each caption tagged as one?
13-005 figures|Is replacement text used only where it replaces the figure?
13-006 figures|Do graphics that belong together make one figure?
13-007 figures|Does each alternative text say what its figure says?
13-008 figures|Is text in figures given as replacement text where it is meant to be read?
14-001 tagged|Is each heading tagged as one?
14-004 headings|Are headings numbered by their level?
14-005 headings|Does the outline of headings fit the document?
15-001 tables|Are all row headers tagged as header cells?
15-002 tables|Are all column headers tagged as header cells?
15-004 tables|Is each table a table, and not a layout?
16-001 tagged|Is each list tagged as one?
16-002 lists|Is ListNumbering set where labels carry meaning?
16-003 lists|Is each list a list?
17-001 any|Are mathematical expressions tagged as formulas?
18-001 any|Are headers and footers artifacts?
18-002 any|Are headers and footers marked as pagination?
19-001 any|Are footnotes and endnotes tagged as notes?
19-002 notes|Do references lead to their notes?
22-001 any|Do article threads follow the reading order?
24-001 any|Are forms that are filled in on paper tagged as forms?
27-001 any|Do bookmarks and page numbers help to find the way?
28-001 annotations|Do annotations come where they belong in the reading order?
28-003 annotations|Can annotations be understood without seeing them?
28-013 links|Is no image map used that only the server understands?
29-001 scripts|Can everything that scripts do be done without a mouse and without a time limit?
30-003 any|Is each group of graphics tagged as a whole?
`

var manuals = sync.OnceValue(func() []Manual {
	conditions := map[string]func(Facts) bool{
		"any":         func(Facts) bool { return true },
		"tagged":      func(f Facts) bool { return f.Tagged },
		"scripts":     func(f Facts) bool { return f.Scripts > 0 },
		"media":       func(f Facts) bool { return f.Media > 0 },
		"scan":        func(f Facts) bool { return f.PaintedImages > 0 && f.TextPages > 0 },
		"images":      func(f Facts) bool { return f.PaintedImages > 0 },
		"links":       func(f Facts) bool { return f.Links > 0 },
		"figures":     func(f Facts) bool { return f.Figures > 0 },
		"headings":    func(f Facts) bool { return f.Headings > 0 },
		"tables":      func(f Facts) bool { return f.Tables > 0 },
		"lists":       func(f Facts) bool { return f.Lists > 0 },
		"notes":       func(f Facts) bool { return f.Notes > 0 },
		"annotations": func(f Facts) bool { return f.Annotations > 0 },
	}
	var out []Manual
	for line := range strings.Lines(strings.TrimSpace(manualTable)) {
		head, title, _ := strings.Cut(strings.TrimSpace(line), "|")
		id, about, _ := strings.Cut(head, " ")
		out = append(out, Manual{Matterhorn: id, Title: title, applies: conditions[about]})
	}
	return out
})

// ManualChecks lists what a person must judge in a document with these facts.
func ManualChecks(facts Facts) []Manual {
	var out []Manual
	for _, m := range manuals() {
		if m.applies(facts) {
			out = append(out, m)
		}
	}
	return out
}
