package httpapi_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// documented knows the codes that the document lists for each operation. The
// document is the same for all servers of one program.
var documented struct {
	once sync.Once
	// operations are by method.
	operations map[string][]documentedOperation
}

type documentedOperation struct {
	path  *regexp.Regexp
	codes map[string]bool // "409 SLUG_TAKEN"
}

var pathParameter = regexp.MustCompile(`\\\{[^/]*\\\}`)

// wantDocumented fails a test that got an error which is not documented for its
// operation. Every call of the stack tests goes through it, so that whatever a
// test provokes must be in the documentation.
func (s *server) wantDocumented(c call, a answer) {
	s.t.Helper()
	path, _, _ := strings.Cut(c.path, "?")
	path, below := strings.CutPrefix(path, "/api/v0")
	if !below || a.status < http.StatusBadRequest {
		return
	}
	documented.once.Do(s.readDocument)
	method := c.method
	if method == http.MethodHead {
		return // An answer to HEAD has no body.
	}
	var e struct {
		Error struct{ Code string }
		Code  string // of a problem document
	}
	if err := json.Unmarshal(a.body, &e); err != nil {
		s.t.Errorf("%s %s: %d with a body that is not JSON: %s", c.method, c.path, a.status, a.body)
		return
	}
	code := e.Error.Code + e.Code
	for _, op := range documented.operations[method] {
		if op.path.MatchString(path) {
			if want := strconv.Itoa(a.status) + " " + code; !op.codes[want] {
				s.t.Errorf("%s %s: %s is not documented for the operation", c.method, c.path, want)
			}
			return
		}
	}
}

func (s *server) readDocument() {
	documented.operations = map[string][]documentedOperation{}
	spec := s.specification()
	for _, op := range spec.operations() {
		pattern := pathParameter.ReplaceAllString(regexp.QuoteMeta(op.path), `[^/]+`)
		known := documentedOperation{path: regexp.MustCompile("^" + pattern + "$"), codes: map[string]bool{}}
		for status, response := range asObject(op.object["responses"]) {
			for code := range asObject(spec.at(response, "content", "application/json", "examples")) {
				known.codes[status+" "+code] = true
			}
		}
		// Paths without parameters come first: they are the more special ones.
		ops := documented.operations[op.method]
		if strings.Contains(op.path, "{") {
			documented.operations[op.method] = append(ops, known)
		} else {
			documented.operations[op.method] = append([]documentedOperation{known}, ops...)
		}
	}
}

func TestTheDocumentKnowsCodes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.do(call{method: http.MethodGet, path: "/api/v0/users/profile"}).refused(t, "401 CREDENTIALS_MISSING")
	for method, ops := range documented.operations {
		for _, op := range ops {
			if len(op.codes) < 5 {
				t.Errorf("%s %s documents only %d codes", method, op.path, len(op.codes))
			}
		}
	}
}
