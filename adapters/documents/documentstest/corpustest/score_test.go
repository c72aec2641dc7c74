package corpustest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("wordsofaparagraph", 10)
	tests := []struct {
		name         string
		truth, found []Block
		role         Role
		want         Score
	}{
		{"equal", []Block{{Headings, "One"}}, []Block{{Headings, "One"}}, Headings, Score{1, 1, 1}},
		{"another role", []Block{{Headings, "One"}}, []Block{{Paragraphs, "One"}}, Headings, Score{1, 0, 0}},
		{"a tenth differs", []Block{{Paragraphs, long}}, []Block{{Paragraphs, long[:len(long)-len(long)/10]}}, Paragraphs, Score{1, 1, 1}},
		{"more differs", []Block{{Paragraphs, long}}, []Block{{Paragraphs, long[:len(long)*8/10]}}, Paragraphs, Score{1, 1, 0}},
		{"short texts must be equal", []Block{{Cells, "123"}}, []Block{{Cells, "124"}}, Cells, Score{1, 1, 0}},
		{"each matches once", []Block{{Cells, "5"}, {Cells, "5"}}, []Block{{Cells, "5"}}, Cells, Score{2, 1, 1}},
		{"equal goes first", []Block{{Paragraphs, long + "x"}, {Paragraphs, long}}, []Block{{Paragraphs, long}}, Paragraphs, Score{2, 1, 1}},
		{"figures by number", []Block{{Figures, ""}, {Figures, ""}}, []Block{{Figures, ""}}, Figures, Score{2, 1, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Compare(test.truth, test.found)[test.role]; got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestF1(t *testing.T) {
	t.Parallel()
	for want, s := range map[float64]Score{1: {}, 0: {Truth: 3}, 0.5: {Truth: 2, Found: 2, Matched: 1}, 0.8: {Truth: 6, Found: 4, Matched: 4}} {
		if got := s.F1(); got != want {
			t.Errorf("F1 of %+v is %g, want %g", s, got, want)
		}
	}
}

// distance is Levenshtein's, by the book.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// TestNearly compares the bounded distance with the plain one.
func TestNearly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := []rune(rapid.StringOfN(rapid.RuneFrom([]rune("abcλ")), 0, 60, -1).Draw(t, "a"))
		b := append([]rune{}, a...)
		for range rapid.IntRange(0, 8).Draw(t, "edits") {
			at := rapid.IntRange(0, len(b)).Draw(t, "at")
			switch {
			case rapid.Bool().Draw(t, "insert"):
				b = append(b[:at:at], append([]rune{'x'}, b[at:]...)...)
			case at < len(b):
				b = append(b[:at:at], b[at+1:]...)
			}
		}
		limit := max(len(a), len(b)) / 10
		want := distance(a, b) <= limit
		if got := nearly(a, b); got != want {
			t.Fatalf("nearly(%q, %q) is %t, their distance is %d", string(a), string(b), got, distance(a, b))
		}
		if nearly(a, b) != nearly(b, a) {
			t.Fatalf("the order of %q and %q matters", string(a), string(b))
		}
	})
}
