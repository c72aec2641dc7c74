package apidocs

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
)

var (
	//go:embed page.tmpl.html
	pageTemplate string
	//go:embed page.css
	style string

	pageTmpl = template.Must(template.New("page").Funcs(template.FuncMap{"refusals": refusals}).Parse(pageTemplate))
)

// refusalsView is a table of refusals.
type refusalsView struct {
	Failures []failureView
	Label    string
}

func refusals(failures []failureView, label string) refusalsView {
	return refusalsView{failures, label}
}

// Page is a page, and the Content-Security-Policy that it can be served under.
type Page struct {
	HTML           []byte
	SecurityPolicy string
}

// Render makes the page of an OpenAPI document in JSON.
func Render(openapi []byte) (Page, error) {
	d, err := parse(openapi)
	if err != nil {
		return Page{}, err
	}
	v := d.view()
	v.Style = template.CSS(style) //nolint:gosec // It is our own file.
	var out bytes.Buffer
	if err := pageTmpl.Execute(&out, v); err != nil {
		return Page{}, fmt.Errorf("write the page: %w", err)
	}
	sum := sha256.Sum256([]byte(style))
	return Page{
		HTML: out.Bytes(),
		SecurityPolicy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
			"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}, nil
}

// converter renders the Markdown of our own texts, with tables. It passes no
// HTML through, so that a text cannot add to the page what is not text.
var converter = goldmark.New(
	goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()))

func markdown(s string) template.HTML {
	var b strings.Builder
	if err := converter.Convert([]byte(s), &b); err != nil { // Only writing can fail.
		return template.HTML(template.HTMLEscapeString(s)) //nolint:gosec // It is escaped.
	}
	return template.HTML(scrolling(b.String())) //nolint:gosec // The converter escapes texts and drops HTML.
}

// scrolling lets each table scroll by itself where the window is narrow.
func scrolling(html string) string {
	for n := 1; ; n++ {
		before, after, found := strings.Cut(html, "<table>")
		if !found {
			return html
		}
		after = strings.Replace(after, "</table>", "</table></div>", 1)
		html = fmt.Sprintf(`%s<div class="scroll" tabindex="0" role="region" aria-label="Table %d"><table class="text">%s`, before, n, after)
	}
}
