package httpapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/domain/access"
)

// Who may not call an operation learns nothing of the ids that they name: the
// answer is 403, before anything is looked up, and alike for what exists, what
// does not, and what cannot. Who may call it, but not for this thing, gets 404:
// see the tests of the resources.
func TestARefusedCallerLearnsNothingOfIDs(t *testing.T) {
	t.Parallel()
	viewer := alice
	viewer.Role = access.Viewer
	h := newHarness(t, func(d *Deps) { d.Authenticator = tokens{"viewer": viewer} })
	checked := 0
	for _, name := range slices.Sorted(maps.Keys(h.api.operations)) {
		op := h.api.operations[name]
		if !strings.Contains(op.path, "{") || op.authorization.kind != isPermitted || op.authorization.admit(viewer) == nil {
			continue
		}
		checked++
		first := ""
		// The first one is there for every query of this harness.
		for _, id := range []string{"key_01jd9z3q5we8x9v6m2k4t7r1b9", "key_01jd9z3q5we8x9v6m2k4t7r1b8", "key_1", "nonsense", "%00"} {
			path, _, _ := strings.Cut(op.template, "{")
			_, rest, _ := strings.Cut(op.template, "}")
			c := call{method: op.method, path: path + id + rest, token: "viewer"}.with("X-Request-Id", "the-same")
			if op.method != http.MethodGet && op.method != http.MethodDelete {
				c = c.json(`{}`)
			}
			a := h.do(c)
			if op.authorization.place == "" { // Else the id names where to act: a stranger gets 404.
				a.wantError(t, 403, access.ErrForbidden.Code)
			}
			if first == "" {
				first = string(a.body)
			}
			if string(a.body) != first {
				t.Errorf("%s: %s for %s, else %s", name, a.body, id, first)
			}
		}
	}
	if checked < 4 {
		t.Errorf("only %d operations were checked", checked)
	}
}
