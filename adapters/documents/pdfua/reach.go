package pdfua

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Reach counts the words that pages show and that no tag reaches, so that assistive technology cannot read them.
type Reach struct {
	// Hidden are the words that are in no tag and not in running headers and footers.
	Hidden int
	// Running are the words of artifacts that repeat what is on other pages or in the text, and page numbers.
	Running int
	// Places are the pages with hidden words, each with how many and the first of them.
	Places []Place
}

// What page numbers and running titles are.
const (
	// numberMargin is the part of a page's height, at its top and bottom, that they are in.
	numberMargin = 0.15
	// numberWords is how many words there are at the most, as in "Page 3 of 9".
	numberWords = 4
	// longestRoman is how many letters a Roman page number has at the most.
	longestRoman = 7
	// longestNumber is how many digits another one has at the most.
	longestNumber = 4
	// leastTitle is how many letters a running title has at the least.
	leastTitle = 4
)

// untaggedLine is a line of text that no tag reaches.
type untaggedLine struct {
	page     int
	text     string
	key      string
	artifact bool
	// margin tells that it is at the top or the bottom of the page.
	margin bool
}

// reader finds the lines that no tag reaches.
type reader struct {
	*checker
	pages []pdf.Page
	text  *pagetext.Reader
	// lines are those of artifacts; hidden counts the words of the others, and first has the first line of each page.
	lines  []untaggedLine
	hidden []int
	first  map[int]string
	// open is the line that is put together, nil if there is none.
	open *untaggedLine
	// tagged are the letters of the text that tags reach, page by page.
	tagged []string
}

// reach counts the words that no tag reaches, on the pages that have text in no tag.
func (c *checker) reach(pages []pdf.Page) error {
	r := reader{
		checker: c, pages: pages, text: pagetext.NewReader(c.file, pagetext.Limits{Operations: c.limits.Operations}),
		hidden: make([]int, len(pages)+1), first: map[int]string{},
	}
	if err := r.read(func(page int) bool { return c.untagged[page] }); err != nil {
		return err
	}
	on := r.repeats()
	for _, l := range r.lines {
		if on[l.key] < 2 && len(l.key) >= leastTitle && !l.isPageNumber() {
			// It may repeat what stands on the other pages.
			if err := r.read(func(page int) bool { return !c.untagged[page] }); err != nil {
				return err
			}
			break
		}
	}
	reach := &c.facts.Reach
	counted := r.countedPages()
	for _, l := range r.lines {
		if on[l.key] > 1 || l.isPageNumber() || counted[l.offset()] > 1 || r.isRead(l.key) {
			reach.Running += countWords(l.text)
		} else {
			r.hide(l)
		}
	}
	for page, n := range r.hidden {
		reach.Hidden += n
		if n > 0 && len(reach.Places) < c.limits.Places {
			reach.Places = append(reach.Places, Place{Page: page, Detail: fmt.Sprintf("%d words, the first of them %q", n, r.first[page])})
		}
	}
	return nil
}

// read reads some of the pages.
func (r *reader) read(wanted func(page int) bool) error {
	for i, p := range r.pages {
		if !wanted(i + 1) {
			continue
		}
		shown, err := r.text.Page(p, i+1)
		if err != nil {
			return err
		}
		r.page(p, shown)
	}
	return nil
}

// repeats tells on how many pages lines of artifacts are, by their letters.
func (r *reader) repeats() map[string]int {
	on, last := map[string]int{}, map[string]int{}
	for _, l := range r.lines {
		if l.key != "" && last[l.key] != l.page {
			last[l.key] = l.page
			on[l.key]++
		}
	}
	return on
}

// page gathers the lines of a page.
func (r *reader) page(p pdf.Page, shown *pagetext.Page) {
	var tagged strings.Builder
	var last *pagetext.Run // of the open line
	for i := range shown.Runs() {
		run := &shown.Runs()[i]
		if run.Hidden || run.Text == "" {
			continue
		}
		if r.reaches(p, shown, run) {
			tagged.WriteString(letters(run.Text))
			r.end()
			continue
		}
		if r.open != nil && goesOn(last, run) && r.open.artifact == run.Place.Artifact {
			if gap := run.Box.Left - last.Box.Right; gap > wordGap*run.Size || gap < -run.Size {
				r.open.text += " "
			}
			r.open.text += run.Text
		} else {
			r.end()
			margin := numberMargin * shown.Height
			r.open = &untaggedLine{
				page: shown.Number, text: run.Text, artifact: run.Place.Artifact,
				margin: run.Box.Top < margin || run.Box.Bottom > shown.Height-margin,
			}
		}
		last = run
	}
	r.end()
	r.tagged = append(r.tagged, tagged.String())
}

// end ends the open line. A line in no artifact is hidden from readers, whatever stands elsewhere.
func (r *reader) end() {
	if l := r.open; l != nil && l.artifact {
		l.key = letters(withoutRoman(l.text))
		r.lines = append(r.lines, *l)
	} else if l != nil {
		r.hide(*l)
	}
	r.open = nil
}

// hide counts the words of a line that readers do not get.
func (r *reader) hide(l untaggedLine) {
	n := countWords(l.text)
	if n > 0 && r.hidden[l.page] == 0 {
		r.first[l.page] = strings.Join(strings.Fields(l.text), " ")
	}
	r.hidden[l.page] += n
}

// wordGap is the least gap between words, in ems.
const wordGap = 0.165

// goesOn tells whether two runs stand in one line.
func goesOn(a, b *pagetext.Run) bool {
	const nearly = 0.2 // ems
	return a.Angle == b.Angle && math.Abs(a.Baseline-b.Baseline) < nearly*max(a.Size, b.Size)
}

// reaches tells whether a tag reaches a run: by its marked-content identifier, or by the form that it is in.
func (r *reader) reaches(p pdf.Page, shown *pagetext.Page, run *pagetext.Run) bool {
	if run.Place.Artifact || r.tree.root == nil {
		return false
	}
	if run.Place.Mark >= 0 {
		owner := r.ownerOf(p.Dict)
		if form := shown.Streams[run.Place.MarkStream].Form; form != (pdf.Ref{}) {
			owner = r.formOwner(form)
		}
		if r.isRooted(r.markedParent(owner, int64(run.Place.Mark))) {
			return true
		}
	}
	for at := run.Place.Stream; at > 0; at = shown.Streams[at].Outer {
		if r.isRooted(r.markedParent(r.formOwner(shown.Streams[at].Form), -1)) {
			return true
		}
	}
	return false
}

func (c *checker) formOwner(form pdf.Ref) streamOwner {
	s, ok := c.file.Stream(form)
	if !ok {
		return streamOwner{}
	}
	return c.ownerOf(s.Dict)
}

// isRead tells whether tags reach the same letters elsewhere, as those of the heading that a running title repeats.
func (r *reader) isRead(key string) bool {
	if len(key) < leastTitle {
		return false
	}
	for _, text := range r.tagged {
		if strings.Contains(text, key) {
			return true
		}
	}
	return false
}

// noOffset is the offset of lines that are no numbers.
const noOffset = math.MinInt

// offset is by how much the number that is all of a line is larger than that of its page.
func (l untaggedLine) offset() int {
	n, err := strconv.Atoi(strings.TrimSpace(l.text))
	if err != nil || n <= 0 || n >= 10_000 {
		return noOffset
	}
	return n - l.page
}

// countedPages tells on how many pages a number stands alone that counts with the pages, by its offset.
func (r *reader) countedPages() map[int]int {
	out, last := map[int]int{}, map[int]int{}
	for _, l := range r.lines {
		if by := l.offset(); by != noOffset && last[by] != l.page {
			last[by] = l.page
			out[by]++
		}
	}
	return out
}

// withoutRoman drops a Roman numeral at the start or the end of a line, as a running title has beside it.
func withoutRoman(text string) string {
	words := strings.Fields(text)
	if n := len(words); n > 1 && isRoman(words[n-1]) {
		words = words[:n-1]
	} else if n > 1 && isRoman(words[0]) {
		words = words[1:]
	}
	return strings.Join(words, " ")
}

func isRoman(word string) bool {
	return word != "" && len(word) <= longestRoman && strings.Trim(strings.ToLower(word), "ivxlc") == ""
}

// isPageNumber tells whether a line at the edge of a page is its number: one or two whole numbers and few words beside
// them, or a Roman numeral.
func (l untaggedLine) isPageNumber() bool {
	words := slices.DeleteFunc(strings.Fields(l.text), func(word string) bool { return countWords(word) == 0 })
	if !l.margin || len(words) > numberWords {
		return false
	}
	if len(words) == 1 && isRoman(words[0]) {
		return true
	}
	numbers := strings.FieldsFunc(l.text, func(r rune) bool { return !unicode.IsDigit(r) })
	for _, n := range numbers {
		if len(n) > longestNumber {
			return false
		}
	}
	return (len(numbers) == 1 || len(numbers) == 2) && !strings.ContainsAny(l.text, ",.%€$£")
}

// letters gives the letters of a text, in small ones.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// countWords counts what has a letter or a digit between spaces.
func countWords(s string) int {
	n := 0
	for word := range strings.FieldsSeq(s) {
		if strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			n++
		}
	}
	return n
}
