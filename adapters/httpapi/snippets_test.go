package httpapi_test

import (
	"fmt"
	"html"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/httpapi"
)

var snippet = regexp.MustCompile(`(?s)<pre tabindex="0" aria-label="Example request in (\w+): ([^"]*)"><code>(.*?)</code></pre>`)

// snippetsOf reads the examples of the documentation, by their language.
func snippetsOf(t *testing.T) map[string][]string {
	t.Helper()
	page := newServer(t).do(call{method: http.MethodGet, path: "/docs"})
	byLanguage := map[string][]string{}
	for _, found := range snippet.FindAllStringSubmatch(string(page.body), -1) {
		code := html.UnescapeString(found[3])
		byLanguage[found[1]] = append(byLanguage[found[1]], code)
		if strings.Contains(code, "{id}") || regexp.MustCompile(`\{\w+Id\}`).MatchString(code) {
			t.Errorf("%s of %s does not say which: %s", found[1], found[2], code)
		}
	}
	return byLanguage
}

// The examples of each operation are programs: what is pasted compiles, and curl's
// is a command for a shell.
func TestExamplesInTheDocumentationCompile(t *testing.T) {
	t.Parallel()
	all := snippetsOf(t)
	operations, err := httpapi.Declarations()
	if err != nil {
		t.Fatal(err)
	}
	operations = slices.DeleteFunc(operations, func(o httpapi.Declared) bool { return strings.HasPrefix(o.Path, "/admin/") }) // They are hidden.
	for _, language := range []string{"curl", "JavaScript", "Go"} {
		if n := len(all[language]); n < len(operations)*8/10 || n != len(all["curl"]) {
			t.Errorf("%d examples in %s for %d operations", n, language, len(operations))
		}
	}
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		var file strings.Builder
		file.WriteString("package examples\nimport (\"crypto/rand\"; \"encoding/json\"; \"errors\"; \"fmt\"; \"io\"; \"net/http\"; \"os\"; \"strings\")\n" +
			"var _, _ = rand.Text, json.Marshal\nvar _, _, _ = errors.New, fmt.Print, io.Copy\nvar _, _ = os.Stdout, strings.NewReader\n")
		for i, code := range all["Go"] {
			fmt.Fprintf(&file, "func call%d(host, token string) error {\n%s\n}\n", i, code)
		}
		compiles(t, "examples.go", file.String(), "go", "vet")
	})
	t.Run("JavaScript", func(t *testing.T) {
		t.Parallel()
		var file strings.Builder
		for i, code := range all["JavaScript"] {
			fmt.Fprintf(&file, "async function call%d(host, token) {\n%s\n}\n", i, code)
		}
		compiles(t, "examples.js", file.String(), "node", "--check")
	})
	t.Run("curl", func(t *testing.T) {
		t.Parallel()
		compiles(t, "examples.sh", strings.Join(all["curl"], "\n"), "sh", "-n")
	})
}

// compiles runs the checker of a language, if there is one on this machine.
func compiles(t *testing.T, name, code, checker string, args ...string) {
	t.Helper()
	program, err := exec.LookPath(checker)
	if err != nil {
		t.Skipf("%s is not installed", checker)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), program, append(args, path)...).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
