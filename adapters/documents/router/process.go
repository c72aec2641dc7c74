package router

import (
	"context"
	"fmt"
	"os"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// Process makes an accessible version as [documents.Engine.Process] does. Where that finds scanned pages, or figures
// without an alternative text, tesseract reads the ones and the service for such texts is shown the others, if these
// were found, and the document is processed again with what they say.
func (r *Router) Process(ctx context.Context, source documents.Source, out *os.File) (*documents.Outcome, error) {
	rewind := rewinder(source.File)
	outcome, err := r.embedded.Process(ctx, source, out)
	if err != nil {
		return nil, err
	}
	if outcome.Scans > 0 && r.found.Tesseract != nil || outcome.Undescribed > 0 && r.found.Texts != nil {
		if outcome, err = r.again(ctx, source, out, rewind); err != nil {
			return nil, err
		}
	}
	return outcome, r.askResult(ctx, outcome, out)
}

// again processes a document with the help of other engines.
func (r *Router) again(ctx context.Context, source documents.Source, out *os.File, rewind func() error) (*documents.Outcome, error) {
	if err := rewind(); err != nil {
		return nil, err
	}
	help, err := r.help(ctx, source)
	if err != nil {
		return nil, err
	}
	if err := rewind(); err != nil {
		return nil, err
	}
	if err := restart(out); err != nil {
		return nil, err
	}
	source.Answers = &help.answers
	outcome, err := r.embedded.Process(ctx, source, out)
	if err != nil {
		return nil, err
	}
	outcome.Engines = append(outcome.Engines, help.engines...)
	outcome.Warnings = append(outcome.Warnings, help.warnings...)
	return outcome, nil
}

// askResult adds to an outcome what other checkers say of the result.
func (r *Router) askResult(ctx context.Context, outcome *documents.Outcome, out *os.File) error {
	if _, err := out.Seek(0, 0); err != nil {
		return fmt.Errorf("read the result again: %w", err)
	}
	before := len(outcome.Checkers)
	if err := r.ask(ctx, outcome.Report, out); err != nil {
		return err
	}
	for _, checker := range outcome.Checkers[before:] {
		outcome.Engines = append(outcome.Engines, checker.Engine)
	}
	return nil
}

// help is what other engines know of a document.
type help struct {
	answers  documents.Answers
	engines  []documents.EngineInfo
	warnings []string
}

func (r *Router) help(ctx context.Context, source documents.Source) (help, error) {
	h := help{answers: documents.Answers{Words: map[int][]tagging.Word{}, Alternatives: map[string]string{}}}
	source.Progress = nil
	wanted, err := r.embedded.Wanted(ctx, source)
	if err != nil {
		return h, err
	}
	if r.found.Tesseract != nil && len(wanted.Scans) > 0 {
		h.engines = append(h.engines, r.found.Tesseract.Info())
		for _, scan := range wanted.Scans {
			release, err := r.embedded.Slot(ctx)
			if err != nil {
				return h, err
			}
			words, err := r.found.Tesseract.Read(ctx, scan)
			release()
			if ctx.Err() != nil {
				return h, ctx.Err()
			}
			if err != nil {
				h.warnings = append(h.warnings, fmt.Sprintf("The scan on page %d could not be read: %v.", scan.Page, err))
				continue
			}
			h.answers.Words[scan.Page] = append(h.answers.Words[scan.Page], words...)
		}
	}
	if r.found.Texts != nil && len(wanted.Figures) > 0 {
		h.engines = append(h.engines, r.found.Texts.Info())
		for _, figure := range wanted.Figures {
			text, err := r.found.Texts.Describe(ctx, figure.MIME, figure.Image, wanted.Language, figure.Caption+" "+figure.Context)
			if ctx.Err() != nil {
				return h, ctx.Err()
			}
			if err != nil {
				h.warnings = append(h.warnings, fmt.Sprintf("There are no alternative texts: %v.", err))
				break
			}
			if text != "" {
				h.answers.Alternatives[figure.Key] = text
			}
		}
	}
	return h, nil
}
