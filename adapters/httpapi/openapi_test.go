package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// specification is the served document, with access by paths of keys.
type specification struct {
	t    *testing.T
	root object
}

func (s *server) specification() specification {
	s.t.Helper()
	a := s.do(call{method: http.MethodGet, path: "/api/v0/openapi.json"})
	var root object
	if err := json.Unmarshal(a.body, &root); err != nil || a.status != 200 {
		s.t.Fatalf("%d: %v", a.status, err)
	}
	return specification{s.t, root}
}

// at follows keys, and references on the way.
func (s specification) at(from any, keys ...string) any {
	for i := 0; ; i++ {
		if o, ok := from.(object); ok && o["$ref"] != nil {
			ref := strings.Split(strings.TrimPrefix(o["$ref"].(string), "#/"), "/")
			if from = s.at(s.root, ref...); from == nil {
				s.t.Errorf("%v leads nowhere", o["$ref"])
			}
			i--
			continue
		}
		if i == len(keys) {
			return from
		}
		o, ok := from.(object)
		if !ok {
			return nil
		}
		from = o[keys[i]]
	}
}

type operation struct {
	method, path string
	object
}

func (s specification) operations() []operation {
	var all []operation
	paths := s.root["paths"].(object)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(object)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			all = append(all, operation{strings.ToUpper(method), path, item[method].(object)})
		}
	}
	return all
}

// contract is what the HTTP contract says of each operation's credentials. The
// test file of each resource adds its operations.
var contract = map[string]string{}

// The credentials that operations accept.
const (
	publicly = "public"
	byToken  = "token"
	byKeyToo = "token apiKey apiKeyAsBearer"
)

// inContract adds the operations of a resource.
func inContract(operations map[string]string) bool {
	maps.Copy(contract, operations)
	return true
}

func TestTheDocumentListsTheOperations(t *testing.T) {
	t.Parallel()
	s := newServer(t).specification()
	if s.root["openapi"] != "3.1.0" {
		t.Errorf("openapi %v", s.root["openapi"])
	}
	got := map[string]string{}
	for _, op := range s.operations() {
		var schemes []string
		security, _ := op.object["security"].([]any)
		for _, one := range security {
			schemes = append(schemes, slices.Collect(maps.Keys(one.(object)))...)
		}
		if got[op.method+" "+op.path] = strings.Join(schemes, " "); len(schemes) == 0 {
			got[op.method+" "+op.path] = publicly
		}
	}
	if diff := cmp.Diff(contract, got); diff != "" {
		t.Error(diff)
	}
}

// Every operation tells what it takes, what it answers and how it refuses, each
// with an example; and all that it refers to is there.
func TestTheDocumentIsWhole(t *testing.T) {
	t.Parallel()
	s := newServer(t).specification()
	for _, op := range s.operations() {
		name := op.method + " " + op.path
		for _, field := range []string{"operationId", "summary", "tags"} {
			if op.object[field] == nil {
				t.Errorf("%s has no %s", name, field)
			}
		}
		parameters, _ := op.object["parameters"].([]any)
		headers := map[string]bool{}
		for _, p := range parameters {
			described, _ := s.at(p).(object)
			headers[str(described, "name")] = true
			if str(described, "description") == "" && str(described, "in") != "path" || described["schema"] == nil {
				t.Errorf("%s: the parameter %v is not described", name, described["name"])
			}
		}
		for header, there := range map[string]bool{
			"Idempotency-Key": op.method == "POST", "If-Match": op.method == "PUT" || op.method == "DELETE", "X-Request-Id": true,
		} {
			if headers[header] != there {
				t.Errorf("%s: parameter %s: %v", name, header, headers[header])
			}
		}
		if body := op.object["requestBody"]; body != nil && s.at(body, "content", "application/json", "example") == nil {
			t.Errorf("%s: the body has no example", name)
		}
		responses := op.object["responses"].(object)
		for _, status := range []string{"400", "406", "500", "503"} {
			if responses[status] == nil {
				t.Errorf("%s does not tell of %s", name, status)
			}
		}
		for status, response := range responses {
			for header := range asObject(s.at(response, "headers")) {
				if str(asObject(s.at(response, "headers", header)), "description") == "" {
					t.Errorf("%s %s: the header %s is not described", name, status, header)
				}
			}
			media := asObject(s.at(response, "content", "application/json"))
			switch {
			case status == "302", status == "304": // They have no body.
			case status < "400" && media == nil && s.at(response, "content", "text/csv", "schema") != nil:
				// A file is not an envelope.
			case status < "400":
				example := asObject(media["example"])
				if example["success"] != true || example["data"] == nil || media["schema"] == nil {
					t.Errorf("%s %s: the example is %v", name, status, example)
				}
			default:
				if len(asObject(media["examples"])) == 0 || s.at(response, "content", "application/problem+json", "schema", "properties", "detail") == nil {
					t.Errorf("%s %s is not described", name, status)
				}
				for code, example := range asObject(media["examples"]) {
					if s.at(example, "value", "error", "code") != code {
						t.Errorf("%s %s: the example of %s is %v", name, status, code, example)
					}
				}
			}
		}
	}
}

func asObject(v any) object { o, _ := v.(object); return o }

// What the document says of texts is what the server does: the longest one
// allowed is taken or refused for another reason, a longer one is too long.
func TestTheDocumentedBoundsAreTheRealOnes(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	ada := server.owner("ada")
	key := ada.post("/api-keys", `{}`).data(t, 201)
	variables := strings.NewReplacer("{id}", str(key, "id"), "{organizationId}", str(key, "organizationId"))
	s := server.specification()
	grace := server.bootstrapped("grace")
	checked := 0
	for _, op := range s.operations() {
		schema := s.at(op.object, "requestBody", "content", "application/json", "schema")
		for field, rules := range asObject(s.at(schema, "properties")) {
			longest, bounded := asObject(rules)["maxLength"].(float64)
			if !bounded {
				continue
			}
			checked++
			for n, tooLong := range map[int]bool{int(longest): false, int(longest) + 1: true} {
				body := object{}
				for other := range asObject(s.at(schema, "properties")) {
					if value, ok := (object{"firstName": "A", "lastName": "B", "name": "C"})[other]; ok {
						body[other] = value
					}
				}
				body[field] = strings.Repeat("a", n)
				encoded, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				caller := ada
				if op.path == "/users/system" {
					caller = grace
				}
				a := caller.call(op.method, variables.Replace(op.path), string(encoded))
				if a.status == http.StatusForbidden {
					continue // It is not for the caller.
				}
				if got := strings.Contains(string(a.body), `"TOO_LONG"`); got != tooLong {
					t.Errorf("%s %s: %s of %d characters: %s", op.method, op.path, field, n, a.body)
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d bounds are documented", checked)
	}
}

// The example bodies are good for pasting.
func TestTheDocumentedExamplesWork(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	s := server.specification()
	ada := &person{server: server, bearer: server.token("ada")}
	example := func(method, path string) string {
		t.Helper()
		out, err := json.Marshal(s.at(s.root, "paths", path, strings.ToLower(method), "requestBody", "content", "application/json", "example"))
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	steps := []struct {
		method, path string
		status       int
	}{
		{"POST", "/users/client", 201},
		{"PUT", "/users/profile", 200},
		{"POST", "/organizations", 201},
		{"PUT", "/organizations/current", 200},
		{"POST", "/api-keys", 201},
		{"PUT", "/api-keys/{id}", 200},
		{"POST", "/api-keys/{id}/rotate", 201},
	}
	id := ""
	for _, step := range steps {
		a := ada.call(step.method, strings.ReplaceAll(step.path, "{id}", id), example(step.method, step.path))
		data := a.data(t, step.status)
		id = str(data, "id")
		// And the answers have the documented members.
		documented := s.at(s.root, "paths", step.path, strings.ToLower(step.method), "responses", fmt.Sprint(step.status),
			"content", "application/json", "schema", "properties", "data", "properties")
		if diff := cmp.Diff(slices.Sorted(maps.Keys(asObject(documented))), slices.Sorted(maps.Keys(data))); diff != "" {
			t.Errorf("%s %s: %s", step.method, step.path, diff)
		}
	}
}

func TestTheDocumentationPage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.do(call{method: http.MethodGet, path: "/docs"})
	if a.status != 200 || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	page := string(a.body)
	for _, op := range s.specification().operations() {
		if !strings.Contains(page, `id="`+op.object["operationId"].(string)+`"`) {
			t.Errorf("%s %s is not there", op.method, op.path)
		}
	}
	for _, foreign := range []string{"<script", "<link", "src=", "http-equiv", "@import", "url(", "onclick"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page has %s", foreign)
		}
	}
	etag := a.header.Get("ETag")
	if a := s.do(call{method: http.MethodGet, path: "/docs", header: []string{"If-None-Match", etag}}); a.status != 304 {
		t.Errorf("If-None-Match gives %d", a.status)
	}
}

// The parameters of a list follow from what its read model declares: each
// documented filter and sort is taken, and no value beside the documented ones.
func TestTheDocumentedListParametersWork(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	ada := server.owner("ada")
	s := server.specification()
	lists, filters := 0, 0
	for _, op := range s.operations() {
		parameters, _ := op.object["parameters"].([]any)
		for _, p := range parameters {
			described := s.at(p).(object)
			name := str(described, "name")
			if isFilter := s.at(described, "schema", "type") == "array"; described["in"] != "query" || name != "sort" && !isFilter {
				continue
			}
			switch name {
			case "sort":
				lists++
				names, _, _ := strings.Cut(strings.TrimPrefix(str(described, "description"), "What to sort by: "), ";")
				for _, sort := range append(strings.Split(names, ", "), str(described, "example")) {
					ada.get(op.path + "?sort=" + sort).items(t)
				}
				ada.get(op.path+"?sort=nothing").refused(t, "400 VALIDATION_FAILED sort VALUE_UNKNOWN")
			default:
				filters++
				values, _ := s.at(described, "schema", "items", "enum").([]any)
				var all []string
				for _, value := range values {
					all = append(all, value.(string))
				}
				if len(all) == 0 {
					ada.get(op.path + "?" + name + "=anything,else").items(t)
					continue
				}
				ada.get(op.path + "?" + name + "=" + strings.Join(all, ",")).items(t)
				ada.get(op.path + "?" + name + "=" + strings.Join(all, "&"+name+"=")).items(t)
				ada.get(op.path+"?"+name+"="+all[0]+",king").refused(t, "400 VALIDATION_FAILED "+name+"[1] VALUE_UNKNOWN")
			}
		}
	}
	if lists < 2 || filters < 5 {
		t.Errorf("only %d lists and %d filters are documented", lists, filters)
	}
}
