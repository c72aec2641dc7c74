package apidocs

import (
	"net/http"
	"slices"
)

// sharedView are refusals that all operations of a kind have in common. They are
// shown once, and the operations refer to them.
type sharedView struct {
	ID, Title string
	Failures  []failureView
}

// sharedKinds are the kinds of operations, the most general first.
var sharedKinds = []struct {
	id, title string
	of        func(operationView) bool
}{
	{"refusals-of-all", "all operations", func(operationView) bool { return true }},
	{"refusals-with-credential", "operations that need a credential", func(o operationView) bool { return o.Callers != public }},
	{"refusals-of-changes", "operations that change something", func(o operationView) bool { return o.Method != http.MethodGet }},
	{"refusals-of-posts", "POST", func(o operationView) bool { return o.Method == http.MethodPost }},
	{"refusals-of-edits", "PUT and DELETE", func(o operationView) bool { return o.Method == http.MethodPut || o.Method == http.MethodDelete }},
	{"refusals-in-organizations", "operations in an organization", func(o operationView) bool { return o.hasFailure("NO_ACTIVE_ORGANIZATION") }},
}

// minKind is how many operations a kind must have: what two share is no rule.
const minKind = 3

// shareFailures takes the refusals that all operations of a kind have out of
// them.
func (v *view) shareFailures() {
	for _, kind := range sharedKinds {
		var members []*operationView
		for g := range v.Groups {
			for o := range v.Groups[g].Operations {
				if op := &v.Groups[g].Operations[o]; kind.of(*op) {
					members = append(members, op)
				}
			}
		}
		if len(members) < minKind {
			continue
		}
		shared := slices.Clone(members[0].Failures)
		for _, op := range members[1:] {
			shared = slices.DeleteFunc(shared, func(f failureView) bool { return !slices.Contains(op.Failures, f) })
		}
		if len(shared) == 0 {
			continue
		}
		kept := sharedView{ID: kind.id, Title: kind.title, Failures: shared}
		v.Shared = append(v.Shared, kept)
		for _, op := range members {
			op.Failures = slices.DeleteFunc(op.Failures, func(f failureView) bool { return slices.Contains(shared, f) })
			op.Shared = append(op.Shared, kept)
		}
	}
}

func (o operationView) hasFailure(code string) bool {
	return slices.ContainsFunc(o.Failures, func(f failureView) bool { return f.Code == code })
}
