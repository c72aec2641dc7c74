package pdf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// TestPasswords opens files encrypted in each way with the passwords of the user and of the owner, and with others.
func TestPasswords(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rc4-40", "rc4-128", "aes-128", "aes-256-r5", "aes-256"} {
		data, err := os.ReadFile(filepath.Join("testdata", "encrypted", name+".pdf"))
		if err != nil {
			t.Fatal(err)
		}
		for password, want := range map[string]struct {
			err   error
			owner bool
		}{
			"café": {}, "owñer": {owner: true}, "": {err: pdf.ErrPassword}, "cafe": {err: pdf.ErrWrongPassword},
			strings.Repeat("x", 5000): {err: pdf.ErrWrongPassword},
		} {
			f, err := pdf.OpenWith(data, pdf.Limits{}, password)
			if !errors.Is(err, want.err) {
				t.Errorf("%s with %.10q: %v, want %v", name, password, err, want.err)
			}
			if err != nil {
				continue
			}
			pages, err := f.Pages(1)
			if err != nil {
				t.Fatal(err)
			}
			content, err := f.Content(pages[0])
			if err != nil || !strings.Contains(string(content), "Minutes of the council") || f.Owner != want.owner {
				t.Errorf("%s with %q: %q, owner %v, %v", name, password, content, f.Owner, err)
			}
			info, _ := f.Dict(f.Trailer["Info"])
			if title, _ := f.String(info["Title"]); title.Text() != "Minutes" {
				t.Errorf("%s with %q: the title is %q", name, password, title)
			}
		}
	}
}

// TestPreparedPasswords reads a password that is written in other characters which look the same (RFC 4013).
func TestPreparedPasswords(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "encrypted", "aes-256.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"cafe\u0301", "ca\u00adf\u00e9", "\uff43afé"} {
		if _, err := pdf.OpenWith(data, pdf.Limits{}, password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	data := []byte("%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n" +
		"trailer<</Root 1 0 R/Encrypt<</Filter/Adobe.PubSec/V 4>>>>")
	if _, err := pdf.Open(data, pdf.Limits{}); !errors.Is(err, pdf.ErrCertificate) {
		t.Errorf("%v", err)
	}
}
