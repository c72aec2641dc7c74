// Package htmlfix repairs HTML documents for accessibility.
//
// The author's page stays as it is but for what is repaired: a repair edits the source where it stands, by setting an
// attribute, renaming a tag, or inserting tags around what is there, and never writes the document anew from its parsed
// form. After each round the result is parsed and checked again. A repair after which the elements or the text are not
// those that were meant, or after which another rule fails, is undone.
package htmlfix

import (
	"bytes"
	"slices"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/language"
)

// Options say what repairs may use beside the document.
type Options struct {
	// Describe returns an alternative text for an image, "" if it has none. It is asked at most once for each source of an
	// image, and only for those that the document says nothing about. It may be nil.
	Describe func(Image) string
}

// Image is an image that needs an alternative text.
type Image struct {
	// Source is the image's address as the document writes it; it may be a data URI.
	Source string
	// Language is the page's language tag, "" if it is not known.
	Language string
	// Before and After are the text around the image, at most 200 characters each.
	Before, After string
	// Link is set if the image is all that a link or button says, so that its text should tell where that leads.
	Link bool
}

// Repair is something that was repaired. Rule is one of htmlcheck; Line and Column are those in the original, counted
// from 1, in characters.
type Repair struct {
	Rule         string
	Line, Column int
	// Detail says what was done.
	Detail string
}

// Flag is something that a person must still look at.
type Flag struct {
	Rule         string
	Line, Column int
	// Detail says why.
	Detail string
}

// Result is a repaired document.
type Result struct {
	HTML []byte
	// Fixed and Manual are in the order in which they were found.
	Fixed  []Repair
	Manual []Flag
}

// maxRounds bounds how often repairs are planned and made. One may uncover what another one can then do; documents that
// people write are done after two or three.
const maxRounds = 6

// Fix repairs a document in UTF-8, and says so in it. Its only error is a htmlcheck.TooDeepError. What Fix has done it
// finds nothing to do on: Fix of a repaired document gives the same document.
func Fix(source []byte, options Options) (*Result, error) {
	s, err := newState(source, options)
	if err != nil {
		return nil, err
	}
	s.openBody()
	for range maxRounds {
		p := newPlan(s)
		p.attributes()
		p.structure()
		p.landmarks()
		if !s.accept(p.repairs) {
			break
		}
	}
	out := s.page.Source
	if s.byteOrderMark {
		out = slices.Concat(byteOrderMark, out)
	}
	if bytes.Equal(out, source) {
		out = source
	}
	return &Result{HTML: out, Fixed: s.fixed, Manual: s.manual()}, nil
}

// manual lists what is left, and what was repaired but must be looked at.
func (s *state) manual() []Flag {
	out := s.reviews
	for _, f := range s.page.result.Findings {
		line, column := f.Line, f.Column
		if offset, ok := s.offset(f.Node); ok {
			line, column = s.original.Position(s.originalOffset(offset))
		} else if f.Node != nil || f.Rule != "charset" {
			line, column = 1, 1
		}
		flag := Flag{Rule: f.Rule, Line: line, Column: column, Detail: reason(f)}
		if f.Rule == "html-has-lang" || f.Rule == "html-lang-valid" {
			if tag, _ := language.Detect(newPlan(s).shownText()); tag != "" {
				flag.Detail += " It may be " + tag + "."
			}
		}
		out = append(out, flag)
	}
	return out
}

func (s *state) offset(n *html.Node) (int, bool) {
	if n == nil {
		return 0, false
	}
	return s.page.Offset(n)
}
