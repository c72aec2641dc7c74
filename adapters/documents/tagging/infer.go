package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// infer finds the structure of a document that has none: each text is a paragraph.
func (w *work) infer() *structure.Tree {
	tree := &structure.Tree{Root: &structure.Node{Type: "Document"}}
	for _, page := range w.shown {
		for i := range page.Runs {
			tree.Root.Kids = append(tree.Root.Kids, &structure.Node{Type: "P", Kids: []*structure.Node{{
				Content: structure.Content{Page: page.Number, Runs: []int{i}},
			}}})
		}
		for i := range page.Images {
			tree.Root.Kids = append(tree.Root.Kids, &structure.Node{Type: "Figure", Kids: []*structure.Node{{
				Content: structure.Content{Page: page.Number, Images: []int{i}},
			}}})
		}
	}
	return tree
}
func (w *work) repairFonts()                {}
func (w *work) addRecognized()              {}
func (w *work) hasUsableTags() bool         { return false }
func (w *work) repair(func(int, int)) error { return nil }
