package processing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
	if o.Kind == file.Analysis {
		report, err := a.Documents.Analyze(ctx, source)
		if err != nil {
			return result{}, err
		}
		return a.store(ctx, s.ID, o, report, report, nil)
	}
	made, err := a.make(ctx, source, o, out)
	if err != nil {
		return result{}, err
	}
	return a.store(ctx, o.DerivedID, o, made, made.Report, out)
}

func (a attempt) make(ctx context.Context, source documents.Source, o file.Operation, out *os.File) (*documents.Outcome, error) {
	if o.Kind == file.Conversion {
		return a.Documents.Convert(ctx, source, documents.Format(o.Target), out)
	}
	return a.Documents.Process(ctx, source, out)
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
	r.done = file.Done{Fence: a.lease.Fence, Findings: findingsOf(report, a.engine, key("json"))}
	if _, _, err = a.put(ctx, key("json"), "application/json", strings.NewReader(string(text))); err != nil || out == nil {
		return r, err
	}
	format := file.Format(report.Format)
	r.content = file.Content{Object: key(string(format)), Format: format, Pages: int64(report.Pages)}
	if _, err = out.Seek(0, io.SeekStart); err != nil {
		return r, fmt.Errorf("read a result: %w", err)
	}
	if r.content.Size, r.content.SHA256, err = a.put(ctx, r.content.Object, format.MIME(), out); err != nil {
		return r, err
	}
	if format == file.HTML {
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
