package htmlcheck

import (
	"strings"
	"sync"
)

// Rule describes one condition.
type Rule struct {
	ID string
	// WCAG is the success criterion of WCAG 2.2, "" for a best practice.
	WCAG string
	// Error is set if the failure keeps people from content; else it makes it harder.
	Error bool
	// Fixable reports whether htmlfix repairs it wherever the document itself says enough; what is left needs a person. Where
	// it is false, only a person can repair it.
	Fixable bool
	Title   string
	// ACT are the identifiers of the W3C ACT rules (act-rules.github.io) that this rule decides, alone or with others.
	ACT []string
}

// ruleTable has a rule in each line: id, WCAG criterion or "-", E or W, whether fixable, title.
const ruleTable = `
html-has-lang 3.1.1 E yes|The page has no language
html-lang-valid 3.1.1 E yes|The page's language is not a language tag
html-xml-lang-mismatch 3.1.1 W yes|The page has two different languages in lang and xml:lang
valid-lang 3.1.2 E yes|A language is not a language tag
lang-mismatch 3.1.1 W no|Text is in another language than it says
document-title 2.4.2 E yes|The page has no title
charset - W yes|Text is not in the encoding that the page says
image-alt 1.1.1 E yes|An image has no alternative text
input-image-alt 1.1.1 E yes|An image button has no alternative text
area-alt 1.1.1 E yes|An area of an image map has no alternative text
role-img-alt 1.1.1 E no|An element with the role img has no alternative text
svg-img-alt 1.1.1 E yes|A drawing with the role img has no alternative text
object-alt 1.1.1 E no|An embedded object has no alternative text
image-alt-placeholder 1.1.1 W yes|An alternative text says nothing about its image
image-redundant-alt - W yes|An image repeats the text of its link or button
heading-order - W yes|A heading level is skipped
empty-heading - W yes|A heading has no text
page-has-heading-one - W yes|The page has no heading of level one
button-name 4.1.2 E yes|A button has no name
input-button-name 4.1.2 E yes|A button has no name
link-name 2.4.4 E yes|A link has no name
link-text-vague 2.4.4 W no|A link's text does not say where it leads
select-name 4.1.2 E yes|A list of choices has no name
label 4.1.2 E yes|A form field has no label
label-title-only - W yes|A form field's only label is its title
form-field-multiple-labels 3.3.2 W yes|A form field has more than one label
aria-command-name 4.1.2 E yes|A button, link or menu item has no name
aria-input-field-name 4.1.2 E yes|An input field has no name
aria-toggle-field-name 4.1.2 E yes|A switch or choice has no name
aria-meter-name 1.1.1 E yes|A meter has no name
aria-progressbar-name 1.1.1 E yes|A progress bar has no name
aria-dialog-name - W yes|A dialog has no name
aria-tooltip-name 4.1.2 W no|A tooltip has no name
aria-treeitem-name - W no|A tree item has no name
label-content-name-mismatch 2.5.3 E no|The name of a control does not hold the text that people see on it
summary-name 4.1.2 E no|The summary of details has no name
frame-title 4.1.2 E yes|A frame has no title
frame-focusable-content 2.1.1 E no|A frame with controls is left out of the tab order
frame-title-unique 4.1.2 W no|Frames have the same title
td-headers-attr 1.3.1 E yes|A table cell names headers that are not in its table
th-has-data-cells 1.3.1 W no|A header cell has no data cells
empty-table-header - W yes|A header cell has no text
scope-attr-valid - W yes|A scope is not one that exists, or stands on another element than a header cell
table-duplicate-name - W yes|A table's summary repeats its caption
table-headers 1.3.1 E yes|A data table has no header cells
list 1.3.1 E yes|A list contains something else than items
listitem 1.3.1 E yes|A list item lies outside of a list
definition-list 1.3.1 E yes|A description list contains something else than terms and descriptions
dlitem 1.3.1 E yes|A term or description lies outside of a description list
bypass 2.4.1 W yes|Nothing lets people skip what repeats on each page
landmark-one-main - W yes|The page has no main part
landmark-no-duplicate-main - W yes|The page has more than one main part
landmark-no-duplicate-banner - W yes|The page has more than one banner
landmark-no-duplicate-contentinfo - W yes|The page has more than one footer
landmark-main-is-top-level - W yes|The main part lies inside of another landmark
landmark-banner-is-top-level - W yes|The banner lies inside of another landmark
landmark-contentinfo-is-top-level - W yes|The footer lies inside of another landmark
landmark-unique - W yes|Landmarks of the same kind cannot be told apart
region - W yes|Content lies outside of all landmarks
skip-link - W yes|A skip link leads nowhere
aria-roles 4.1.2 E yes|A role does not exist
aria-allowed-role - W yes|A role does not go with its element
aria-deprecated-role 4.1.2 W yes|A role is deprecated
aria-valid-attr 4.1.2 E yes|An ARIA attribute does not exist
aria-valid-attr-value 4.1.2 E yes|An ARIA attribute has a value that is not allowed
aria-allowed-attr 4.1.2 E yes|An ARIA attribute does not go with its role
aria-prohibited-attr 4.1.2 E yes|An element that may not be named is named by ARIA
aria-required-attr 4.1.2 E yes|A role lacks an attribute that it needs
aria-required-children 1.3.1 E yes|A role lacks what it must contain
aria-required-parent 1.3.1 E yes|A role lies outside of what it must be inside of
aria-hidden-body 1.3.1 E yes|The whole page is hidden from assistive technology
aria-hidden-focus 4.1.2 E yes|Something hidden from assistive technology can have focus
presentation-role-conflict - W yes|An element is said to be presentational and is not
nested-interactive 4.1.2 E no|A control contains another one
duplicate-id-aria 4.1.2 E yes|An identifier that is referred to is used twice
meta-refresh 2.2.1 E no|The page reloads or leaves by itself
meta-refresh-no-exceptions - W no|The page reloads or leaves by itself, if only after a day
meta-viewport 1.4.4 E yes|The page keeps people from enlarging it
meta-viewport-large - W yes|The page keeps people from enlarging it much
autocomplete-valid 1.3.5 E no|The purpose of a form field is not one that exists
tabindex - W yes|A tab order is forced
accesskeys - W no|Two elements have the same access key
server-side-image-map 2.1.1 E no|An image map works only with a mouse
blink 2.2.2 E yes|Text blinks
marquee 2.2.2 E yes|Text moves
video-caption 1.2.2 E no|A video has no captions
no-autoplay-audio 1.4.2 E yes|Sound starts by itself
color-contrast 1.4.3 E yes|Text has too little contrast
avoid-inline-spacing 1.4.12 E yes|Spacing of text cannot be changed
`

// actTable has an ACT rule in each line, and the rules that decide it.
const actTable = `
047fe0 bypass
23a2a8 image-alt role-img-alt
24afc2 avoid-inline-spacing
2779a5 document-title
2ee8b8 label-content-name-mismatch
2t702h summary-name
307n5z nested-interactive
46ca7f presentation-role-conflict
4c31df no-autoplay-audio
4e8ab6 aria-required-attr
59796f input-image-alt
5b7ae0 html-xml-lang-mismatch
5c01ea aria-allowed-attr aria-prohibited-attr
5f99a7 aria-valid-attr
674b10 aria-roles
6a7281 aria-valid-attr-value
6cfa84 aria-hidden-focus aria-hidden-body
73f2c2 autocomplete-valid
78fd32 avoid-inline-spacing
7d6734 svg-img-alt
80f0bf no-autoplay-audio
8fc3b6 object-alt
97a4e1 button-name input-button-name aria-command-name
9e45ec avoid-inline-spacing
a25f45 td-headers-attr
aaa1bf no-autoplay-audio
afw4f7 color-contrast
akn7bn frame-focusable-content
b4f0c3 meta-viewport
b5c3f8 html-has-lang
bc4a75 aria-required-children
bc659a meta-refresh
bf051a html-lang-valid
bisz58 meta-refresh meta-refresh-no-exceptions
c487ae link-name area-alt aria-command-name
cae760 frame-title
cf77f2 bypass
d0f69e th-has-data-cells
de46e4 valid-lang
e086e5 label select-name aria-input-field-name aria-toggle-field-name
f51b46 video-caption
ff89c9 aria-required-parent
ffd0e9 empty-heading
in6db8 aria-valid-attr-value
kb1m8s aria-prohibited-attr
m6b1q3 aria-command-name aria-toggle-field-name
off6ek lang-mismatch
ucwvc8 lang-mismatch
`

// Rules lists all rules.
var Rules = sync.OnceValue(func() []Rule {
	act := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(actTable)) {
		f := strings.Fields(line)
		for _, rule := range f[1:] {
			act[rule] = append(act[rule], f[0])
		}
	}
	var out []Rule
	for line := range strings.Lines(strings.TrimSpace(ruleTable)) {
		head, title, _ := strings.Cut(strings.TrimSpace(line), "|")
		f := strings.Fields(head)
		r := Rule{ID: f[0], WCAG: f[1], Error: f[2] == "E", Fixable: f[3] == "yes", Title: title, ACT: act[f[0]]}
		if r.WCAG == "-" {
			r.WCAG = ""
		}
		out = append(out, r)
	}
	return out
})

// RuleByID finds a rule.
func RuleByID(id string) (Rule, bool) {
	for _, r := range Rules() {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// NotChecked says what needs a browser or a person.
var NotChecked = []string{
	"what style sheets in other files and scripts do: layout, colours, visibility and content that they add",
	"contrast, except where the colours are written in the document itself",
	"size of targets and visibility of focus",
	"keyboard use of widgets made by scripts",
	"content of frames and of media",
}
