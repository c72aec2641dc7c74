package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// apiDocument is the served OpenAPI document, against which answers are checked.
// Every answer that a test of the whole stack receives passes through it, so
// that the document cannot say less, or something else, than the server does.
type apiDocument struct {
	root       object
	operations []documented
	mu         sync.Mutex
	compiler   *jsonschema.Compiler
	schemas    map[string]*jsonschema.Schema
}

// documented is an operation of the document.
type documented struct {
	method  string
	path    *regexp.Regexp
	pointer string
	object
}

const documentName = "openapi.json"

var templateVariable = regexp.MustCompile(`\\\{[^/]+\\\}`)

func readContract(document []byte) (*apiDocument, error) {
	c := &apiDocument{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	c.compiler.AssertFormat()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err == nil {
		err = c.compiler.AddResource(documentName, parsed)
	}
	if err == nil {
		err = json.Unmarshal(document, &c.root)
	}
	if err != nil {
		return nil, err
	}
	servers, _ := c.root["servers"].([]any)
	base := str(servers[0].(object), "url")
	for path, item := range c.root["paths"].(object) {
		template := templateVariable.ReplaceAllString(regexp.QuoteMeta(base+path), `[^/]+`)
		for method, op := range item.(object) {
			c.operations = append(c.operations, documented{
				method: strings.ToUpper(method), path: regexp.MustCompile("^" + template + "$"),
				pointer: "/paths/" + escape(path) + "/" + method, object: op.(object),
			})
		}
	}
	// A path without variables goes before one with them, as in the router.
	slices.SortStableFunc(c.operations, func(a, b documented) int {
		return strings.Count(a.path.String(), "[^/]+") - strings.Count(b.path.String(), "[^/]+")
	})
	return c, nil
}

func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// find returns the operation that a request is for; false for one that the
// document does not know, such as one with another method.
func (c *apiDocument) find(method, path string) (documented, bool) {
	path, _, _ = strings.Cut(path, "?")
	if method == http.MethodHead {
		method = http.MethodGet
	}
	fixed := false // an address without variables is none with them
	for _, op := range c.operations {
		if !op.path.MatchString(path) || fixed && strings.Contains(op.path.String(), "[^/]+") {
			continue
		}
		if op.method == method {
			return op, true
		}
		fixed = fixed || !strings.Contains(op.path.String(), "[^/]+")
	}
	return documented{}, false
}

// check says what an answer has that the document does not.
func (c *apiDocument) check(method, path string, a answer) error {
	op, ok := c.find(method, path)
	if !ok {
		return nil
	}
	status := strconv.Itoa(a.status)
	responses, _ := op.object["responses"].(object)
	response, pointer := c.follow(responses[status], op.pointer+"/responses/"+status)
	if response == nil {
		return fmt.Errorf("%s %s: status %d is not documented: %s", method, path, a.status, a.body)
	}
	if len(a.body) == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	content, _ := response["content"].(object)
	described, ok := content[media].(object)
	if !ok {
		return fmt.Errorf("%s %s: status %d is not documented as %s: %s", method, path, a.status, media, a.body)
	}
	if !strings.HasSuffix(media, "json") {
		return nil
	}
	schema, err := c.schema(pointer + "/content/" + escape(media) + "/schema")
	if err != nil {
		return err
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err == nil {
		err = schema.Validate(body)
	}
	if err != nil {
		return fmt.Errorf("%s %s: status %d is not as documented: %w\n%s", method, path, a.status, err, a.body)
	}
	return checkCode(method, path, a, described, body)
}

// checkCode holds the code of a refusal against those that the response lists.
func checkCode(method, path string, a answer, described object, body any) error {
	envelope, _ := body.(object)
	refusal, ok := envelope["error"].(object)
	if !ok {
		return nil
	}
	examples, _ := described["examples"].(object)
	if code := str(refusal, "code"); examples[code] == nil {
		return fmt.Errorf("%s %s: code %s is not documented for status %d: %s", method, path, code, a.status, a.body)
	}
	return nil
}

// follow resolves a reference to another place of the document.
func (c *apiDocument) follow(value any, pointer string) (object, string) {
	o, _ := value.(object)
	for o != nil && o["$ref"] != nil {
		pointer = strings.TrimPrefix(str(o, "$ref"), "#")
		o = c.root
		for _, key := range strings.Split(pointer, "/")[1:] {
			o, _ = o[strings.NewReplacer("~1", "/", "~0", "~").Replace(key)].(object)
		}
	}
	return o, pointer
}

func (c *apiDocument) schema(pointer string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.schemas[pointer]; s != nil {
		return s, nil
	}
	s, err := c.compiler.Compile(documentName + "#" + strings.ReplaceAll(pointer, "%", "%25"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("schema at %s", pointer), err)
	}
	c.schemas[pointer] = s
	return s, nil
}

func TestTheDocumentKnowsCodes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.do(call{method: http.MethodGet, path: "/api/v0/users/profile"}).refused(t, "401 CREDENTIALS_MISSING")
	for _, op := range servedDocument.operations {
		codes := 0
		for _, response := range op.object["responses"].(object) {
			response, _ := servedDocument.follow(response, "")
			content, _ := response["content"].(object)
			media, _ := content["application/json"].(object)
			examples, _ := media["examples"].(object)
			codes += len(examples)
		}
		if codes < 5 {
			t.Errorf("%s %s documents only %d codes", op.method, op.path, codes)
		}
	}
}

// An address that names something itself is never taken for an id, whatever the
// method.
func TestFixedAddressesAreNoIDs(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for address, allowed := range map[string]string{
		"/organization-members/join": "POST", "/organization-members/invitations": "GET, HEAD", "/token-transactions/balance": "GET, HEAD",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			if slices.Contains(strings.Split(allowed, ", "), method) {
				continue
			}
			a, err := s.try(call{method: method, path: "/api/v0" + address})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(a.header.Values("Allow"), ", "); a.status != http.StatusMethodNotAllowed || got != allowed {
				t.Errorf("%s %s: %d, Allow %q, want 405 and %q", method, address, a.status, got, allowed)
			}
		}
	}
}
