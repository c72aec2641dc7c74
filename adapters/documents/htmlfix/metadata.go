package htmlfix

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/documents/language"
)

// metadata repairs what the page says of itself.
func (p *plan) metadata() {
	p.charset()
	p.pageLanguage()
	for _, f := range p.findings("valid-lang") {
		if tag := languageTag(htmlcheck.Attr(f.Node, "lang")); tag != "" {
			p.add(p.start(f.Rule, f.Node, "lang changed to "+tag).set(f.Node, "lang", tag))
		}
	}
	if p.counts["document-title"] > 0 {
		p.title()
	}
	for _, f := range p.findings("meta-viewport", "meta-viewport-large") {
		p.add(p.start(f.Rule, f.Node, "limits of enlarging removed").set(f.Node, "content", freeViewport(htmlcheck.Attr(f.Node, "content"))))
	}
}

// charset lets the document say that it is in UTF-8, as what Fix gives is.
func (p *plan) charset() {
	said := false
	for _, n := range p.All("meta") {
		switch content := htmlcheck.Attr(n, "content"); {
		case htmlcheck.Has(n, "charset"):
			said = true
			if name := strings.TrimSpace(htmlcheck.Attr(n, "charset")); !isUTF8(name) {
				p.add(p.start("charset", n, "charset changed to utf-8, in which the repaired file is").set(n, "charset", "utf-8"))
			}
		case strings.EqualFold(htmlcheck.Attr(n, "http-equiv"), "content-type"):
			kind, name, ok := strings.Cut(strings.ToLower(content), "charset=")
			said = said || ok
			if ok && !isUTF8(strings.Trim(name, "'\" ")) {
				p.add(p.start("charset", n, "charset changed to utf-8, in which the repaired file is").set(n, "content", kind+"charset=utf-8"))
			}
		}
	}
	if !said && slices.ContainsFunc(p.Source, func(c byte) bool { return c >= 0x80 }) && !p.byteOrderMark {
		if at, ok := p.headPlace(); ok {
			p.add(p.start("charset", nil, "charset utf-8 declared, in which the file is").insert(at, `<meta charset="utf-8" />`))
		}
	}
}

func isUTF8(name string) bool {
	return strings.EqualFold(name, "utf-8") || strings.EqualFold(name, "utf8")
}

// pageLanguage finds the language of the page in what else says it, then in its text.
func (p *plan) pageLanguage() {
	root := p.All("html")[0]
	lang := htmlcheck.Attr(root, "lang")
	if p.counts["html-xml-lang-mismatch"] > 0 && htmlcheck.ValidLanguage(lang) {
		p.add(p.start("html-xml-lang-mismatch", root, "xml:lang changed to "+lang+", as lang").set(root, "xml:lang", lang))
	}
	rule := "html-has-lang"
	if p.counts[rule] == 0 {
		if rule = "html-lang-valid"; p.counts[rule] == 0 {
			return
		}
	}
	tag, source := p.findLanguage(root)
	if tag == "" {
		return
	}
	r := p.start(rule, root, "lang="+tag+" set, "+source)
	if _, ok := p.Offset(root); ok {
		p.add(r.set(root, "lang", tag))
	} else if at, ok := p.contentStart(); ok {
		r.edits = append(r.edits, edit{start: at, end: at, text: `<html lang="` + escape(tag) + `">`, partner: -1, first: true})
		p.add(r)
	}
}

func (p *plan) findLanguage(root *html.Node) (tag, source string) {
	if tag := languageTag(htmlcheck.Attr(root, "lang")); tag != "" {
		return tag, "as it was meant"
	}
	if tag := languageTag(htmlcheck.Attr(root, "xml:lang")); tag != "" {
		return tag, "as xml:lang says"
	}
	if tag, confident := language.Detect(p.shownText()); confident {
		return tag, "detected from the text"
	}
	for _, body := range p.All("body") {
		if tag := languageTag(htmlcheck.Attr(body, "lang")); tag != "" {
			return tag, "as the body says"
		}
	}
	for _, n := range p.All("meta") {
		for _, name := range []string{htmlcheck.Attr(n, "http-equiv"), htmlcheck.Attr(n, "property"), htmlcheck.Attr(n, "name")} {
			if slices.Contains([]string{"content-language", "og:locale", "dc.language", "dcterms.language", "language"}, strings.ToLower(name)) {
				if tag := languageTag(htmlcheck.Attr(n, "content")); tag != "" {
					return tag, "as its metadata say"
				}
			}
		}
	}
	return "", ""
}

// languageNames are what people write for a tag.
var languageNames = map[string]string{
	"english": "en", "german": "de", "deutsch": "de", "french": "fr", "francais": "fr", "français": "fr", "spanish": "es",
	"espanol": "es", "español": "es", "italian": "it", "italiano": "it", "dutch": "nl", "nederlands": "nl",
	"portuguese": "pt", "português": "pt", "polish": "pl", "polski": "pl", "swedish": "sv",
	"svenska": "sv", "danish": "da", "dansk": "da", "norwegian": "no", "norsk": "no", "finnish": "fi", "suomi": "fi",
	"czech": "cs", "russian": "ru", "greek": "el", "turkish": "tr", "japanese": "ja", "chinese": "zh", "korean": "ko",
	"arabic": "ar", "hebrew": "he", "hungarian": "hu", "romanian": "ro", "ukrainian": "uk",
}

// languageTag reads a tag, one written with underscores, or the name of a language; "" is none of those.
func languageTag(text string) string {
	text = strings.TrimSpace(text)
	if tag, ok := languageNames[strings.ToLower(text)]; ok {
		return tag
	}
	tag, _, _ := strings.Cut(strings.ReplaceAll(text, "_", "-"), ".") // the rest is a locale's encoding
	if !htmlcheck.ValidLanguage(tag) || strings.ContainsFunc(tag, func(r rune) bool {
		return r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		return ""
	}
	return tag
}

// shownText returns the text that readers see, as much of it as tells its language.
func (p *plan) shownText() string {
	var b strings.Builder
	for _, n := range p.Elements {
		if b.Len() > 100_000 {
			break
		}
		if !p.Rendered(n) || htmlcheck.Has(n, "lang") && n.Data != "html" || slices.Contains([]string{"code", "pre", "textarea", "svg", "iframe", "select"}, n.Data) {
			continue
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			if child.Type == html.TextNode {
				b.WriteString(child.Data + " ")
			}
		}
	}
	return b.String()
}

// maxTitle bounds a title, in characters.
const maxTitle = 150

// title takes the title from the main heading, from the metadata, or from the first heading.
func (p *plan) title() {
	main, first, meta := "", "", ""
	for _, n := range p.Elements {
		if p.Role(n) == "heading" && p.Shown(n) {
			name := p.Name(n)
			if main == "" && htmlcheck.HeadingLevel(n) == 1 {
				main = name
			}
			if first == "" {
				first = name
			}
		}
		name := strings.ToLower(htmlcheck.Attr(n, "property") + htmlcheck.Attr(n, "name"))
		if n.Data == "meta" && meta == "" && slices.Contains([]string{"og:title", "twitter:title", "title", "dc.title", "dcterms.title"}, name) {
			meta = htmlcheck.Collapse(htmlcheck.Attr(n, "content"))
		}
	}
	for _, c := range []struct{ text, source string }{{main, "the main heading"}, {meta, "the metadata"}, {first, "the first heading"}} {
		if !saysSomething(c.text) {
			continue
		}
		if utf8.RuneCountInString(c.text) > maxTitle {
			c.text = string([]rune(c.text)[:maxTitle-1]) + "…"
		}
		r := p.start("document-title", nil, "title taken from "+c.source)
		r.review = "The title was taken from " + c.source + ": does it say what the page is about?"
		text := "<title>" + escapeText(c.text) + "</title>"
		for _, n := range p.All("title") {
			if e, ok := p.extent(n); ok && n.Namespace == "" {
				r.edits = append(r.edits, edit{start: e.start, end: e.end, text: text, partner: -1, whole: true})
				p.add(r)
				return
			}
		}
		if at, ok := p.headPlace(); ok {
			p.add(r.insert(at, text))
		}
		return
	}
}

// contentStart returns the place of the first thing that belongs to an element: what stands before may be a document type,
// comments and white space.
func (p *plan) contentStart() (int, bool) {
	for _, t := range p.Tokens {
		switch {
		case t.Kind == html.DoctypeToken, t.Kind == html.CommentToken:
		case t.Kind == html.TextToken && len(bytes.TrimSpace(p.Source[t.Start:t.End])) == 0:
		default:
			return t.Start, true
		}
	}
	return contentEnd(p.Tokens), true
}

// headPlace returns the place where the head begins, or would.
func (p *plan) headPlace() (int, bool) {
	tokens := p.Tokens
	for _, name := range []string{"head", "html"} {
		if offset, ok := p.Offset(p.All(name)[0]); ok {
			if i, ok := tokenAt(tokens, offset); ok {
				return tokens[i].End, true
			}
		}
	}
	return p.contentStart()
}

// freeViewport leaves out what keeps people from enlarging the page.
func freeViewport(content string) string {
	var left []string
	for part := range strings.FieldsFuncSeq(content, func(r rune) bool { return r == ',' || r == ';' }) {
		name, _, _ := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "user-scalable" && name != "maximum-scale" && strings.TrimSpace(part) != "" {
			left = append(left, strings.TrimSpace(part))
		}
	}
	return strings.Join(left, ", ")
}
