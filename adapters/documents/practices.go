package documents

import (
	"github.com/perfectworks/backend/adapters/documents/pdfua"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// practiceTitles say what is wrong where a PDF does not follow a best practice, by its id.
var practiceTitles = map[string]string{
	"placeholder-alt":   "An alternative text says nothing about its figure or annotation",
	"bookmarks":         "A long document has no bookmarks",
	"headings":          "A long document has no headings",
	"document-language": "The document as a whole has no language",
	"document-title":    "The title says nothing about the document",
	"scan":              "The pages are images without text",
	"hidden-text":       "Words are shown that no tag reaches",
	"brotli":            "Streams are compressed by Brotli, which programs for PDF 1.7 cannot read",
	"repaired":          "The file's table of objects is broken; it was read in full instead",
}

// practice is a best practice that a document does not follow.
type practice struct {
	rule   RuleResult
	places []pdfua.Place
}

// longDocument is from how many pages on readers need headings and bookmarks.
const longDocument = 10

// pdfPractices finds what PDF/UA-1 allows but readers suffer from.
func pdfPractices(result *pdfua.Result) []practice {
	facts := result.Facts
	var out []practice
	if reach := facts.Reach; reach.Hidden > 0 {
		out = append(out, practice{places: reach.Places, rule: RuleResult{
			ID: "hidden-text", Standard: "best practice", Title: practiceTitles["hidden-text"], Category: BestPractices,
			Severity: Warning, WCAG: "1.3.1", Matterhorn: "01-002", Fixable: true, Count: reach.Hidden,
		}})
	}
	add := func(when bool, id, wcag string, fixable bool, places ...pdfua.Place) {
		if !when {
			return
		}
		out = append(out, practice{places: places, rule: RuleResult{
			ID: id, Standard: "best practice", Title: practiceTitles[id], Category: BestPractices, Severity: Warning,
			WCAG: wcag, Fixable: fixable, Count: max(1, len(places)),
		}})
	}
	add(len(facts.Placeholders) > 0, "placeholder-alt", "1.1.1", false, facts.Placeholders...)
	add(result.Pages >= longDocument && facts.Outlines == 0, "bookmarks", "2.4.5", true)
	add(facts.Tagged && result.Pages >= longDocument && facts.Headings == 0, "headings", "2.4.6", true)
	add(facts.Tagged && facts.TextPages > 0 && (facts.Language == "" || facts.Language == "und"), "document-language", "3.1.1", true)
	add(facts.Title != "" && !tagging.SaysSomething(facts.Title), "document-title", "2.4.2", true)
	add(facts.TextPages == 0 && facts.PaintedImages > 0, "scan", "1.4.5", false)
	add(facts.Repaired, "repaired", "", true)
	add(facts.Brotli, "brotli", "", true)
	return out
}
