package httpapi

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The generators are those that client developers use, in exact versions.
const (
	goGenerator  = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"
	generateTime = 5 * time.Minute
)

// TestGeneratedClients has clients generated from the served documents, compiled
// strictly, and used for one call each. The tools come from their registries
// into a folder that goes with the test.
func TestGeneratedClients(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	environment := append(os.Environ(), "API="+h.URL+basePath, "TOKEN=alice")

	t.Run("TypeScript", func(t *testing.T) {
		t.Parallel()
		needTool(t, "npm")
		needTool(t, "node")
		g := generation{t: t, dir: t.TempDir(), environment: environment}
		g.copy("typescript", map[string]string{
			"package.json": "package.json", "package-lock.json": "package-lock.json", "tsconfig.json": "tsconfig.json", "call.ts": "call.ts",
		})
		g.fetch(h.URL+basePath+"/openapi.json", "openapi.json")
		g.fetch(h.URL+basePath+"/openapi-3.0.json", "openapi-3.0.json")
		g.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		g.run("node_modules/.bin/redocly", "lint", "openapi.json", "openapi-3.0.json")
		g.run("node_modules/.bin/openapi-typescript", "openapi.json", "--output", "api.d.ts")
		g.run("node_modules/.bin/tsc", "--project", ".")
		g.run("node", "call.js")
	})
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		g := generation{t: t, dir: t.TempDir(), environment: append(environment, "GOFLAGS=-mod=mod")}
		g.copy("go", map[string]string{"go.mod.txt": "go.mod", "go.sum.txt": "go.sum", "main.go.txt": "main.go"})
		g.fetch(h.URL+basePath+"/openapi-3.0.json", "openapi.json")
		if err := os.Mkdir(filepath.Join(g.dir, "api"), 0o755); err != nil {
			t.Fatal(err)
		}
		g.run("go", "run", goGenerator, "-generate", "types,client", "-package", "api", "-o", "api/api.go", "openapi.json")
		g.run("go", "run", ".")
	})
}

// generation is the making of one client in a folder.
type generation struct {
	t           *testing.T
	dir         string
	environment []string
}

func (g generation) copy(from string, names map[string]string) {
	g.t.Helper()
	for source, target := range names {
		content, err := os.ReadFile(filepath.Join("testdata", "clients", from, source))
		if err == nil {
			err = os.WriteFile(filepath.Join(g.dir, target), content, 0o600)
		}
		if err != nil {
			g.t.Fatal(err)
		}
	}
}

func (g generation) fetch(url, name string) {
	g.t.Helper()
	res, err := http.Get(url)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err == nil {
		err = os.WriteFile(filepath.Join(g.dir, name), content, 0o600)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g generation) run(name string, args ...string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), generateTime)
	defer cancel()
	if filepath.Base(name) != name {
		name = filepath.Join(g.dir, name)
	}
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = g.dir, g.environment
	if out, err := command.CombinedOutput(); err != nil {
		g.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func needTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
}
