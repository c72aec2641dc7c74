package httpapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// states are what a code can say of its subject, beside participles: a code is
// SUBJECT_STATE, in this order. Before another state is added, one of these should be tried.
var states = []string{
	// It is not there, or not what it should be.
	"NOT_FOUND", "MISSING", "UNKNOWN", "REQUIRED", "MALFORMED", "INVALID", "UNREADABLE", "UNSUPPORTED", "MISMATCHED",
	"AMBIGUOUS", "DUPLICATED", "FORBIDDEN", "UNTRUSTED", "NOT_ACCEPTABLE", "NOT_ALLOWED", "NOT_SATISFIABLE", "NOT_REGISTERED", "NOT_VERIFIED",
	"NOT_VALID", "NOT_WITHHELD", "UNPAID", "SENT", "UNSENT", "NOT_YET_VALID", "NOT_IN_THE_FUTURE", "NOT_CAPTURED",
	// It is over, or in a state that excludes the request.
	"EXPIRED", "OVERDUE", "REVOKED", "ORPHANED", "ROTATED", "DEACTIVATED", "SUSPENDED", "DELETED", "RELEASED", "CAPTURED", "TIMED_OUT",
	"TAKEN", "REUSED", "IN_USE", "STALE", "CONTENDED", "TOO_OLD",
	// It is too much or too little.
	"TOO_LARGE", "TOO_LONG", "TOO_SHORT", "TOO_DEEP", "TOO_MANY_VALUES", "EXCEEDED", "INSUFFICIENT", "OUT_OF_RANGE", "FULL",
	// A part of the system does not work.
	"FAILED", "UNAVAILABLE", "BEHIND", "READ_ONLY", "BUSY", "GONE",
}

// fixed are the codes that the contract names and that are older than the
// grammar.
var fixed = []string{"FORBIDDEN", "NO_ACTIVE_ORGANIZATION", "LAST_OWNER", "SOLE_OWNER", "WITHDRAWAL_BELOW_MINIMUM", "WITHDRAWAL_IN_PROGRESS", "OPERATION_RUNNING"}

// A code has one form, SUBJECT_STATE, and one meaning: it is declared once, but
// for the same fact about the caller's own credential.
func TestErrorCodesFollowOneGrammar(t *testing.T) {
	t.Parallel()
	codes := declaredCodes(t, "../..")
	if len(codes.failures) < 50 || len(codes.rules) < 10 {
		t.Fatalf("only %d codes and %d rules were found", len(codes.failures), len(codes.rules))
	}
	// These two say the same of a key in the path and of the key that calls.
	twice := []string{"API_KEY_EXPIRED", "API_KEY_REVOKED"}
	for _, code := range slices.Sorted(maps.Keys(codes.failures)) {
		if !follows(code) && !slices.Contains(fixed, code) {
			t.Errorf("%s (%s) is not SUBJECT_STATE with a known state", code, codes.failures[code][0])
		}
		if at := codes.failures[code]; len(at) > 1 && !slices.Contains(twice, code) {
			t.Errorf("%s is declared in several places: %s", code, strings.Join(at, ", "))
		}
	}
	// The subject of a broken rule is the field, so that its code may be the state
	// alone.
	for code, at := range codes.rules {
		if !follows("FIELD_"+code) || len(at) > 1 {
			t.Errorf("the rule %s (%s) is no known state, or declared twice", code, strings.Join(at, ", "))
		}
	}
}

func follows(code string) bool {
	for _, state := range append(states, participle(code)) {
		subject, ok := strings.CutSuffix(code, "_"+state)
		if ok && subject != "" && !slices.Contains(states, subject) && strings.Trim(subject, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" {
			return true
		}
	}
	return false
}

// participle returns the last word of a code if it says what happened to the
// subject, such as REFUNDED, and otherwise nothing that a code ends with.
func participle(code string) string {
	if last := code[strings.LastIndex(code, "_")+1:]; strings.HasSuffix(last, "ED") {
		return last
	}
	return "NOTHING"
}

// declarations are codes, each with the places where it is declared: of failures,
// and of the rules that their details name.
type declarations struct{ failures, rules map[string][]string }

// declaredCodes finds the codes in the program's source.
func declaredCodes(t *testing.T, root string) declarations {
	t.Helper()
	found := declarations{map[string][]string{}, map[string][]string{}}
	for _, folder := range []string{"domain", "commands", "projections", "adapters", "app"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "documents" || d.Name() == "domaintest"):
				return fs.SkipDir
			case filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go"):
				return found.read(path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func (d declarations) read(path string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		return err
	}
	note := func(codes map[string][]string, e ast.Expr) {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return
		}
		code, _ := strconv.Unquote(literal.Value)
		codes[code] = append(codes[code], files.Position(e.Pos()).String())
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr: // failure.New(kind, code, message)
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "New" && isIdent(s.X, "failure") && len(n.Args) == 3 {
				note(d.failures, n.Args[1])
			}
		case *ast.CompositeLit: // apiError{code: ...}
			if !isIdent(n.Type, "apiError") {
				return true
			}
			for _, e := range n.Elts {
				if field, ok := e.(*ast.KeyValueExpr); ok && isIdent(field.Key, "code") {
					note(d.failures, field.Value)
				}
			}
		case *ast.ValueSpec: // const CodeX = ...
			for i, name := range n.Names {
				if len(n.Values) > i && strings.HasPrefix(name.Name, "Code") {
					codes := d.rules
					if slices.Contains([]string{"CodeValidation", "CodeMalformed"}, name.Name) {
						codes = d.failures
					}
					note(codes, n.Values[i])
				}
			}
		}
		return true
	})
	return nil
}

func isIdent(e ast.Expr, name string) bool {
	ident, ok := e.(*ast.Ident)
	return ok && ident.Name == name
}
