// Package router chooses the engines for each document: the embedded one, and beside it what was found.
//
// Whatever another engine fails to do, the embedded one does alone, and the outcome says so.
package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/engines"
)

// Router is the embedded engine with the optional ones around it. It is safe for concurrent use.
type Router struct {
	embedded *documents.Engine
	found    *engines.Found
}

// New makes a router.
func New(embedded *documents.Engine, found *engines.Found) *Router {
	return &Router{embedded: embedded, found: found}
}

// Capabilities say what can be done, and name the engines that were found.
func (r *Router) Capabilities() documents.Capabilities {
	c := r.embedded.Capabilities()
	c.Engines = r.found.Infos()
	return c
}

// Analyze reports on a file as [documents.Engine.Analyze] does, with the findings of axe on HTML and the verdict of
// veraPDF on a PDF beside it.
func (r *Router) Analyze(ctx context.Context, source documents.Source) (*documents.Report, error) {
	rewind := rewinder(source.File)
	report, err := r.embedded.Analyze(ctx, source)
	if err != nil {
		return nil, err
	}
	if err := rewind(); err != nil {
		return nil, err
	}
	return report, r.ask(ctx, report, source.File)
}

// ask adds to a report what other checkers say of the file, from its current offset on. Its error is the context's.
func (r *Router) ask(ctx context.Context, report *documents.Report, file *os.File) error {
	var err error
	switch {
	case report.Format == documents.HTML && r.found.Axe != nil:
		err = r.audit(ctx, report, file)
	case report.Format == documents.PDF && r.found.VeraPDF != nil:
		err = r.check(ctx, report, file)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		report.NotChecked = append(report.NotChecked, err.Error())
	}
	return nil
}

func (r *Router) audit(ctx context.Context, report *documents.Report, file *os.File) error {
	html, err := text(file)
	if err != nil {
		return err
	}
	release, err := r.embedded.Slot(ctx)
	if err != nil {
		return err
	}
	audit, err := r.found.Axe.Audit(ctx, html)
	release()
	if err != nil {
		return err
	}
	var added []documents.External
	for _, v := range audit.Violations {
		added = append(added, documents.External{
			ID: v.ID, Title: v.Title, Serious: v.Impact == "serious" || v.Impact == "critical", Tags: v.Tags, Places: v.Elements, Count: v.Count,
		})
	}
	report.AddExternal(r.found.Axe.Info(), added)
	return nil
}

func (r *Router) check(ctx context.Context, report *documents.Report, file *os.File) error {
	data, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("read the file for veraPDF: %w", err)
	}
	release, err := r.embedded.Slot(ctx)
	if err != nil {
		return err
	}
	verdict, err := r.found.VeraPDF.Check(ctx, data)
	release()
	if err != nil {
		return err
	}
	report.AddVerdict(r.found.VeraPDF.Info(), *verdict)
	return nil
}

// text reads an HTML document in UTF-8.
func text(file *os.File) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(file, documents.MaxHTMLBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the file for the browser: %w", err)
	}
	return documents.ToUTF8(data)
}

// rewinder returns a function that sets a file back to where it is now.
func rewinder(file *os.File) func() error {
	at, err := file.Seek(0, io.SeekCurrent)
	return func() error {
		if err == nil {
			_, err = file.Seek(at, io.SeekStart)
		}
		if err != nil {
			return &documents.FileError{Problem: documents.Damaged, Message: "The file cannot be read twice."}
		}
		return nil
	}
}

// temporary makes a file without a name for a result on its way.
func temporary() (*os.File, error) {
	file, err := os.CreateTemp("", "perfectworks-document-")
	if err != nil {
		return nil, fmt.Errorf("make a file for a result: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("make a file for a result: %w", err), file.Close())
	}
	return file, nil
}
