package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
)

func sample() []*subject {
	truth := []corpustest.Block{{Role: corpustest.Headings, Text: "One"}, {Role: corpustest.Headings, Text: "Two"}}
	return []*subject{
		{
			Name: "good", Set: "s", Half: corpustest.Tune, Pages: 10, result: "x", truth: truth,
			Analyzed: &measured{Seconds: 0.1, Peak: 10 << 20}, Made: &measured{Seconds: 0.04, Peak: 100 << 20},
			Verdict: &verdict{Pass: true}, Pixels: &pixels{Pages: 10, Poppler: 9, PDFium: 8, Both: 8, Explained: 2},
			Words: &words{Before: 100}, Scores: roleScores{corpustest.Headings: {Truth: 2, Found: 2, Matched: 2}},
		},
		{
			Name: "bad", Set: "s", Half: corpustest.Tune, Pages: 30, result: "y", truth: truth,
			Analyzed: &measured{Seconds: 0.3, Peak: 20 << 20}, Made: &measured{Seconds: 0.36, Peak: 600 << 20},
			Verdict: &verdict{FailedRules: []string{"7.1-8"}}, Pixels: &pixels{Pages: 30, Poppler: 30, PDFium: 30, Both: 30},
			Words: &words{Before: 100, Lost: 3}, Scores: roleScores{corpustest.Headings: {Truth: 2, Found: 4, Matched: 1}},
		},
		{
			Name: "none", Set: "s", Half: corpustest.Tune, Pages: 1, truth: truth,
			Made: &measured{Seconds: 1, Problem: "damaged"},
		},
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	got := map[string]float64{}
	met := map[string]bool{}
	for _, f := range figures("s", corpustest.Tune, sample()) {
		got[f.What], met[f.What] = f.Value, f.Met
	}
	want := map[string]float64{
		"files": 3, "pages": 41, "without a result": 1,
		"analyse: pages a second": 100, "analyse: median time a page": 10, "analyse: peak memory": 20,
		"make: pages a second": 100, "make: median time a page": 12, "make: median of all pages": 12, "analyse: median of all pages": 10,
		"make: median time a page, 10 to 20 pages": 4, "make: peak memory": 600,
		"PASS by veraPDF": 100. / 3, "pages identical, poppler": 97.5, "pages identical, PDFium": 95,
		"pages identical, or a font embedded": 100, "text not worse": 50,
		"F1 of headings": 2 * 3. / 12,
	}
	for what, value := range want {
		if diff := got[what] - value; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("%s is %g, want %g", what, got[what], value)
		}
	}
	for what, want := range map[string]bool{
		"make: peak memory": false, "PASS by veraPDF": false, "pages identical, or a font embedded": true, "files": true,
	} {
		if met[what] != want {
			t.Errorf("%s: met is %t", what, met[what])
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := newReport()
	r.add(sample())
	var b strings.Builder
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if fields := strings.Fields(lines[0]); !cmp.Equal(fields, []string{"s", "tune", "held", "aim"}) {
		t.Errorf("the table begins %q", lines[0])
	}
	found := false
	for _, line := range lines {
		if strings.HasPrefix(line, "PASS by veraPDF") {
			found = true
			if diff := cmp.Diff([]string{"PASS", "by", "veraPDF", "33.3", "%", "–", "≥", "98", "%", "missed"}, strings.Fields(line)); diff != "" {
				t.Error(diff)
			}
		}
	}
	if !found {
		t.Errorf("no line on veraPDF in\n%s", b.String())
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := r.save(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Figures) != len(r.Figures) || len(back.Files) != 3 || back.Files[1].Words.Lost != 3 {
		t.Errorf("%d figures and %d files were saved", len(back.Figures), len(back.Files))
	}
}

func TestSameLook(t *testing.T) {
	t.Parallel()
	a, b := corpustest.Picture{1}, corpustest.Picture{2}
	tests := []struct {
		name          string
		before, after []corpustest.Picture
		want          bool
	}{
		{"the same", []corpustest.Picture{a}, []corpustest.Picture{a}, true},
		{"another", []corpustest.Picture{a}, []corpustest.Picture{b}, false},
		{"lost", []corpustest.Picture{a}, nil, false},
		{"not to be seen before", nil, []corpustest.Picture{a}, true},
	}
	for _, test := range tests {
		if got := same(test.before, test.after, 0); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	all := sample()
	all[2].Half = corpustest.Held
	for limit, want := range map[int]int{0: 3, 1: 2, 2: 3} {
		if got := (&bench{plan: plan{limit: limit}}).limited(all); len(got) != want {
			t.Errorf("%d subjects by a limit of %d, want %d", len(got), limit, want)
		}
	}
}
