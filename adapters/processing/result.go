package processing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
)

// result is what an attempt made.
type result struct {
	content file.Content
	done    file.Done
}

// carryOut has the engine work on the document, and stores what it makes. After an
// error nothing is stored.
func (a attempt) carryOut(ctx context.Context, s file.State, o file.Operation) (_ result, err error) {
	defer func() { err = outcomeOf(err) }()
	local, err := a.fetch(ctx, s.Content.Object)
	if err != nil {
		return result{}, err
	}
	defer local.Close()
	out, err := a.temporary()
	if err != nil {
		return result{}, err
	}
	defer out.Close()
	told := a.tell(ctx)
	defer told.stop()
	source := documents.Source{File: local, Format: documents.Format(s.Format), Progress: told.progress}
	done, err := a.workOn(ctx, source, o, out)
	if err != nil {
		return result{}, err
	}
	letIn := make(chan struct{})
	go func() {
		defer close(letIn)
		err := a.worked(ctx, a.args.OrganizationID, a.args.JobID)
		*a.letIn = err == nil // Otherwise the end of the attempt does it.
	}()
	defer func() { <-letIn }()
	if o.Kind == file.Analysis {
		return a.store(ctx, s.ID, o, done.Report, done.Report, nil)
	}
	return a.store(ctx, o.DerivedID, o, done, done.Report, out)
}

// workOn has the engine work on the document, once there is a place. Of an analysis
// there is only the report.
func (a attempt) workOn(ctx context.Context, source documents.Source, o file.Operation, out *os.File) (*documents.Outcome, error) {
	leave, err := a.places.take(ctx, a.args.OrganizationID)
	if err != nil {
		return nil, err
	}
	defer leave()
	switch o.Kind {
	case file.Conversion:
		return a.Documents.Convert(ctx, source, documents.Format(o.Target), out)
	case file.Accessibility:
		return a.Documents.Process(ctx, source, out)
	case file.Analysis:
	}
	report, err := a.Documents.Analyze(ctx, source)
	return &documents.Outcome{Report: report}, err
}

// store writes the record of the work, and the document that was made, if one was,
// as objects of a file.
func (a attempt) store(ctx context.Context, owner id.File, o file.Operation, record any, report *documents.Report, out *os.File) (r result, err error) {
	key := func(ending string) string {
		return commands.FileKey(a.args.OrganizationID, owner, fmt.Sprintf("%s-%d.%s", o.Kind, a.lease.Fence, ending))
	}
	defer func() {
		if err != nil {
			a.discard(ctx, r)
		}
	}()
	text, err := json.Marshal(record)
	if err != nil {
		return r, fmt.Errorf("write a report: %w", err)
	}
	// The engine is the one that was asked for: an API on another machine, which has
	// found other engines, would not recognise the result otherwise, and it would be
	// paid for again. The record names all that took part.
	r.done = file.Done{Fence: a.lease.Fence, Findings: findingsOf(report, o.Work.Engine, key("json"))}
	both, storing := errgroup.WithContext(ctx) // Each waits for the disk.
	both.Go(func() error {
		_, _, err := a.put(storing, key("json"), "application/json", bytes.NewReader(text))
		return err
	})
	if out != nil {
		format := file.Format(report.Format)
		r.content = file.Content{Object: key(string(format)), Format: format, Pages: int64(report.Pages)}
		both.Go(func() (err error) {
			if _, err = out.Seek(0, io.SeekStart); err != nil {
				return fmt.Errorf("read a result: %w", err)
			}
			r.content.Size, r.content.SHA256, err = a.put(storing, r.content.Object, format.MIME(), out)
			return err
		})
	}
	if err = both.Wait(); err != nil {
		return r, err
	}
	if r.content.Format == file.HTML {
		r.content.Characters, err = a.characters(ctx, out)
	}
	return r, err
}

// characters counts those of an HTML document that was made.
func (a attempt) characters(ctx context.Context, out *os.File) (int64, error) {
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("read a result: %w", err)
	}
	count, err := a.Counter.Count(ctx, documents.Source{File: out, Format: documents.HTML})
	if err != nil {
		return 0, err
	}
	return count.Characters, nil
}

// put writes an object, and returns its size and its SHA-256.
func (a attempt) put(ctx context.Context, key, contentType string, from io.Reader) (int64, string, error) {
	writing, giveUp := context.WithCancel(ctx)
	defer giveUp()
	to, err := a.Objects.Create(writing, key, contentType)
	if err != nil {
		return 0, "", fmt.Errorf("store a result: %w", err)
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(to, sum), from)
	if err != nil {
		giveUp()
		_ = to.Close() // It was given up.
		return 0, "", fmt.Errorf("store a result: %w", err)
	}
	if err := to.Close(); err != nil {
		return 0, "", fmt.Errorf("store a result: %w", err)
	}
	return size, hex.EncodeToString(sum.Sum(nil)), nil
}

// discard deletes what an attempt stored in vain.
func (a attempt) discard(ctx context.Context, r result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	for _, key := range []string{r.done.Findings.Report, r.content.Object} {
		if key == "" {
			continue
		}
		if err := a.Objects.Delete(ctx, key); err != nil && !errors.Is(err, commands.ErrNoObject) {
			a.Logger.WarnContext(ctx, "an object that nothing refers to is left to the sweep", "error", err)
		}
	}
}

// findingsOf sums a report up.
func findingsOf(r *documents.Report, engine, key string) file.Findings {
	f := file.Findings{Report: key, Engine: engine, AnalysedAt: r.AnalysedAt}
	if r.Results.OverallScore != nil {
		f.Score = *r.Results.OverallScore
	}
	for _, c := range r.Results.Categories {
		f.Categories = append(f.Categories, file.Category{
			Name: string(c.Name), Score: c.Score, Status: string(c.Status),
			Errors: c.Summary.ErrorCount, Warnings: c.Summary.WarningCount, Infos: c.Summary.InfoCount,
		})
	}
	return f
}
