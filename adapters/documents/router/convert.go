package router

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/perfectworks/backend/adapters/documents"
)

// Convert converts as [documents.Engine.Convert] does. HTML is printed by Chromium if it was found, since that knows all
// of CSS, and its PDF is processed; where that does not end in a PDF that conforms, the embedded engine typesets the
// document.
func (r *Router) Convert(ctx context.Context, source documents.Source, to documents.Format, out *os.File) (*documents.Outcome, error) {
	rewind := rewinder(source.File)
	var warning string
	if to == documents.PDF && r.found.Chromium != nil {
		outcome, err := r.print(ctx, source, out)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && outcome != nil && outcome.PDFUA1 != nil && outcome.PDFUA1.Conforms {
			return outcome, r.askResult(ctx, outcome, out)
		}
		if err != nil {
			warning = fmt.Sprintf("Chromium could not be used: %v.", err)
		}
		if err := restart(out); err != nil {
			return nil, err
		}
		if err := rewind(); err != nil {
			return nil, err
		}
	}
	outcome, err := r.embedded.Convert(ctx, source, to, out)
	if err != nil {
		return nil, err
	}
	if warning != "" {
		outcome.Warnings = append(outcome.Warnings, warning)
	}
	return outcome, r.askResult(ctx, outcome, out)
}

// print has Chromium print a document and processes the PDF. A file that is no HTML gives neither outcome nor error.
func (r *Router) print(ctx context.Context, source documents.Source, out *os.File) (*documents.Outcome, error) {
	page, err := temporary()
	if err != nil {
		return nil, err
	}
	defer page.Close()
	quiet := source
	quiet.Progress = nil
	prepared, err := r.embedded.Prepare(ctx, quiet, page)
	if err != nil {
		return nil, nil //nolint:nilnil // the embedded engine says what is wrong when it converts
	}
	html, err := io.ReadAll(io.NewSectionReader(page, 0, maxPage))
	if err != nil {
		return nil, fmt.Errorf("read the page to print: %w", err)
	}
	release, err := r.embedded.Slot(ctx)
	if err != nil {
		return nil, err
	}
	pdf, err := r.found.Chromium.Print(ctx, html)
	release()
	if err != nil {
		return nil, err
	}
	printed, err := temporary()
	if err != nil {
		return nil, err
	}
	defer printed.Close()
	if _, err := printed.WriteAt(pdf, 0); err != nil {
		return nil, fmt.Errorf("keep what Chromium printed: %w", err)
	}
	outcome, err := r.embedded.Process(ctx, documents.Source{File: printed, Format: documents.PDF, Progress: source.Progress}, out)
	if err != nil {
		return nil, err
	}
	// What was wrong with the printed PDF is not the document's fault.
	outcome.Before, outcome.Fixed = prepared.Before, prepared.Fixed
	outcome.Manual = append(prepared.Manual, outcome.Manual...)
	outcome.Warnings = append(prepared.Warnings, outcome.Warnings...)
	outcome.Engines = append(outcome.Engines, r.found.Chromium.Info())
	return outcome, nil
}

// maxPage bounds a page that is printed, with what it took in.
const maxPage = 256 << 20

// restart goes back to the start of a file; what is written then replaces what is there.
func restart(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("start a file anew: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("start a file anew: %w", err)
	}
	return nil
}
