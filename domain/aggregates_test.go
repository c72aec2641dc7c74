package domain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain"
)

// Every aggregate is listed: codec, subscriptions and golden files follow from
// the list, so that events of an unlisted one could be neither stored nor read.
func TestEveryAggregateIsListed(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, folder := range folders {
		if folder.IsDir() && declaresAggregate(t, folder.Name()) {
			declared = append(declared, folder.Name())
		}
	}
	list, err := parser.ParseFile(token.NewFileSet(), "aggregates.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	ast.Inspect(list, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Aggregate" {
			listed = append(listed, s.X.(*ast.Ident).Name)
		}
		return true
	})
	slices.Sort(listed)
	if diff := cmp.Diff(declared, listed); diff != "" || len(listed) < 4 {
		t.Errorf("packages that declare an aggregate, and those that are listed (-declared +listed):\n%s", diff)
	}
}

// declaresAggregate reports whether a package declares a variable of type
// event.Aggregate, whatever its name.
func declaresAggregate(t *testing.T, folder string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			variables, ok := declaration.(*ast.GenDecl)
			if !ok || variables.Tok != token.VAR {
				continue
			}
			ast.Inspect(variables, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok || s.Sel.Name != "Aggregate" {
					return true
				}
				from, ok := s.X.(*ast.Ident)
				found = found || ok && from.Name == "event"
				return true
			})
		}
	}
	return found
}

// The names that aggregates are told apart by in the log and on the wire are
// each used once.
func TestAggregatesShareNoNames(t *testing.T) {
	t.Parallel()
	categories, prefixes, types := map[string]bool{}, map[string]bool{}, map[string]bool{}
	once := func(names map[string]bool, name string) {
		t.Helper()
		if names[name] {
			t.Errorf("%q is used twice", name)
		}
		names[name] = true
	}
	for _, kind := range domain.Aggregates() {
		once(categories, kind.Category)
		if kind.IDPrefix != "" {
			once(prefixes, kind.IDPrefix)
		}
		if kind.Category == "" || strings.Contains(kind.Category, "-") {
			t.Errorf("the category %q is empty or contains a dash", kind.Category)
		}
		if len(kind.Schemas) == 0 {
			t.Errorf("%s has no events", kind.Category)
		}
		for _, schema := range kind.Schemas {
			once(types, schema.Type)
		}
	}
}
