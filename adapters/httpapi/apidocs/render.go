package apidocs

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

var (
	//go:embed page.tmpl.html
	pageTemplate string
	//go:embed page.css
	style string

	pageTmpl = template.Must(template.New("page").Parse(pageTemplate))
)

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

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	strong   = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// markdown renders the little of Markdown that our texts use: paragraphs, code
// and strong words.
func markdown(s string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(s), "\n\n") {
		if paragraph == "" {
			continue
		}
		escaped := template.HTMLEscapeString(strings.TrimSpace(paragraph))
		escaped = codeSpan.ReplaceAllString(escaped, "<code>$1</code>")
		escaped = strong.ReplaceAllString(escaped, "<strong>$1</strong>")
		b.WriteString("<p>" + escaped + "</p>")
	}
	return template.HTML(b.String()) //nolint:gosec // All of it is escaped above.
}
