package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// infer finds the structure of a document that has no tags of use.
func (w *work) infer() *structure.Tree {
	hints := structure.ReadHints(w.file, w.pages)
	if w.options.Language != "" {
		hints.Language = w.options.Language
	}
	if w.options.Title != "" {
		hints.Title = w.options.Title
	}
	return structure.Infer(w.shown, hints)
}
