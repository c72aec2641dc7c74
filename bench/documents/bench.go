package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
)

// bench is one run.
type bench struct {
	plan
	report *report
	oracle *verapdftest.Oracle
	ends   []func()

	poppler, pdfium corpustest.Renderer

	// telling keeps the lines of different files apart.
	telling sync.Mutex
}

func newBench(ctx context.Context, p plan) (*bench, error) {
	if _, err := programtest.LookUp("poppler-utils", "pdftoppm"); err != nil { //nolint:contextcheck // installing ends by itself
		return nil, err
	}
	b := &bench{plan: p, report: newReport()}
	var err error
	if b.out == "" {
		if b.out, err = os.MkdirTemp("", "bench-documents-"); err != nil {
			return nil, err
		}
		b.ends = append(b.ends, func() { os.RemoveAll(b.out) })
	}
	var end func()
	if b.oracle, end, err = startOracle(); err != nil { //nolint:contextcheck // it ends by its own means
		b.close()
		return nil, err
	}
	b.ends = append(b.ends, end)
	pdfium, err := corpustest.NewPDFium(ctx)
	if err != nil {
		b.close()
		return nil, err
	}
	b.ends = append(b.ends, func() { pdfium.Close() })
	b.poppler, b.pdfium = corpustest.Poppler{}, pdfium
	return b, nil
}

func (b *bench) close() {
	for _, end := range b.ends {
		end()
	}
}

// subject is a file to be measured, and what is found out about it.
type subject struct {
	Name string          `json:"name"`
	Set  string          `json:"set"`
	Half corpustest.Half `json:"half"`
	// path is the file, result what the engine makes of it.
	path, result string
	// truth are the true blocks, if they are known.
	truth []corpustest.Block

	Pages    int        `json:"pages"`
	Analyzed *measured  `json:"analyzed,omitempty"`
	Made     *measured  `json:"made,omitempty"`
	Verdict  *verdict   `json:"verdict,omitempty"`
	Pixels   *pixels    `json:"pixels,omitempty"`
	Words    *words     `json:"words,omitempty"`
	Scores   roleScores `json:"scores,omitempty"`
}

// roleScores are the scores of a document or of many.
type roleScores map[corpustest.Role]corpustest.Score

func (r roleScores) add(o roleScores) {
	for role, s := range o {
		r[role] = r[role].Add(s)
	}
}

// verdict is what veraPDF says of a result.
type verdict struct {
	Pass        bool     `json:"pass"`
	FailedRules []string `json:"failedRules,omitempty"`
}

// limited keeps at most as many subjects of each half as the plan allows.
func (b *bench) limited(all []*subject) []*subject {
	if b.limit == 0 {
		return all
	}
	var out []*subject
	count := map[corpustest.Half]int{}
	for _, s := range all {
		if count[s.Half]++; count[s.Half] <= b.limit {
			out = append(out, s)
		}
	}
	return out
}

// resultPath is where the result of a subject goes.
func (b *bench) resultPath(set, name, ending string) (string, error) {
	folder := filepath.Join(b.out, set)
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // results are for people to look at
		return "", err
	}
	return filepath.Join(folder, name+ending), nil
}

// make has the engine work on the subjects one after the other, so that none slows another, and analyse them before
// that if told.
func (b *bench) make(ctx context.Context, subjects []*subject, analyze bool, t task, ending string) error {
	for _, s := range subjects {
		if analyze {
			m, err := task{Operation: "analyze", Format: t.Format, In: s.path}.measure(ctx)
			if err != nil {
				return err
			}
			s.Analyzed = &m
		}
		one := t
		one.In = s.path
		var err error
		if one.Out, err = b.resultPath(s.Set, s.Name, ending); err != nil {
			return err
		}
		m, err := one.measure(ctx)
		if err != nil {
			return err
		}
		if s.result = one.Out; m.Problem != "" {
			s.result = ""
			b.tell(s, "%s", m.Problem)
		}
		if s.Pages == 0 {
			s.Pages = max(1, m.Pages)
		}
		s.Made = &m
	}
	return nil
}

// check does some things for every subject that has a result, for as many subjects at a time as there are processors,
// and one more: one waits for the validator most of the time.
func (b *bench) check(ctx context.Context, subjects []*subject, things ...func(context.Context, *subject) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU() + 1)
	for _, s := range subjects {
		if s.result == "" {
			continue
		}
		group.Go(func() error {
			for _, do := range things {
				if err := do(ctx, s); err != nil {
					return fmt.Errorf("%s: %w", s.Name, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// tell says what is wrong with a file, if people want to know.
func (b *bench) tell(s *subject, format string, args ...any) {
	if !b.verbose {
		return
	}
	b.telling.Lock()
	defer b.telling.Unlock()
	fmt.Fprintf(os.Stderr, "%s %s: %s: %s\n", s.Set, s.Half, s.Name, fmt.Sprintf(format, args...))
}
