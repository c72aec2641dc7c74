package documents

import (
	"fmt"
	"os"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/htmlfix"
)

// prepared is an HTML document that is ready to be set or printed.
type prepared struct {
	html    []byte
	outcome *Outcome
	// inlined is how much longer it became by what lies beside it.
	inlined int
}

// prepare repairs an HTML document, as processing does, and takes in the images and style sheets beside it: a PDF needs
// a title, a language and header cells as much as a page, and has nothing beside it.
func (j *job) prepare() (*prepared, error) {
	outcome, repaired, err := j.repair(htmlfix.Options{})
	if err != nil {
		return nil, err
	}
	outcome.Report = outcome.Before
	p := &prepared{html: repaired, outcome: outcome}
	if j.Folder == "" {
		return p, nil
	}
	root, err := os.OpenRoot(j.Folder)
	if err != nil {
		return nil, fmt.Errorf("open the folder of the file: %w", err)
	}
	defer root.Close()
	in := &inliner{root: root, left: maxInlined}
	p.html = in.inline(repaired)
	p.inlined = len(p.html) - len(repaired)
	if len(in.missing) > 0 {
		const most = 5
		outcome.Warnings = append(outcome.Warnings, fmt.Sprintf("Of the files that the document names, %d cannot be read: %s.",
			len(in.missing), shorten(strings.Join(in.missing[:min(len(in.missing), most)], ", "))))
	}
	return p, nil
}

// prepareHTML writes the prepared document, for an engine that prints it.
func (j *job) prepareHTML() (*Outcome, error) {
	if j.Format != HTML {
		return nil, problem(Unsupported, "The file is not HTML.")
	}
	p, err := j.prepare()
	if err != nil {
		return nil, err
	}
	return p.outcome, j.deliver(p.html)
}
