package tagging

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
	"github.com/perfectworks/backend/adapters/documents/xmp"
)

// Titles that programs put in by themselves say nothing about the document.
var (
	programTitle = regexp.MustCompile(`(?i)^(microsoft (office )?(word|powerpoint|excel)\b|powerpoint[- ]pr|` +
		`(untitled( document)?|unbenannt|sans titre|sin t[ií]tulo|document|dokument|presentation|slide|folie|bookmark|title|titel|none|null|` +
		`blank|about:blank|no title|print|layout|page|sheet|tabelle|mappe|book|kb)[ _-]*\d*$|\(anonymous\)|\(?unspecified\)?$)`)
	fileTitle = regexp.MustCompile(`(?i)^\S*\.(docx?|odt|rtf|pdf|tex|dvi|ps|eps|xlsx?|pptx?|odp|ods|html?|php|aspx?|jsp|indd|qxd|pmd|` +
		`fm|xml|xsl|fo|md|txt|rst|texi|sxw|wpd|pub|vsd|cdr|ai|svg|png|jpe?g|tiff?|dita|dbk|mif|book|adoc|ms|me|man|tmp)$`)
)

// noTitle stands where no title can be found. It says so, is no repair, and the analysis counts it as a finding.
const noTitle = "Untitled document"

// maxTitle is how many characters a title found in the text may have.
const maxTitle = 200

// SaysSomething tells whether a title is about the document: those of programs, such as file names, are not.
func SaysSomething(title string) bool { return sensibleTitle(title) != "" }

// sensibleTitle gives a title of the metadata, "" if it says nothing.
func sensibleTitle(title string) string {
	title = strings.Join(strings.Fields(strings.Map(printable, title)), " ")
	if !strings.ContainsFunc(title, isLetter) || programTitle.MatchString(title) || fileTitle.MatchString(title) ||
		strings.Contains(title, `:\`) || strings.HasPrefix(title, "file:") || strings.HasPrefix(title, "/") {
		return ""
	}
	return title
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func printable(r rune) rune {
	if unicode.IsControl(r) || r == unicode.ReplacementChar {
		return ' '
	}
	return r
}

// findTitle gives the title of the document, and whether it was told or stands in its metadata.
func (w *work) findTitle(said string) (title string, told bool) {
	if w.options.Title != "" {
		return w.options.Title, true
	}
	info, _ := w.file.Dict(w.file.Trailer["Info"])
	inInfo, _ := w.file.String(info["Title"])
	for _, candidate := range []string{said, inInfo.Text()} {
		if title := sensibleTitle(candidate); title != "" {
			return title, true
		}
	}
	if w.tree != nil {
		if title := shorten(strings.Join(strings.Fields(w.tree.Title), " "), maxTitle); title != "" {
			return title, false
		}
	}
	if w.largest != "" {
		return w.largest, false
	}
	// A program's title, such as a file name, is better than none.
	for _, candidate := range []string{said, inInfo.Text()} {
		if title := strings.TrimSpace(strings.Map(printable, candidate)); title != "" {
			return title, false
		}
	}
	return noTitle, false
}

// largestText gives the text of the first page that is written largest.
func (w *work) largestText() string {
	if len(w.shown) == 0 {
		return ""
	}
	size := 0.0
	var parts []string
	for _, run := range w.shown[0].Runs() {
		text := strings.TrimSpace(run.Text)
		if run.Hidden || run.Angle != 0 || !strings.ContainsFunc(text, unicode.IsLetter) {
			continue
		}
		switch {
		case run.Size > size*1.05:
			size, parts = run.Size, []string{text}
		case run.Size > size*0.95 && len(parts) < 12:
			parts = append(parts, text)
		}
	}
	return shorten(strings.Join(strings.Fields(strings.Join(parts, " ")), " "), maxTitle)
}

// writeMetadata writes title, language and, where the document conforms, the identification as PDF/UA.
func (w *work) writeMetadata(title string, existing []byte, conforms bool) {
	packet := xmp.Update(existing, xmp.Metadata{Title: title, Language: w.language, UA: conforms})
	w.catalog["Metadata"] = w.file.Add(&pdf.Stream{
		Dict: pdf.Dict{"Type": pdf.Name("Metadata"), "Subtype": pdf.Name("XML")}, Raw: packet,
	})
}

// conclude writes the metadata and has the result checked.
func (w *work) conclude() error {
	var existing []byte
	if s, ok := w.file.Stream(w.catalog["Metadata"]); ok {
		existing, _ = w.file.Decode(s)
	}
	said, before := readPacket(existing)
	title, told := w.findTitle(said)
	switch {
	case title == noTitle:
		w.flag("06-003", 0, "The document has no title: it needs one that says what it is about")
	case !told:
		w.flag("06-004", 0, "The title was not told but found: "+title)
	}
	if title != said && title != noTitle {
		w.fixed("7.1-9", "", 1)
	}
	info, ok := w.file.Dict(w.file.Trailer["Info"])
	if !ok {
		info = pdf.Dict{}
		w.file.Trailer["Info"] = w.file.Add(info)
	}
	if old, _ := w.file.String(info["Title"]); old.Text() != title {
		info["Title"] = pdf.TextString(title)
	}
	delete(w.file.Trailer, "Encrypt")
	w.file.Header = "%PDF-1.7" // as it will be written
	// Metadata that say all this already stay as they are.
	if title != said || !before {
		w.writeMetadata(title, existing, true)
	}
	w.forgetContent()
	checked, err := w.check()
	if err == nil && title == said && before && len(checked.Failures) > 0 {
		w.writeMetadata(title, existing, true)
		checked, err = w.check()
	}
	if err != nil {
		return err
	}
	if w.result.Failures = checked.Failures; len(checked.Failures) > 0 {
		w.writeMetadata(title, existing, false)
		w.result.Failures = append([]pdfua.Failure{{Rule: "5-1", Count: 1, Places: []pdfua.Place{{}}}}, checked.Failures...)
	} else if !before {
		w.fixed("5-1", "", 1)
	}
	w.flagFailures(checked.Failures)
	if w.file.Brotli {
		w.warn("The PDF has streams that are compressed by Brotli, which PDF 1.7 does not know; they were compressed anew.")
	}
	return nil
}

// check has the file checked, and goes on with the one that was.
func (w *work) check() (*pdfua.Result, error) {
	file := w.file
	w.file, w.catalog, w.pages = nil, nil, nil // the objects of one file at a time are enough
	file, checked, err := w.options.Check(file)
	if err != nil {
		return nil, err
	}
	w.file, w.catalog, w.result.File = file, file.Catalog(), file
	return checked, nil
}

// flagFailures notes what could not be repaired.
func (w *work) flagFailures(failures []pdfua.Failure) {
	for _, failure := range failures {
		rule, _ := pdfua.RuleByID(failure.Rule)
		for _, place := range failure.Places {
			detail := rule.Title
			if place.Detail != "" {
				detail += ": " + shorten(place.Detail, maxDescription)
			}
			w.flag(failure.Rule, place.Page, detail)
		}
	}
}
