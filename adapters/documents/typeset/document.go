package typeset

import (
	"bytes"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// document is the parsed HTML with what is known of it as a whole.
type document struct {
	root, body      *html.Node
	title, language string
	author, subject string
	sheet           sheet
	styles          *style.Resolver
	ids             map[string]*html.Node
	// targets are the identifiers that links of the document lead to.
	targets map[string]bool
	base    *url.URL
	load    func(string) ([]byte, error)
	notes   notes
}

// sheet is the paper: its size and margins in points, the margins in the order of CSS.
type sheet struct {
	width, height float64
	margin        [4]float64
}

func (s sheet) innerWidth() float64 { return s.width - s.margin[style.Left] - s.margin[style.Right] }

func (s sheet) innerHeight() float64 { return s.height - s.margin[style.Top] - s.margin[style.Bottom] }

// languageTag is what a language tag looks like (BCP 47), as far as ISO 14289-1 is checked.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

func parse(source []byte, options Options) (*document, error) {
	if len(source) > options.Limits.SourceBytes {
		return nil, &LimitError{"bytes", options.Limits.SourceBytes}
	}
	source = bytes.ToValidUTF8(bytes.TrimPrefix(source, []byte("\xef\xbb\xbf")), []byte("\ufffd"))
	root, err := html.Parse(bytes.NewReader(source))
	if err != nil {
		return nil, ErrTooDeep
	}
	d := &document{
		root: root, ids: map[string]*html.Node{}, targets: map[string]bool{},
		load: options.Resources,
	}
	var sheets []*style.Sheet
	count := 0
	var headings []*html.Node
	each(root, func(n *html.Node) bool {
		count++
		if n.Type != html.ElementNode {
			return true
		}
		if id, ok := attr(n, "id"); ok && id != "" && d.ids[id] == nil {
			d.ids[id] = n
		}
		switch n.Data {
		case "a":
			if href, ok := attr(n, "href"); ok && strings.HasPrefix(href, "#") {
				d.targets[fragment(href)] = true
			}
			if name, ok := attr(n, "name"); ok && name != "" && d.ids[name] == nil {
				d.ids[name] = n
			}
		case "base":
			if href, ok := attr(n, "href"); ok && d.base == nil {
				d.base, _ = url.Parse(href)
			}
		case "body":
			if d.body == nil {
				d.body = n
			}
		case "html":
			if lang, _ := attr(n, "lang"); languageTag.MatchString(lang) {
				d.language = lang
			} else if lang, _ := attr(n, "xml:lang"); languageTag.MatchString(lang) {
				d.language = lang
			}
		case "title":
			if d.title == "" && n.Namespace == "" {
				d.title = squeeze(textOf(n))
			}
		case "meta":
			d.meta(n)
		case "style":
			if media, _ := attr(n, "media"); printed(media) {
				sheets = append(sheets, style.Parse(textOf(n)))
			}
		case "link":
			if s := d.linked(n, options.Limits); s != nil {
				sheets = append(sheets, s)
			}
		case "script":
			if kind, _ := attr(n, "type"); !strings.Contains(kind, "json") {
				d.notes.warn("Scripts are not run: what they would show is missing.")
			}
		case "template":
			return false
		}
		if level(n) > 0 {
			headings = append(headings, n)
		}
		return true
	})
	if count > options.Limits.Elements {
		return nil, &LimitError{"elements and texts", options.Limits.Elements}
	}
	d.styles = style.NewResolver(sheets...)
	d.identify(headings, options)
	d.readSheet(sheets)
	for _, s := range sheets {
		for _, what := range s.Ignored {
			d.notes.warn("A style sheet was not obeyed in full: %s was left out.", what)
		}
	}
	return d, nil
}

// each visits all nodes in document order; the visitor tells whether to go into a node.
func each(root *html.Node, visit func(*html.Node) bool) {
	for n := root; n != nil; {
		if visit(n) && n.FirstChild != nil {
			n = n.FirstChild
			continue
		}
		for n != root && n.NextSibling == nil {
			n = n.Parent
		}
		if n == root {
			return
		}
		n = n.NextSibling
	}
}

func (d *document) meta(n *html.Node) {
	content, _ := attr(n, "content")
	switch name, _ := attr(n, "name"); strings.ToLower(name) {
	case "author":
		d.author = squeeze(content)
	case "description":
		d.subject = squeeze(content)
	}
}

// identify settles title and language.
func (d *document) identify(headings []*html.Node, options Options) {
	if d.body == nil {
		d.body = d.root
	}
	if d.title == "" {
		d.title = squeeze(options.Title)
		for _, h := range headings {
			if d.title == "" {
				d.title = squeeze(textOf(h))
			}
		}
		if d.title == "" {
			d.title = "Untitled"
			d.notes.look("The document has no title and no heading: give it a title.")
		} else {
			d.notes.look("The document has no title; %q was taken: check it.", clip(d.title, 80))
		}
	}
	if d.language == "" {
		d.language = "und"
		if languageTag.MatchString(options.Language) {
			d.language = options.Language
		}
		d.notes.look("The document does not say its language; %s was taken: check it.", d.language)
	}
}

// defaultMargin is 2 cm.
const defaultMargin = 56.69

// readSheet takes the last @page that says something.
func (d *document) readSheet(sheets []*style.Sheet) {
	d.sheet = sheet{width: 595.276, height: 841.89, margin: [4]float64{defaultMargin, defaultMargin, defaultMargin, defaultMargin}}
	for _, s := range sheets {
		if s.Page.Size[0] > 0 {
			d.sheet.width = min(max(s.Page.Size[0], 150), 14_400)
			d.sheet.height = min(max(s.Page.Size[1], 150), 14_400)
		}
		for side, m := range s.Page.Margin {
			whole := d.sheet.width
			if side%2 == 0 {
				whole = d.sheet.height
			}
			// Something of the page has to be left.
			d.sheet.margin[side] = min(max(m.Of(whole, d.sheet.margin[side]), 0), whole*0.35)
		}
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name && (a.Namespace == "" || a.Namespace == "xml" && name == "lang") {
			return a.Val, true
		}
	}
	return "", false
}

// textOf is the text in an element, scripts and styles left out.
func textOf(n *html.Node) string {
	var b strings.Builder
	each(n, func(k *html.Node) bool {
		if k.Type == html.TextNode {
			b.WriteString(k.Data)
		}
		return k == n || k.Type != html.ElementNode || k.Data != "script" && k.Data != "style" && k.Data != "template"
	})
	return b.String()
}

func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

// clip shortens text to a number of characters.
func clip(text string, length int) string {
	runes := []rune(text)
	if len(runes) <= length {
		return text
	}
	return string(runes[:length]) + "…"
}

func fragment(href string) string {
	name := strings.TrimPrefix(href, "#")
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}
