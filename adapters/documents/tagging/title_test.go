package tagging

import "testing"

func TestTitles(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Annual Report 2024": "Annual Report 2024", "Microsoft Word - doc1.docx": "", "untitled": "", "Document1": "", "thesis.dvi": "",
		"C:\\texts\\a b": "", "  A\n title ": "A title", "---": "", "Titel": "", "(anonymous)": "", "Slide 1": "",
		"Documents of the Council": "Documents of the Council", "Über uns": "Über uns",
	} {
		if got := sensibleTitle(title); got != want {
			t.Errorf("%q becomes %q, want %q", title, got, want)
		}
	}
}
