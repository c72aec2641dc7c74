package pdfhtml_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
	"github.com/perfectworks/backend/adapters/documents/typeset"
)

// TestSample converts what Chromium printed of testdata/sample.source.html.
func TestSample(t *testing.T) {
	t.Parallel()
	r, err := convert(file(t, "testdata/sample.pdf"), pdfhtml.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(file(t, "testdata/sample.html")), "\n"), strings.Split(mainOf(string(r.HTML))+"\n", "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Title != "Sample document" || r.Language != "en" || len(r.Manual)+len(r.Warnings) != 0 {
		t.Errorf("title %q, language %q, flags %v, warnings %q", r.Title, r.Language, r.Manual, r.Warnings)
	}
	sound(t, r)
	wellFormed(t, r.HTML)
}

var svg = regexp.MustCompile(`(?s)<svg.*?</svg>`)

// picture is an image of one pixel.
const picture = `<img alt="A picture" width="90" height="60" src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAADklEQVR4nGJiBwQAAP//AA0ACm2FFZIAAAAASUVORK5CYII=">`

// TestRoundTrip sets documents of known structure as PDF and converts them back: all blocks come back as they were.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	documents, err := corpustest.HTMLDocuments()
	if err != nil {
		t.Fatal(err)
	}
	total := map[corpustest.Role]corpustest.Score{}
	for name, source := range documents {
		if os.Getenv("CORPUS") == "" && strings.HasPrefix(name, "generated-") && name > "generated-03" {
			continue
		}
		source = svg.ReplaceAllString(source, picture) // drawings are set as the text of their alternative
		first := roundTrip(t, name, source)
		truth, err := corpustest.HTMLBlocks([]byte(source))
		if err != nil {
			t.Fatal(err)
		}
		found, err := corpustest.HTMLBlocks([]byte(mainOf(first)))
		if err != nil {
			t.Fatal(err)
		}
		for role, score := range corpustest.Compare(truth, found) {
			if score.F1() < 0.9 {
				t.Logf("%s: %s %.2f (%+v)", name, role, score.F1(), score)
			}
			total[role] = total[role].Add(score)
		}
	}
	for _, role := range corpustest.Roles {
		t.Logf("%-14s F1 %.3f %+v", role, total[role].F1(), total[role])
		if total[role].F1() < 0.99 {
			t.Errorf("%s: F1 is %.3f", role, total[role].F1())
		}
	}
}

func roundTrip(t *testing.T, name, source string) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := typeset.Convert([]byte(source), &out, typeset.Options{}); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	r, err := convert(out.Bytes(), pdfhtml.Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	sound(t, r)
	return string(r.HTML)
}
