package documents

import (
	"bytes"
	"errors"
	"io"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Count is how long a document is.
type Count struct {
	// Pages are those of a PDF.
	Pages int `json:"pages,omitempty"`
	// Characters are those of the text of an HTML document, as a reader gets it: without markup, scripts and styles, and
	// with one space for each stretch of white space.
	Characters int64 `json:"characters,omitempty"`
}

// count runs in the child process.
func (j *job) count() (*Count, error) {
	if j.Format == HTML {
		source, err := readHTML(j.data)
		if err != nil {
			return nil, err
		}
		return countHTML(source)
	}
	f, err := pdf.Open(j.data, j.Limits.pdf())
	if err != nil {
		return nil, pdfProblem(err)
	}
	pages, err := f.Pages(j.Limits.Pages)
	if err != nil {
		return nil, pdfProblem(err)
	}
	if len(pages) == 0 {
		return nil, pdfProblem(pdf.ErrDamaged)
	}
	return &Count{Pages: len(pages)}, nil
}

// countHTML counts the characters of the text of a document in UTF-8.
func countHTML(source []byte) (*Count, error) {
	tokens := html.NewTokenizer(bytes.NewReader(source))
	count := &Count{}
	silent, space := "", true
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				return nil, problem(Damaged, "The HTML cannot be read.")
			}
			return count, nil
		case html.StartTagToken:
			if name, _ := tokens.TagName(); silent == "" && silentElements[string(name)] {
				silent = string(name)
			}
		case html.EndTagToken:
			if name, _ := tokens.TagName(); string(name) == silent {
				silent = ""
			}
		case html.TextToken:
			if silent != "" {
				continue
			}
			for text := tokens.Text(); len(text) > 0; {
				r, n := utf8.DecodeRune(text)
				text = text[n:]
				if unicode.IsSpace(r) {
					if !space {
						count.Characters++
					}
					space = true
					continue
				}
				count.Characters++
				space = false
			}
		case html.SelfClosingTagToken, html.CommentToken, html.DoctypeToken:
		}
	}
}

// silentElements hold texts that no reader gets.
var silentElements = map[string]bool{"script": true, "style": true, "template": true, "noscript": true}
