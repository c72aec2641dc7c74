package apidocs

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const small = `{
	"openapi": "3.1.0",
	"info": {"title": "Things <API>", "version": "1", "description": "One **bold** and ` + "`code <b>`" + `.\n\nTwo."},
	"servers": [{"url": "/base"}],
	"tags": [{"name": "Big things", "description": "Things."}],
	"paths": {"/things/{id}": {
		"put": {
			"operationId": "changeThing", "tags": ["Big things"], "summary": "Change a thing", "security": [{"token": []}],
			"parameters": [{"$ref": "#/components/parameters/If-Match"}, {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
			"requestBody": {"required": true, "content": {"application/json": {
				"schema": {"$ref": "#/components/schemas/Change"}, "example": {"name": "a", "size": 1}}}},
			"responses": {
				"200": {"description": "Done.", "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
					"content": {"application/json": {"schema": {"type": "object", "properties": {"data": {"$ref": "#/components/schemas/Thing"}}}, "example": {"data": {}}}}},
				"304": {"description": "Not modified."},
				"409": {"$ref": "#/components/responses/Taken"}
			}},
		"get": {"operationId": "getThing", "tags": ["Big things"], "summary": "Read a thing", "responses": {"200": {"description": "It."}}}
	}},
	"components": {
		"schemas": {
			"Change": {"type": "object", "required": ["name"], "properties": {
				"size": {"type": ["integer", "null"], "minimum": 1, "maximum": 9, "default": 3},
				"name": {"type": "string", "maxLength": 7, "description": "Its name."}}},
			"Thing": {"type": "object", "properties": {
				"kind": {"type": "string", "enum": ["a", "b"]},
				"made": {"type": ["string", "null"], "format": "date-time"},
				"parts": {"type": "array", "items": {"type": "object", "properties": {"weight": {"type": "number"}}}},
				"id": {"type": "string"}}}
		},
		"parameters": {"If-Match": {"name": "If-Match", "in": "header", "description": "The version.", "schema": {"type": "string"}}},
		"responses": {"Taken": {"description": "Conflict.", "content": {"application/json": {"examples": {"TAKEN": {"summary": "is taken"}}}}}},
		"headers": {"ETag": {"description": "The version now.", "schema": {"type": "string"}}},
		"securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "A token."}}
	}
}`

func TestRender(t *testing.T) {
	t.Parallel()
	page, err := Render([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	html := regexp.MustCompile(`\s+`).ReplaceAllString(string(page.HTML), " ")
	for _, part := range []string{
		"<title>Things &lt;API&gt;: documentation</title>",
		"<p>One <strong>bold</strong> and <code>code &lt;b&gt;</code>.</p> <p>Two.</p>",
		`<h2 id="big-things">Big things</h2>`, `href="#changeThing"`, `<h3 id="changeThing">Change a thing</h3>`,
		"<td>header</td><td>string</td><td><p>The version.</p> </td>",
		`<td>string, <span class="must">required</span></td>`,
		"<td>integer, 1 to 9, 3 if left out, or null</td>", "<td>string, at most 7 characters,",
		"<td>string, one of a, b</td>", "<td>time, or null</td>", "<td>list of object</td>", "<code>parts.weight</code>",
		"<td><code>TAKEN</code></td><td>is taken</td>", `<th scope="row">304</th><td></td><td>Not modified.</td>`,
		"A signed-in person.", "Anybody, without a credential.", "<td><p>The version now.</p> </td>",
		`curl -X PUT &#34;$HOST/base/things/{id}&#34;`, `curl &#34;$HOST/base/things/{id}&#34;</code>`,
	} {
		if !strings.Contains(html, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	if strings.Index(html, "<code>name</code>") > strings.Index(html, "<code>size</code>") {
		t.Error("what must be given does not come first")
	}
}

// The page may use its own style sheet and nothing else.
func TestSecurityPolicy(t *testing.T) {
	t.Parallel()
	page, err := Render([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page.HTML), "<style>")
	css, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(css))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(page.SecurityPolicy, want) {
		t.Errorf("the policy %s does not allow the style sheet %s", page.SecurityPolicy, want)
	}
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(page.SecurityPolicy, part) {
			t.Errorf("the policy lacks %s", part)
		}
	}
	if strings.Contains(page.SecurityPolicy, "unsafe") || strings.Contains(string(page.HTML), "style=") {
		t.Error("the page needs inline styles")
	}
}

// What a screen reader needs: a language, landmarks, a way past the navigation,
// headings in order without gaps, headers in tables, and ids that exist once.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	page, err := Render([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	html := string(page.HTML)
	for _, part := range []string{`<html lang="en">`, `<a class="skip" href="#content">`, `<main id="content"`, `<nav aria-label=`, "<title>"} {
		if !strings.Contains(html, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	ids, level, tables := map[string]bool{}, 0, 0
	var wanted []string
	decoder := xml.NewDecoder(strings.NewReader(html))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	inMain := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			switch {
			case a.Name.Local == "id" && ids[a.Value]:
				t.Errorf("the id %s is there twice", a.Value)
			case a.Name.Local == "id":
				ids[a.Value] = true
			case a.Name.Local == "aria-labelledby":
				wanted = append(wanted, a.Value)
			case a.Name.Local == "href" && strings.HasPrefix(a.Value, "#"):
				wanted = append(wanted, a.Value[1:])
			}
		}
		switch name := start.Name.Local; {
		case name == "main":
			inMain = true
		case name == "table":
			tables++
		case inMain && len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6':
			if next := int(name[1] - '0'); next > level+1 {
				t.Errorf("a heading of level %d follows one of level %d", next, level)
			} else {
				level = next
			}
		}
	}
	for _, id := range wanted {
		if !ids[id] {
			t.Errorf("nothing has the id %s", id)
		}
	}
	if headed := strings.Count(html, "<thead>"); tables == 0 || headed != tables {
		t.Errorf("%d of %d tables have headers", headed, tables)
	}
}

func TestWhatIsNoDocument(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "{", `{"paths": 7}`} {
		if _, err := Render([]byte(raw)); err == nil {
			t.Errorf("%q is rendered", raw)
		}
	}
}

// What all operations of a kind refuse is shown once; each operation shows its own
// refusals and refers to the others.
func TestSharedRefusals(t *testing.T) {
	t.Parallel()
	op := func(name string, codes ...failureView) operationView {
		return operationView{ID: name, Method: "POST", Callers: "A signed-in person.", Failures: codes}
	}
	all, some, own := failureView{"500", "BROKEN", "is broken"}, failureView{"409", "USED", "is used"}, failureView{"409", "OWN", "is its own"}
	v := view{Groups: []groupView{
		{Operations: []operationView{op("a", all, some, own), op("b", all, some)}},
		{Operations: []operationView{op("c", some, all), {ID: "d", Method: "GET", Callers: public, Failures: []failureView{all}}}},
	}}
	v.shareFailures()
	if len(v.Shared) != 2 || !slices.Equal(v.Shared[0].Failures, []failureView{all}) || !slices.Equal(v.Shared[1].Failures, []failureView{some}) {
		t.Errorf("shared: %+v", v.Shared)
	}
	for id, want := range map[string]struct {
		own    []failureView
		shared int
	}{"a": {[]failureView{own}, 2}, "b": {nil, 2}, "c": {nil, 2}, "d": {nil, 1}} {
		for _, g := range v.Groups {
			for _, o := range g.Operations {
				if o.ID == id && (!slices.Equal(o.Failures, want.own) || len(o.Shared) != want.shared) {
					t.Errorf("%s: %+v, %d kinds", id, o.Failures, len(o.Shared))
				}
			}
		}
	}
}
