package pdfhtml

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/structure"
)

// quotes are the marks around quotations, in pairs that differ by language.
const quotes = "\"“”„‟«»‹›'‘’‚‛「」『』"

// quote gathers a quotation. Browsers write the marks of a q element themselves, so those in the text give way to it; a
// quotation without marks stays mere text.
func (g *gatherer) quote(n *structure.Node, wraps []*wrap, m manner, depth int) bool {
	if n.Attributes().ActualText != "" || languageTag(n.Attributes().Lang) != "" {
		return false
	}
	inner := gatherer{builder: g.builder}
	around := &wrap{node: element("q")}
	for _, kid := range n.Kids {
		inner.node(kid, append(slices.Clip(wraps), around), m, depth+1)
	}
	if !unquote(inner.segments) {
		for i := range inner.segments {
			s := &inner.segments[i]
			s.wraps = slices.DeleteFunc(slices.Clone(s.wraps), func(w *wrap) bool { return w == around })
		}
	}
	g.segments = append(g.segments, inner.segments...)
	return true
}

// unquote takes the marks around a quotation away. It is false if it has none.
func unquote(segments []segment) bool {
	shows := func(s segment) bool { return strings.TrimSpace(s.text) != "" }
	first := slices.IndexFunc(segments, shows)
	last := len(segments) - 1
	for last > first && !shows(segments[last]) {
		last--
	}
	if first < 0 {
		return false
	}
	start, end := &segments[first].text, &segments[last].text
	opening, size := utf8.DecodeRuneInString(strings.TrimSpace(*start))
	closing, closingSize := utf8.DecodeLastRuneInString(strings.TrimSpace(*end))
	if !strings.ContainsRune(quotes, opening) || !strings.ContainsRune(quotes, closing) ||
		first == last && len(strings.TrimSpace(*start)) < size+closingSize {
		return false
	}
	*end = strings.TrimSuffix(strings.TrimSpace(*end), string(closing))
	*start = strings.TrimPrefix(strings.TrimSpace(*start), string(opening))
	return true
}
