package apidocs

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// snippetView is a call in one language, ready to be pasted.
type snippetView struct{ Language, Code string }

// request is the call that an operation's snippets make.
type request struct {
	method, path string
	headers      map[string]header
	body         json.RawMessage
	// json says that the answer is our envelope.
	json bool
}

// header is a value that is the same in all languages, or one that each of them
// makes by an expression of its own.
type header struct {
	value                      string
	curl, javaScript, goSource string
}

func (d *document) request(method, base, path string, op operation, credential, jsonAnswer bool, body json.RawMessage) request {
	r := request{method: method, path: base + path, headers: map[string]header{}, body: body, json: jsonAnswer}
	for _, p := range op.Parameters {
		p = d.parameter(p)
		if example, ok := p.example().(string); ok && p.In == "path" {
			r.path = strings.ReplaceAll(r.path, "{"+p.Name+"}", url.PathEscape(example))
		}
	}
	if credential {
		r.headers["Authorization"] = header{curl: "Bearer $TOKEN", javaScript: "`Bearer ${token}`", goSource: `"Bearer "+token`}
	}
	if method == "POST" {
		r.headers["Idempotency-Key"] = header{curl: "$(uuidgen)", javaScript: "crypto.randomUUID()", goSource: "rand.Text()"}
	}
	if len(body) > 0 {
		r.headers["Content-Type"] = header{value: "application/json"}
	}
	return r
}

// example returns the first example of a parameter; nil when there is none.
func (p parameter) example() any {
	switch {
	case p.Example != nil:
		return p.Example
	case len(p.Schema.Examples) > 0:
		return p.Schema.Examples[0]
	}
	return nil
}

// snippets are the call in each language. They need the variables host and token,
// and throw or return an error that has the code of a refusal.
func (r request) snippets() []snippetView {
	return []snippetView{{"curl", r.curl()}, {"JavaScript", r.javaScript()}, {"Go", r.goCode()}}
}

func (r request) names() []string { return slices.Sorted(maps.Keys(r.headers)) }

func (r request) curl() string {
	var b strings.Builder
	b.WriteString("curl")
	if r.method != "GET" {
		b.WriteString(" -X " + r.method)
	}
	b.WriteString(` "$HOST` + r.path + `"`)
	for _, name := range r.names() {
		if h := r.headers[name]; h.value != "" {
			fmt.Fprintf(&b, " \\\n  -H '%s: %s'", name, h.value)
		} else {
			fmt.Fprintf(&b, " \\\n  -H \"%s: %s\"", name, h.curl)
		}
	}
	if len(r.body) > 0 {
		b.WriteString(" \\\n  -d '" + strings.ReplaceAll(indented(r.body), "'", `'\''`) + "'")
	}
	return b.String()
}

func (r request) javaScript() string {
	var options []string
	if r.method != "GET" {
		options = append(options, fmt.Sprintf("method: %q", r.method))
	}
	var headers []string
	for _, name := range r.names() {
		h := r.headers[name]
		if h.value != "" {
			h.javaScript = fmt.Sprintf("%q", h.value)
		}
		headers = append(headers, fmt.Sprintf("    %q: %s,\n", name, h.javaScript))
	}
	if len(headers) > 0 {
		options = append(options, "headers: {\n"+strings.Join(headers, "")+"  }")
	}
	if len(r.body) > 0 {
		options = append(options, "body: JSON.stringify("+strings.ReplaceAll(indented(r.body), "\n", "\n  ")+")")
	}
	var b strings.Builder
	b.WriteString("const response = await fetch(`${host}" + r.path + "`")
	if len(options) > 0 {
		b.WriteString(", {\n  " + strings.Join(options, ",\n  ") + ",\n}")
	}
	b.WriteString(");\n")
	if !r.json {
		b.WriteString("if (!response.ok) throw new Error((await response.json()).error.code);\nconsole.log(await response.text());")
		return b.String()
	}
	b.WriteString("const answer = await response.json();\nif (!answer.success) throw new Error(answer.error.code);\nconsole.log(answer.data);")
	return b.String()
}

func (r request) goCode() string {
	var b strings.Builder
	body := "nil"
	if len(r.body) > 0 {
		text := "`" + indented(r.body) + "`"
		if strings.Contains(string(r.body), "`") {
			text = fmt.Sprintf("%q", r.body)
		}
		b.WriteString("body := strings.NewReader(" + text + ")\n")
		body = "body"
	}
	fmt.Fprintf(&b, "request, err := http.NewRequest(%q, host+%q, %s)\n", r.method, r.path, body)
	b.WriteString("if err != nil {\n\treturn err\n}\n")
	for _, name := range r.names() {
		h := r.headers[name]
		if h.value != "" {
			h.goSource = fmt.Sprintf("%q", h.value)
		}
		fmt.Fprintf(&b, "request.Header.Set(%q, %s)\n", name, h.goSource)
	}
	b.WriteString("response, err := http.DefaultClient.Do(request)\nif err != nil {\n\treturn err\n}\ndefer response.Body.Close()\n")
	if !r.json {
		b.WriteString("if response.StatusCode >= 300 {\n\treturn errors.New(response.Status)\n}\n" +
			"_, err = io.Copy(os.Stdout, response.Body)\nreturn err")
		return b.String()
	}
	b.WriteString("var answer struct {\n\tSuccess bool\n\tData    json.RawMessage\n\tError   struct{ Code, Message string }\n}\n" +
		"if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {\n\treturn err\n}\n" +
		"if !answer.Success {\n\treturn errors.New(answer.Error.Code)\n}\n" +
		"fmt.Printf(\"%s\\n\", answer.Data)\nreturn nil")
	return b.String()
}
