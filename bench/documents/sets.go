package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
)

// benchOrdinary processes the ordinary untagged PDFs.
func benchOrdinary(ctx context.Context, b *bench) error {
	set, err := corpustest.Collect(ctx)
	if err != nil {
		return err
	}
	for _, why := range set.Skipped {
		fmt.Fprintln(os.Stderr, "skipped:", why)
	}
	var subjects []*subject
	for _, f := range set.Files {
		name := strings.TrimSuffix(filepath.Base(f.Path), ".pdf")
		subjects = append(subjects, &subject{Name: name, Set: "ordinary", Half: f.Half, path: f.Path, Pages: f.Pages})
	}
	subjects = b.limited(subjects)
	if err := b.make(ctx, subjects, true, task{Operation: "process", Format: documents.PDF}, ".pdf"); err != nil {
		return err
	}
	if err := b.check(ctx, subjects, b.validate, b.hidden, b.look, b.read); err != nil {
		return err
	}
	b.report.add(subjects)
	return nil
}

// benchKnown processes PDFs whose tags were taken away, and compares the new ones with them.
func benchKnown(ctx context.Context, b *bench) error {
	return b.known(ctx, "known", corpustest.MakeKnown, func(k corpustest.Known) string { return k.Untagged })
}

// benchEveryday does the same with letters, payslips, forms and the like.
func benchEveryday(ctx context.Context, b *bench) error {
	return b.known(ctx, "everyday", corpustest.MakeEveryday, func(k corpustest.Known) string { return k.Untagged })
}

// benchTagged processes the same PDFs with their tags, which must be kept.
func benchTagged(ctx context.Context, b *bench) error {
	return b.known(ctx, "tagged", corpustest.MakeKnown, func(k corpustest.Known) string { return k.Tagged })
}

func (b *bench) known(
	ctx context.Context, set string, load func(context.Context) ([]corpustest.Known, error), path func(corpustest.Known) string,
) error {
	known, err := load(ctx)
	if err != nil {
		return err
	}
	var subjects []*subject
	for _, k := range known {
		subjects = append(subjects, &subject{Name: k.Name, Set: set, Half: k.Half, path: path(k), Pages: k.Pages, truth: k.Truth})
	}
	subjects = b.limited(subjects)
	if err := b.make(ctx, subjects, true, task{Operation: "process", Format: documents.PDF}, ".pdf"); err != nil {
		return err
	}
	if err := b.check(ctx, subjects, b.validate, b.hidden, b.look, b.read, b.compare); err != nil {
		return err
	}
	b.report.add(subjects)
	return nil
}

// benchLarge processes a document of more than 2,000 pages. It is not rendered, which the other sets are for.
func benchLarge(ctx context.Context, b *bench) error {
	large, err := corpustest.MakeLarge(ctx)
	if err != nil {
		return err
	}
	subjects := []*subject{{Name: large.Name, Set: "large", Half: corpustest.Tune, path: large.Untagged, Pages: large.Pages}}
	if err := b.make(ctx, subjects, true, task{Operation: "process", Format: documents.PDF}, ".pdf"); err != nil {
		return err
	}
	if err := b.check(ctx, subjects, b.validate, b.read); err != nil {
		return err
	}
	b.report.add(subjects)
	return nil
}

// benchHTML converts HTML to PDF, and what came of it back to HTML.
func benchHTML(ctx context.Context, b *bench) error {
	known, err := corpustest.MakeKnown(ctx)
	if err != nil {
		return err
	}
	var subjects []*subject
	for _, k := range known {
		data, err := os.ReadFile(k.HTML)
		if err != nil {
			return err
		}
		truth, err := corpustest.HTMLBlocks(data)
		if err != nil {
			return err
		}
		subjects = append(subjects, &subject{Name: k.Name, Set: "html to pdf", Half: k.Half, path: k.HTML, truth: truth})
	}
	subjects = b.limited(subjects)
	err = b.make(ctx, subjects, true, task{Operation: "convert", Format: documents.HTML, To: documents.PDF}, ".pdf")
	if err != nil {
		return err
	}
	if err := b.check(ctx, subjects, b.validate, b.compare); err != nil {
		return err
	}
	b.report.add(subjects)
	var back []*subject
	for _, s := range subjects {
		if s.result != "" {
			back = append(back, &subject{Name: s.Name, Set: "round trip", Half: s.Half, path: s.result, Pages: s.Pages, truth: s.truth})
		}
	}
	return b.toHTML(ctx, back)
}

// benchConvert converts tagged PDFs to HTML, and those without tags.
func benchConvert(ctx context.Context, b *bench) error {
	known, err := corpustest.MakeKnown(ctx)
	if err != nil {
		return err
	}
	var tagged, untagged []*subject
	for _, k := range known {
		tagged = append(tagged, &subject{Name: k.Name, Set: "tagged to html", Half: k.Half, path: k.Tagged, Pages: k.Pages, truth: k.Truth})
		untagged = append(untagged, &subject{Name: k.Name, Set: "untagged to html", Half: k.Half, path: k.Untagged, Pages: k.Pages, truth: k.Truth})
	}
	if err := b.toHTML(ctx, b.limited(tagged)); err != nil {
		return err
	}
	return b.toHTML(ctx, b.limited(untagged))
}

// toHTML converts PDFs to HTML and compares their blocks with the truth.
func (b *bench) toHTML(ctx context.Context, subjects []*subject) error {
	err := b.make(ctx, subjects, false, task{Operation: "convert", Format: documents.PDF, To: documents.HTML}, ".html")
	if err != nil {
		return err
	}
	err = b.check(ctx, subjects, func(_ context.Context, s *subject) error {
		data, err := os.ReadFile(s.result)
		if err != nil {
			return err
		}
		found, err := corpustest.HTMLBlocks(data)
		if err != nil {
			return err
		}
		b.score(s, found)
		return nil
	})
	if err != nil {
		return err
	}
	b.report.add(subjects)
	return nil
}
