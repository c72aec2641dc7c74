package documents_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// TestPasswords works on a file that opens with a password, and which its owner alone may change.
func TestPasswords(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("pdf", "testdata", "encrypted", "aes-256.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	e := engine(t, documents.Limits{})
	for name, tt := range map[string]struct {
		password         string
		analyze, process documents.Problem
	}{
		"none":        {"", documents.Encrypted, documents.Encrypted},
		"a wrong one": {"secret-guess", documents.Encrypted, documents.Encrypted},
		"the user's":  {"café", "", documents.Protected},
		"the owner's": {"owñer", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with := func() documents.Source {
				s := source(t, data)
				s.Password = tt.password
				return s
			}
			problem := func(err error) documents.Problem {
				var file *documents.FileError
				if errors.As(err, &file) {
					if tt.password != "" && bytes.Contains([]byte(file.Message), []byte(tt.password)) {
						t.Errorf("the error tells the password: %s", file.Message)
					}
					return file.Problem
				}
				if err != nil {
					t.Fatal(err)
				}
				return ""
			}
			if _, err := e.Analyze(t.Context(), with()); problem(err) != tt.analyze {
				t.Errorf("analysis: %v, want %q", err, tt.analyze)
			}
			out, read := output(t)
			outcome, err := e.Process(t.Context(), with(), out)
			if problem(err) != tt.process {
				t.Errorf("processing: %v, want %q", err, tt.process)
			}
			if tt.process != "" {
				return
			}
			if !outcome.PDFUA1.Conforms || outcome.Before.Hidden.Words != 4 || outcome.Hidden.Words != 0 {
				t.Errorf("conforms: %v; words in no tag: %+v before, %+v after", outcome.PDFUA1, outcome.Before.Hidden, outcome.Hidden)
			}
			if f, err := pdf.Open(read(), pdf.Limits{}); err != nil || f.Encrypted {
				t.Errorf("the result: %v", err)
			}
		})
	}
}
