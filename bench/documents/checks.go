package main

import (
	"context"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
)

// pixels counts the pages of a result that look as they did.
type pixels struct {
	Pages int `json:"pages"`
	// Poppler and PDFium are how many pages each renders as before, byte for byte.
	Poppler int `json:"poppler"`
	PDFium  int `json:"pdfium"`
	// Both are how many look the same to both.
	Both int `json:"both"`
	// Explained are pages of a different look which use a font that was not embedded before.
	Explained int `json:"explained"`
}

// words counts the words of a document, and those that the result has lost.
type words struct {
	Before int `json:"before"`
	Lost   int `json:"lost"`
}

// validate asks veraPDF.
func (b *bench) validate(_ context.Context, s *subject) error {
	said, err := b.oracle.Check(s.result)
	if err != nil {
		b.tell(s, "%v", err)
		s.Verdict = &verdict{}
		return nil
	}
	slices.Sort(said.FailedRules)
	s.Verdict = &verdict{Pass: said.Conforms, FailedRules: said.FailedRules}
	if !said.Conforms {
		b.tell(s, "fails %v; the engine says %v", said.FailedRules, s.Made.FailedRules)
	}
	return nil
}

// look renders every page before and after. A file that a renderer cannot read before is compared by the other alone.
func (b *bench) look(ctx context.Context, s *subject) error {
	before, after, err := b.both(ctx, s, b.poppler)
	if err != nil {
		return err
	}
	beforePDFium, afterPDFium, err := b.both(ctx, s, b.pdfium)
	if err != nil {
		return err
	}
	s.Pixels = &pixels{Pages: max(len(before), len(beforePDFium))}
	for i := range s.Pixels.Pages {
		poppler, pdfium := same(before, after, i), same(beforePDFium, afterPDFium, i)
		if poppler {
			s.Pixels.Poppler++
		}
		if pdfium {
			s.Pixels.PDFium++
		}
		if poppler && pdfium {
			s.Pixels.Both++
			continue
		}
		explained, err := corpustest.Unembedded(ctx, s.path, i+1)
		if err != nil {
			return err
		}
		if explained {
			s.Pixels.Explained++
		} else {
			b.tell(s, "page %d looks different (poppler same: %t, PDFium same: %t), with all fonts embedded before", i+1, poppler, pdfium)
		}
	}
	return nil
}

// hidden says which words of a result no tag reaches.
func (b *bench) hidden(_ context.Context, s *subject) error {
	if s.Made.Hidden > 0 {
		b.tell(s, "%d words are in no tag", s.Made.Hidden)
	}
	return nil
}

// same tells whether a page looks the same; one that could not be rendered before is no difference.
func same(before, after []corpustest.Picture, i int) bool {
	return i >= len(before) || i < len(after) && before[i] == after[i]
}

// both renders a file before and after. A renderer that cannot read the file before has no pages, and one that cannot
// read it after has none of the pages that it had.
func (b *bench) both(
	ctx context.Context, s *subject, renderer corpustest.Renderer,
) (before, after []corpustest.Picture, err error) {
	if before, err = corpustest.Remembered(ctx, renderer, s.path); err != nil {
		b.tell(s, "before: %v", err)
		return nil, nil, ctx.Err()
	}
	if after, err = renderer.Pages(ctx, s.result); err != nil {
		b.tell(s, "after: %v", err)
	}
	return before, after, ctx.Err()
}

// read compares the words before and after.
func (b *bench) read(ctx context.Context, s *subject) error {
	before, err := corpustest.Words(ctx, s.path)
	if err != nil {
		return err
	}
	after, err := corpustest.Words(ctx, s.result)
	if err != nil {
		return err
	}
	s.Words = &words{Lost: corpustest.Lost(before, after)}
	for _, n := range before {
		s.Words.Before += n
	}
	if s.Words.Lost > 0 {
		b.tell(s, "%d of %d words are lost", s.Words.Lost, s.Words.Before)
	}
	return nil
}

// compare compares the structure of a PDF with the truth.
func (b *bench) compare(ctx context.Context, s *subject) error {
	found, err := corpustest.Blocks(ctx, s.result)
	if err != nil {
		b.tell(s, "%v", err)
	}
	b.score(s, found)
	return ctx.Err()
}

// score counts how the blocks of a result agree with the truth.
func (b *bench) score(s *subject, found []corpustest.Block) {
	s.Scores = corpustest.Compare(s.truth, found)
	for _, role := range corpustest.Roles {
		if score := s.Scores[role]; score.F1() < aims[role] {
			b.tell(s, "%s: F1 %.2f (%d of %d matched, %d found)", role, score.F1(), score.Matched, score.Truth, score.Found)
		}
	}
}
