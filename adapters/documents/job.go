package documents

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// job is the work on one file. It runs in the child process.
type job struct {
	request
	data    []byte
	answers known
	// tell tells progress, in pages.
	tell func(done, total int)
}

// do does what the request asks for.
func (j *job) do() (message, error) {
	switch j.Format {
	case PDF, HTML:
	default:
		return message{}, problem(Unsupported, "The format %q is not supported.", j.Format)
	}
	var m message
	var err error
	switch j.Operation {
	case "analyze":
		m.Report, err = j.analyze()
	case "count":
		m.Count, err = j.count()
	case "wanted":
		m.Wanted, err = j.wanted()
	case "process":
		m.Outcome, err = j.process()
	case "prepare":
		m.Outcome, err = j.prepareHTML()
	case "convert":
		m.Outcome, err = j.convert()
	default:
		err = fmt.Errorf("the operation %q is not known", j.Operation)
	}
	if m.Outcome != nil {
		m.Outcome.complete()
	}
	return m, err
}

func (j *job) analyze() (*Report, error) {
	if j.Format == HTML {
		return analyzeHTML(j.data, j.Now)
	}
	return analyzePDF(j.data, j.answers.Password, j.Limits, j.Now, j.tell)
}

func (j *job) process() (*Outcome, error) {
	if j.Format == HTML {
		return j.processHTML()
	}
	return j.processPDF()
}

func (j *job) convert() (*Outcome, error) {
	if j.To == j.Format {
		return nil, problem(Unsupported, "The file is %s already.", formatNames[j.To])
	}
	switch j.To {
	case PDF:
		return j.htmlToPDF()
	case HTML:
		return j.pdfToHTML()
	}
	return nil, problem(Unsupported, "The format %q is not supported.", j.To)
}

var formatNames = map[Format]string{PDF: "a PDF", HTML: "HTML"}

// phase gives the progress of the first or the second of two passes over all pages, 0 or 1.
func (j *job) phase(number int) func(done, total int) {
	return func(done, total int) { j.tell((number*total+done)/2, total) }
}

// errTooLong says that a result goes beyond its limit.
var errTooLong = errors.New("the result is too large")

// bounded is a buffer for a result, up to the limit.
type bounded struct {
	bytes.Buffer
	limit int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(b.Len()+len(p)) > b.limit {
		return 0, errTooLong
	}
	return b.Buffer.Write(p)
}

// deliver writes the result to where the parent wants it.
func (j *job) deliver(result []byte) error {
	if int64(len(result)) > j.Limits.OutputBytes {
		return j.tooLong()
	}
	out := os.NewFile(outputFile, "output")
	if out == nil {
		return errors.New("there is no file for the result")
	}
	if _, err := io.Copy(out, bytes.NewReader(result)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

func (j *job) tooLong() error {
	return problem(TooLarge, "The result is larger than the allowed %d MiB.", j.Limits.OutputBytes>>20)
}
