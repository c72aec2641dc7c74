package identity

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/perfectworks/backend/domain/failure"
)

// The documentation of every operation lists the refusals: none may be left out, but
// for that of Recall, which only signed URLs know.
func TestRefusalsListsEveryFailure(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{failure.Of(ErrAccessEnded).Code: true}
	for _, err := range (*Authenticator)(nil).Refusals() {
		listed[failure.Of(err).Code] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 3 {
				return true
			}
			code, ok := call.Args[1].(*ast.BasicLit)
			if s, isSelector := call.Fun.(*ast.SelectorExpr); !ok || !isSelector || s.Sel.Name != "New" {
				return true
			}
			declared++
			if text, _ := strconv.Unquote(code.Value); !listed[text] {
				t.Errorf("%s: the failure %s is not listed", name, text)
			}
			return true
		})
	}
	if declared < 15 {
		t.Errorf("only %d failures were found", declared)
	}
}
