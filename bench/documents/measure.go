package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/perfectworks/backend/adapters/documents"
)

// measureCommand is the hidden subcommand that works on one file: a process of its own, so that the peak of its
// children is that of the engine's child process.
const measureCommand = "bench-measure"

// task is the only argument of [measureCommand].
type task struct {
	// Operation is analyze, process or convert.
	Operation string           `json:"operation"`
	Format    documents.Format `json:"format"`
	To        documents.Format `json:"to,omitempty"`
	In        string           `json:"in"`
	Out       string           `json:"out,omitempty"`
}

// measured is what the engine did with one file.
type measured struct {
	// Seconds is the wall-clock time from the call to its result, the start of the child process included.
	Seconds float64 `json:"seconds"`
	// Peak is the largest memory of the child process in bytes.
	Peak int64 `json:"peak"`
	// Problem says why there is no result.
	Problem string `json:"problem,omitempty"`
	Pages   int    `json:"pages,omitempty"`
	// Conforms is the engine's own verdict on the result, or on the file if it was analysed.
	Conforms    bool     `json:"conforms,omitempty"`
	FailedRules []string `json:"failedRules,omitempty"`
	// Hidden are the words of the result that no tag reaches, other than those of running headers and footers.
	Hidden int `json:"hidden,omitempty"`
}

// measureMain is the main function of [measureCommand]. Its result is the exit code.
func measureMain(args []string) int {
	var t task
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &t) != nil {
		return 2
	}
	m, err := t.run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(m); err != nil {
		return 1
	}
	return 0
}

// run lets the engine work on the file. A fault of the file is a part of the result.
func (t task) run(ctx context.Context) (measured, error) {
	engine, err := documents.New(nil)
	if err != nil {
		return measured{}, err
	}
	in, err := os.Open(t.In)
	if err != nil {
		return measured{}, err
	}
	defer in.Close()
	source := documents.Source{File: in, Format: t.Format}
	var out *os.File
	if t.Out != "" {
		if out, err = os.Create(t.Out); err != nil {
			return measured{}, err
		}
		defer out.Close()
	}
	began := time.Now()
	report, err := t.call(ctx, engine, source, out)
	m := measured{Seconds: time.Since(began).Seconds()}
	var fault *documents.FileError
	switch {
	case errors.As(err, &fault):
		m.Problem = string(fault.Problem) + ": " + fault.Message
	case err != nil:
		return m, err
	case report != nil:
		m.Pages = report.Pages
		if report.PDFUA1 != nil {
			m.Conforms, m.FailedRules = report.PDFUA1.Conforms, report.PDFUA1.FailedRules
		}
		if report.Hidden != nil {
			m.Hidden = report.Hidden.Words
		}
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		return m, fmt.Errorf("ask for the memory of the child process: %w", err)
	}
	m.Peak = usage.Maxrss << 10 // Linux counts KiB
	return m, nil
}

func (t task) call(ctx context.Context, engine *documents.Engine, source documents.Source, out *os.File) (*documents.Report, error) {
	if t.Operation == "analyze" {
		return engine.Analyze(ctx, source)
	}
	outcome, err := t.produce(ctx, engine, source, out)
	if err != nil {
		return nil, err
	}
	return outcome.Report, nil
}

func (t task) produce(ctx context.Context, engine *documents.Engine, source documents.Source, out *os.File) (*documents.Outcome, error) {
	switch t.Operation {
	case "process":
		return engine.Process(ctx, source, out)
	case "convert":
		return engine.Convert(ctx, source, t.To, out)
	}
	return nil, fmt.Errorf("there is no operation %q", t.Operation)
}

// measure works on a file in a process of its own.
func (t task) measure(ctx context.Context) (measured, error) {
	self, err := os.Executable()
	if err != nil {
		return measured{}, fmt.Errorf("find this program: %w", err)
	}
	argument, err := json.Marshal(t)
	if err != nil {
		return measured{}, err
	}
	cmd := exec.CommandContext(ctx, self, measureCommand, string(argument)) //nolint:gosec // this program
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		return measured{}, fmt.Errorf("measure %s: %w", t.In, err)
	}
	var m measured
	if err := json.Unmarshal(answer, &m); err != nil {
		return measured{}, fmt.Errorf("measure %s: %w", t.In, err)
	}
	return m, nil
}
