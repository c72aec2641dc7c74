package pdfua

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Severity is how much a failure hinders people: an error keeps them from content, a warning makes it harder.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Rule describes one machine-checkable condition.
type Rule struct {
	// ID is the clause of ISO 14289-1 and the test of the veraPDF profile under it.
	ID string
	// Matterhorn is the failure condition of the Matterhorn Protocol 1.1.
	Matterhorn string
	// WCAG is the success criterion of WCAG 2.2 that the failure touches, "" if it is a matter of the format alone.
	WCAG     string
	Severity Severity
	// Fixable tells whether a program can repair it without knowledge that only a person has.
	Fixable bool
	Title   string
}

// Clause is the clause of ISO 14289-1.
func (r Rule) Clause() string {
	clause, _, _ := strings.Cut(r.ID, "-")
	return clause
}

// ruleTable has a rule in each line: id, Matterhorn condition, WCAG criterion or "-", E or W, whether fixable, title.
const ruleTable = `
5-1 06-002 - E yes|The metadata do not identify the document as PDF/UA
5-2 06-002 - E yes|The PDF/UA identification names another part than 1
5-3 06-002 - E yes|The PDF/UA part is written with another prefix than pdfuaid
5-4 06-002 - E yes|The PDF/UA amendment is written with another prefix than pdfuaid
5-5 06-002 - E yes|The PDF/UA corrigendum is written with another prefix than pdfuaid
6.1-1 00-001 - E yes|The file header does not name PDF 1.0 to 1.7
6.2-1 00-002 1.3.1 E yes|The document is not marked as tagged
7.1-1 01-003 1.3.1 E yes|An artifact lies inside of tagged content
7.1-2 01-004 1.3.1 E yes|Tagged content lies inside of an artifact
7.1-3 01-005 1.3.1 E yes|Content is neither tagged nor marked as artifact
7.1-4 01-007 1.3.1 E no|The document says that its tags are suspect
7.1-5 02-001 1.3.1 E no|A non-standard structure type is not mapped to a standard one
7.1-6 02-003 1.3.1 E yes|The mapping of a structure type goes in a circle
7.1-7 02-004 1.3.1 E yes|A standard structure type is mapped to another
7.1-8 06-001 - E yes|The document has no metadata
7.1-9 06-003 2.4.2 E yes|The metadata have no title
7.1-10 07-001 2.4.2 E yes|The window does not show the document's title
7.1-11 01-005 1.3.1 E yes|The document has no structure tree
7.1-12 01-006 1.3.1 E yes|A structure element does not name its parent
7.2-2 11-003 3.1.1 E yes|The language of a bookmark is not known
7.2-3 09-004 1.3.1 E no|A table contains something else than rows, row groups and a caption
7.2-4 09-004 1.3.1 E no|A table row lies outside of a table
7.2-5 09-004 1.3.1 E no|A table head lies outside of a table
7.2-6 09-004 1.3.1 E no|A table body lies outside of a table
7.2-7 09-004 1.3.1 E no|A table foot lies outside of a table
7.2-8 09-004 1.3.1 E no|A header cell lies outside of a row
7.2-9 09-004 1.3.1 E no|A data cell lies outside of a row
7.2-10 09-004 1.3.1 E no|A table row contains something else than cells
7.2-11 09-004 1.3.1 E no|A table has more than one head
7.2-12 09-004 1.3.1 E no|A table has more than one foot
7.2-13 09-004 1.3.1 E no|A table has a foot but no body
7.2-14 09-004 1.3.1 E no|A table has a head but no body
7.2-15 15-005 1.3.1 E no|Table cells overlap
7.2-16 09-004 1.3.1 E no|A table's caption is neither its first nor its last part
7.2-17 09-005 1.3.1 E no|A list item lies outside of a list
7.2-18 09-005 1.3.1 E no|A list item's body lies outside of a list item
7.2-19 09-005 1.3.1 E no|A list contains something else than items, lists and a caption
7.2-20 09-005 1.3.1 E no|A list item contains something else than a label and a body
7.2-21 11-002 3.1.1 E yes|The language of a replacement text is not known
7.2-22 11-002 3.1.1 E yes|The language of an alternative text is not known
7.2-23 11-002 3.1.1 E yes|The language of an expanded abbreviation is not known
7.2-24 11-004 3.1.1 E yes|The language of an annotation's text is not known
7.2-25 11-005 3.1.1 E yes|The language of a form field's name is not known
7.2-26 09-006 1.3.1 E no|An entry of a table of contents lies outside of one
7.2-27 09-006 1.3.1 E no|A table of contents contains something else than entries, tables of contents and a caption
7.2-28 09-006 1.3.1 E no|A table of contents has a caption that is not its first part
7.2-29 11-001 3.1.1 E no|A language is not written as a language tag
7.2-30 11-002 3.1.1 E yes|The language of a replacement text in the content is not known
7.2-31 11-002 3.1.1 E yes|The language of an alternative text in the content is not known
7.2-32 11-002 3.1.1 E yes|The language of an expanded abbreviation in the content is not known
7.2-33 11-006 3.1.1 E yes|The language of the metadata is not known
7.2-34 11-001 3.1.1 E yes|The language of text is not known
7.2-36 09-004 1.3.1 E no|A table head contains something else than rows
7.2-37 09-004 1.3.1 E no|A table body contains something else than rows
7.2-38 09-004 1.3.1 E no|A table foot contains something else than rows
7.2-39 09-004 1.3.1 E no|A table has more than one caption
7.2-40 09-005 1.3.1 E no|A list has a caption that is not its first part
7.2-41 15-005 1.3.1 E no|A table cell reaches beyond the last row
7.2-42 15-005 1.3.1 E no|A table row has more columns than the first
7.2-43 15-005 1.3.1 E no|A table row has fewer columns than the first
7.3-1 13-004 1.1.1 E no|A figure has no alternative text
7.4.2-1 14-003 1.3.1 E yes|A heading level is skipped
7.4.4-1 14-006 1.3.1 E no|A section has more than one heading H
7.4.4-2 14-007 1.3.1 E no|Headings H stand beside numbered headings
7.4.4-3 14-007 1.3.1 E no|Numbered headings stand beside headings H
7.5-1 15-003 1.3.1 E no|A table cell's headers cannot be told: header cells lack a scope
7.5-2 15-003 1.3.1 E no|A table cell names headers that do not exist
7.7-1 17-002 1.1.1 E no|A formula has no alternative text
7.9-1 19-003 1.3.1 E yes|A note has no identifier
7.9-2 19-004 1.3.1 E yes|Two notes have the same identifier
7.10-1 20-001 - W yes|A configuration of layers has no name
7.10-2 20-003 - W yes|A configuration of layers switches them by itself
7.11-1 21-001 - W yes|An embedded file has no name
7.15-1 25-001 4.1.2 E no|The form is a dynamic XFA form
7.16-1 26-002 4.1.2 E no|The encryption keeps assistive technology out
7.18.1-1 28-002 1.3.1 E yes|An annotation is not tagged as one
7.18.1-2 28-004 1.1.1 E yes|An annotation has no description
7.18.1-3 28-005 4.1.2 E no|A form field has no name
7.18.2-1 28-007 - W yes|There is an annotation for trapping
7.18.3-1 28-009 2.4.3 E yes|The tab order of a page with annotations does not follow the structure
7.18.4-1 28-010 1.3.1 E yes|A form field is not tagged as one
7.18.4-2 28-010 1.3.1 E no|A tag Form contains something else than one form field
7.18.5-1 28-011 1.3.1 E yes|A link is not tagged as one
7.18.5-2 28-012 2.4.4 E yes|A link has no description
7.18.6.2-1 28-014 1.2.1 E no|A media clip has no content type
7.18.6.2-2 28-015 1.1.1 E yes|A media clip has no alternative text
7.18.8-1 28-017 1.3.1 W yes|A printer's mark is tagged
7.20-1 30-001 - E no|The document shows content of another file
7.20-2 30-002 1.3.2 E yes|A form with tagged content is painted more than once
7.21.3.1-1 31-001 - W yes|A font and its character map are of different character collections
7.21.3.2-1 31-004 - W yes|A font does not say which glyphs its characters have
7.21.3.3-1 31-006 - W no|A character map is neither predefined nor embedded
7.21.3.3-2 31-007 - W yes|A character map contradicts itself on the writing direction
7.21.3.3-3 31-008 - W no|A character map builds upon one that is not predefined
7.21.4.1-1 31-009 1.4.5 E yes|A font is not embedded
7.21.4.1-2 31-011 1.4.5 E yes|A font lacks a glyph that the text needs
7.21.4.2-1 31-012 - W yes|The list of a font's glyphs is wrong
7.21.4.2-2 31-014 - W yes|The list of a font's characters is wrong
7.21.5-1 31-016 - W yes|A glyph's width differs between the document and the font
7.21.6-1 31-017 - W yes|A font has no map from characters to glyphs
7.21.6-2 31-020 - W yes|A font's encoding is missing or has unknown names
7.21.6-3 31-024 - W yes|A font of symbols has an encoding
7.21.6-4 31-025 - W yes|A font of symbols has several maps and none for symbols
7.21.7-1 31-027 1.3.1 E no|A character cannot be mapped to Unicode
7.21.7-2 31-028 1.3.1 E no|A character is mapped to a code that is no character
7.21.8-1 31-030 - E yes|Text refers to the glyph for missing characters
`

// Rules lists all rules, ordered by clause and test.
var Rules = sync.OnceValue(func() []Rule {
	var out []Rule
	for line := range strings.Lines(strings.TrimSpace(ruleTable)) {
		head, title, _ := strings.Cut(strings.TrimSpace(line), "|")
		f := strings.Fields(head)
		r := Rule{ID: f[0], Matterhorn: f[1], WCAG: f[2], Severity: Error, Fixable: f[4] == "yes", Title: title}
		if r.WCAG == "-" {
			r.WCAG = ""
		}
		if f[3] == "W" {
			r.Severity = Warning
		}
		out = append(out, r)
	}
	return out
})

// RuleByID finds a rule.
func RuleByID(id string) (Rule, bool) {
	rules := Rules()
	i, ok := slices.BinarySearchFunc(rules, id, func(r Rule, id string) int { return compareIDs(r.ID, id) })
	if !ok {
		return Rule{}, false
	}
	return rules[i], true
}

// compareIDs orders rule ids by clause, then by test.
func compareIDs(a, b string) int {
	x, y := strings.FieldsFunc(a, isPoint), strings.FieldsFunc(b, isPoint)
	for i := range min(len(x), len(y)) {
		n, _ := strconv.Atoi(x[i])
		m, _ := strconv.Atoi(y[i])
		if c := cmp.Compare(n, m); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func isPoint(r rune) bool { return r == '.' || r == '-' }
