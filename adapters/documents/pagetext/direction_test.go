package pagetext_test

import (
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

func TestReadingOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, painted, want string }{
		{"from left to right", "wells (2)", "wells (2)"},
		{"one letter", "א", "א"},
		{"Hebrew as painted", "םולש םכל", "לכם שלום"},
		{"Hebrew in the order of reading", "שלום לכם", "שלום לכם"},
		{"Arabic as painted", "هايملا ريرقت", "تقرير المياه"},
		{"Arabic in the order of reading", "تقرير المياه", "تقرير المياه"},
		{"a number in it", "2844.98 םולש", "שלום 2844.98"},
		{"words of another script in it", "PDF לש םולש", "שלום של PDF"},
		{"a word in other text", "the word םולש here", "the word שלום here"},
		{"brackets", "(םולש) םיכלמ", "מלכים (שלום)"},
	} {
		if got := pagetext.ReadingOrder(tt.painted); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
