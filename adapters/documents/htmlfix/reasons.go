package htmlfix

import "github.com/perfectworks/backend/adapters/documents/htmlcheck"

// reasons say why a program does not repair what is left, or what a person has to do.
var reasons = map[string]string{
	"html-has-lang":              "The language could not be told for certain from the text.",
	"html-lang-valid":            "The language could not be told for certain from the text.",
	"html-xml-lang-mismatch":     "Which of the two languages is right must be decided first.",
	"valid-lang":                 "What language was meant must be decided by somebody who knows the text.",
	"document-title":             "Nothing in the page says what it is about: it needs a title.",
	"charset":                    "Characters were lost before: the text must be typed again.",
	"image-alt":                  "Somebody who sees the image must say in the alternative text what it says, or leave it empty if that is nothing.",
	"input-image-alt":            "The alternative text must say what the button does.",
	"area-alt":                   "The alternative text must say where the area leads.",
	"role-img-alt":               "Somebody who sees it must say what it shows.",
	"svg-img-alt":                "Somebody who sees the drawing must say what it shows.",
	"object-alt":                 "Somebody who sees the object must say what it shows.",
	"image-alt-placeholder":      "Somebody who sees the image must write what it says.",
	"empty-heading":              "The heading needs a text, or must go.",
	"page-has-heading-one":       "Nothing in the page can be told to be its main heading.",
	"heading-order":              "The levels of these headings cannot be changed.",
	"button-name":                "Nothing says what the button does: it needs a name.",
	"input-button-name":          "Nothing says what the button does: it needs a name.",
	"link-name":                  "Nothing says where the link leads: it needs a text.",
	"link-text-vague":            "The text of the link must say where it leads.",
	"select-name":                "Nothing beside the field says what is to be chosen: it needs a label.",
	"label":                      "Nothing beside the field says what is to be entered: it needs a label.",
	"frame-title":                "Nothing says what the frame shows: it needs a title.",
	"frame-title-unique":         "The titles must tell the frames apart.",
	"table-headers":              "Which cells are headers cannot be told for certain: they must be marked, or the table made one for layout.",
	"th-has-data-cells":          "The table must be made so that each header has data.",
	"empty-table-header":         "The header cell needs a text.",
	"landmark-one-main":          "No part of the page could be told to be the main one.",
	"landmark-unique":            "Parts of the same kind need names that tell them apart.",
	"region":                     "What part of the page this belongs to must be decided by somebody who knows it.",
	"bypass":                     "The page needs headings, a main part or a link past what repeats.",
	"skip-link":                  "The page has no single main part for the link to lead to.",
	"aria-required-children":     "The control must be built as its role wants it.",
	"aria-required-parent":       "The control must be built as its role wants it.",
	"aria-hidden-focus":          "It must either be opened to assistive technology or be kept from having focus.",
	"nested-interactive":         "Controls inside of controls must be taken apart.",
	"duplicate-id-aria":          "Style sheets or scripts may count on the identifier: it must be changed where they are known.",
	"meta-refresh":               "The page must let people stop or delay the change.",
	"autocomplete-valid":         "The purpose of the field must be written as HTML names it.",
	"accesskeys":                 "The keys must be given anew.",
	"server-side-image-map":      "The map must be built with areas.",
	"video-caption":              "The video needs captions.",
	"color-contrast":             "No other colour of the text has enough contrast without harm elsewhere.",
	"form-field-multiple-labels": "One of the labels must be chosen, or all be put into one.",
}

// reason says why a finding is left to a person.
func reason(f htmlcheck.Finding) string {
	text, ok := reasons[f.Rule]
	if !ok {
		text = "A repair would change what works, or needs somebody who knows the page."
	}
	if rule, known := htmlcheck.RuleByID(f.Rule); known {
		text = rule.Title + ". " + text
	}
	if f.Detail != "" {
		text += " (" + f.Detail + ")"
	}
	return text
}
